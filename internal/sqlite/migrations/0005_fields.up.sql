-- compatible: 5

-- More fields of a task. The tables are made anew, so that short columns still come
-- first: a pass over tasks with long descriptions would take up to 1.6 times as long.
-- An older program would lose the new fields of a task that it deletes.
CREATE TABLE live_tasks (
  user_id            TEXT    NOT NULL,
  id                 BLOB    NOT NULL CHECK (length(id) = 16),
  completed          INTEGER NOT NULL CHECK (completed IN (0, 1)),
  priority           INTEGER NOT NULL DEFAULT 0 CHECK (priority BETWEEN -1 AND 1), -- low, medium, high
  created_at         INTEGER NOT NULL,
  updated_at         INTEGER NOT NULL,
  completed_at       INTEGER, -- set while the task is completed
  due_at             INTEGER, -- the moment of due_date, in microseconds since 1970
  version            INTEGER NOT NULL,
  due_date           TEXT    CHECK (length(due_date) <= 20), -- as clients see it
  title              TEXT    NOT NULL CHECK (length(title) BETWEEN 1 AND 500),
  title_folded       TEXT    NOT NULL,
  tags_folded        BLOB,    -- a zero byte, and each tag with a zero byte after it
  tags               TEXT,    -- a JSON array
  description        TEXT    CHECK (length(description) <= 5000),
  description_folded TEXT,
  metadata           TEXT    CHECK (octet_length(metadata) <= 4096), -- a JSON object
  PRIMARY KEY (user_id, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE all_trash (
  user_id            TEXT    NOT NULL,
  id                 BLOB    NOT NULL CHECK (length(id) = 16),
  completed          INTEGER NOT NULL CHECK (completed IN (0, 1)),
  priority           INTEGER NOT NULL DEFAULT 0 CHECK (priority BETWEEN -1 AND 1),
  created_at         INTEGER NOT NULL,
  updated_at         INTEGER NOT NULL,
  completed_at       INTEGER,
  due_at             INTEGER,
  version            INTEGER NOT NULL, -- of the deletion
  deleted_at         INTEGER NOT NULL,
  due_date           TEXT    CHECK (length(due_date) <= 20),
  title              TEXT    NOT NULL CHECK (length(title) BETWEEN 1 AND 500),
  title_folded       TEXT    NOT NULL,
  tags_folded        BLOB,
  tags               TEXT,
  description        TEXT    CHECK (length(description) <= 5000),
  description_folded TEXT,
  metadata           TEXT    CHECK (octet_length(metadata) <= 4096),
  PRIMARY KEY (user_id, id)
) STRICT, WITHOUT ROWID;

-- When a task became completed is not known: it was at its last change, or before.
INSERT INTO live_tasks (user_id, id, completed, created_at, updated_at, completed_at, version, title, title_folded, description, description_folded)
SELECT user_id, id, completed, created_at, updated_at, iif(completed, updated_at, NULL), version, title, title_folded, description, description_folded
FROM tasks ORDER BY user_id, id;

INSERT INTO all_trash (user_id, id, completed, created_at, updated_at, completed_at, version, deleted_at, title, title_folded, description, description_folded)
SELECT user_id, id, completed, created_at, updated_at, iif(completed, updated_at, NULL), version, deleted_at, title, title_folded, description, description_folded
FROM trash ORDER BY user_id, id;

DROP TABLE tasks;
DROP TABLE trash;
ALTER TABLE live_tasks RENAME TO tasks;
ALTER TABLE all_trash RENAME TO trash;
CREATE UNIQUE INDEX tasks_version ON tasks (user_id, version);
CREATE UNIQUE INDEX trash_version ON trash (user_id, version);
CREATE INDEX trash_deleted_at ON trash (deleted_at); -- for the purge
