-- compatible: 4

-- The trash has a table of its own, so that no read of live tasks meets it. Short
-- columns come first: a pass that filters or sorts does not read the descriptions.
CREATE TABLE live_tasks (
  user_id            TEXT    NOT NULL,
  id                 BLOB    NOT NULL CHECK (length(id) = 16),
  completed          INTEGER NOT NULL CHECK (completed IN (0, 1)),
  created_at         INTEGER NOT NULL,
  updated_at         INTEGER NOT NULL,
  version            INTEGER NOT NULL,
  title              TEXT    NOT NULL CHECK (length(title) BETWEEN 1 AND 500),
  title_folded       TEXT    NOT NULL,
  description        TEXT    CHECK (length(description) <= 5000),
  description_folded TEXT,
  PRIMARY KEY (user_id, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE trash (
  user_id            TEXT    NOT NULL,
  id                 BLOB    NOT NULL CHECK (length(id) = 16),
  completed          INTEGER NOT NULL CHECK (completed IN (0, 1)),
  created_at         INTEGER NOT NULL,
  updated_at         INTEGER NOT NULL,
  version            INTEGER NOT NULL, -- of the deletion
  deleted_at         INTEGER NOT NULL,
  title              TEXT    NOT NULL CHECK (length(title) BETWEEN 1 AND 500),
  title_folded       TEXT    NOT NULL,
  description        TEXT    CHECK (length(description) <= 5000),
  description_folded TEXT,
  PRIMARY KEY (user_id, id)
) STRICT, WITHOUT ROWID;

INSERT INTO live_tasks (user_id, id, completed, created_at, updated_at, version, title, title_folded, description, description_folded)
SELECT user_id, id, completed, created_at, updated_at, version, title, title_folded, description, description_folded
FROM tasks WHERE deleted_at IS NULL ORDER BY user_id, id;

INSERT INTO trash (user_id, id, completed, created_at, updated_at, version, deleted_at, title, title_folded, description, description_folded)
SELECT user_id, id, completed, created_at, updated_at, version, deleted_at, title, title_folded, description, description_folded
FROM tasks WHERE deleted_at IS NOT NULL ORDER BY user_id, id;

DROP TABLE tasks;
ALTER TABLE live_tasks RENAME TO tasks;
CREATE UNIQUE INDEX tasks_version ON tasks (user_id, version);
CREATE UNIQUE INDEX trash_version ON trash (user_id, version);
CREATE INDEX trash_deleted_at ON trash (deleted_at); -- for the purge

-- What a user has in the trash and under keys, so that each is bounded without counting.
ALTER TABLE owners ADD COLUMN trash INTEGER NOT NULL DEFAULT 0; -- tasks in the trash
ALTER TABLE owners ADD COLUMN kept INTEGER NOT NULL DEFAULT 0;  -- bytes of the results in idempotency_keys

UPDATE owners SET trash = t.n FROM (SELECT user_id, count(*) AS n FROM trash GROUP BY user_id) AS t WHERE owners.user_id = t.user_id;
UPDATE owners SET kept = k.bytes FROM (SELECT user_id, sum(length(result)) AS bytes FROM idempotency_keys GROUP BY user_id) AS k WHERE owners.user_id = k.user_id;

-- The time that maintenance goes by, in microseconds since 1970.
CREATE TABLE clock (
  one      INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
  believed INTEGER NOT NULL
) STRICT;
