-- compatible: 1

-- The writes with an idempotency key, and their results.
CREATE TABLE idempotency_keys (
  user_id     TEXT    NOT NULL,
  key         TEXT    NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
  fingerprint BLOB    NOT NULL, -- of the request
  result      BLOB    NOT NULL, -- its tasks, as JSON
  expires_at  INTEGER NOT NULL, -- microseconds since 1970
  PRIMARY KEY (user_id, key)
) STRICT;

CREATE INDEX idempotency_keys_expires_at ON idempotency_keys (expires_at);
