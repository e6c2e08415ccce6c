-- compatible: 1

-- Live tasks in the order of creation, however many are deleted.
CREATE INDEX tasks_live ON docket.tasks (user_id, id) WHERE deleted_at IS NULL;

-- The trash in the order in which its tasks were deleted. The condition is in these
-- words so that only statements about one user's trash match it: IS NOT NULL would
-- match the index of the purge too, which spans all users.
CREATE INDEX tasks_trash ON docket.tasks (user_id, version) WHERE coalesce(deleted_at, 'infinity') < 'infinity';

ALTER TABLE docket.owners
  ADD COLUMN trash bigint, -- tasks that are deleted; null until they are counted
  ADD COLUMN kept bigint NOT NULL DEFAULT 0; -- the sum of size of the owner's keys

-- The length of result as counted in kept; 0 when a program before this step kept it.
ALTER TABLE docket.idempotency_keys ADD COLUMN size integer NOT NULL DEFAULT 0;

-- At most one row: what is known of the database as a whole.
CREATE TABLE docket.database (
  id       smallint NOT NULL PRIMARY KEY CHECK (id = 1),
  clock    timestamptz, -- the time that maintenance goes by
  timeline text         -- the server's, as in the names of its WAL files
);
