-- The answers that are forgotten were to be kept for a day only.
DROP TABLE idempotency_keys;
