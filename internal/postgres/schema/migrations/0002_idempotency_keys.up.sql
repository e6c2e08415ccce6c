-- compatible: 1

-- The writes with an idempotency key, and their results.
CREATE TABLE docket.idempotency_keys (
  user_id     text COLLATE "C" NOT NULL,
  key         text COLLATE "C" NOT NULL CHECK (char_length(key) BETWEEN 1 AND 255),
  fingerprint bytea       NOT NULL, -- of the request
  result      bytea,                -- its tasks, as JSON; null until the write is done, in the same transaction
  expires_at  timestamptz NOT NULL,
  PRIMARY KEY (user_id, key)
);

CREATE INDEX idempotency_keys_expires_at ON docket.idempotency_keys (expires_at ASC);
