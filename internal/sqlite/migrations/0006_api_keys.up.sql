-- compatible: 5

-- The API keys of users. Erasing a user removes the row in owners, and with it the keys,
-- also in a program of before this step. A step that makes owners anew has to make this
-- table anew as well: dropping owners would delete the keys.
CREATE TABLE api_keys (
  user_id    TEXT    NOT NULL REFERENCES owners (user_id) ON DELETE CASCADE,
  id         BLOB    NOT NULL CHECK (length(id) = 16),
  hash       BLOB    NOT NULL CHECK (length(hash) = 32), -- SHA-256 of the key's text, which is not kept
  created_at INTEGER NOT NULL,
  expires_at INTEGER, -- null: never
  used_on    INTEGER, -- the beginning of the UTC day of the last use; null: never used
  scopes     TEXT    NOT NULL, -- their names, with spaces between them
  name       TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  PRIMARY KEY (user_id, id)
) STRICT, WITHOUT ROWID;
