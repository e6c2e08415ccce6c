-- drops data
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

CREATE TABLE all_trash (
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
SELECT user_id, id, completed, created_at, updated_at, version, title, title_folded, description, description_folded FROM tasks ORDER BY user_id, id;

INSERT INTO all_trash (user_id, id, completed, created_at, updated_at, version, deleted_at, title, title_folded, description, description_folded)
SELECT user_id, id, completed, created_at, updated_at, version, deleted_at, title, title_folded, description, description_folded FROM trash ORDER BY user_id, id;

DROP TABLE tasks;
DROP TABLE trash;
ALTER TABLE live_tasks RENAME TO tasks;
ALTER TABLE all_trash RENAME TO trash;
CREATE UNIQUE INDEX tasks_version ON tasks (user_id, version);
CREATE UNIQUE INDEX trash_version ON trash (user_id, version);
CREATE INDEX trash_deleted_at ON trash (deleted_at); -- for the purge
