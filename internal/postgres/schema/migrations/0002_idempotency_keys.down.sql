-- The results that are lost would have been kept for a day only.
DROP TABLE docket.idempotency_keys;
