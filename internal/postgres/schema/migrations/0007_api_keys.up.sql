-- compatible: 3

-- The API keys of users. Erasing a user removes the row in owners, and with it the keys,
-- also in a program of before this step.
CREATE TABLE docket.api_keys (
  user_id    text COLLATE "C" NOT NULL REFERENCES docket.owners (user_id) ON DELETE CASCADE,
  id         uuid        NOT NULL,
  hash       bytea       NOT NULL CHECK (octet_length(hash) = 32), -- SHA-256 of the key's text, which is not kept
  created_at timestamptz NOT NULL,
  expires_at timestamptz, -- null: never
  used_on    timestamptz, -- the beginning of the UTC day of the last use; null: never used
  scopes     text        NOT NULL, -- their names, with spaces between them
  name       text        NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
  PRIMARY KEY (user_id, id)
);
