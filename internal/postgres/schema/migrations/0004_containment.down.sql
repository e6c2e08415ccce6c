DROP TABLE docket.database;
ALTER TABLE docket.idempotency_keys DROP COLUMN size;
ALTER TABLE docket.owners DROP COLUMN kept, DROP COLUMN trash;
