-- compatible: 1

-- The keys come first: a write with a key has locked its key before it asks for its
-- owner, so the other order would be a deadlock with it.

-- The length of result as counted in kept; 0 when a program before this step kept it.
ALTER TABLE docket.idempotency_keys ADD COLUMN size integer NOT NULL DEFAULT 0;

ALTER TABLE docket.owners
  ADD COLUMN trash bigint, -- tasks that are deleted; null until they are counted
  ADD COLUMN kept bigint NOT NULL DEFAULT 0; -- the sum of size of the owner's keys

-- At most one row: what is known of the database as a whole.
CREATE TABLE docket.database (
  id       smallint NOT NULL PRIMARY KEY CHECK (id = 1),
  clock    timestamptz, -- the time that maintenance goes by
  timeline text         -- the server's, as in the names of its WAL files
);
