DROP TABLE clock;
ALTER TABLE owners DROP COLUMN kept;
ALTER TABLE owners DROP COLUMN trash;

CREATE TABLE all_tasks (
  user_id            TEXT    NOT NULL,
  id                 BLOB    NOT NULL CHECK (length(id) = 16),
  title              TEXT    NOT NULL CHECK (length(title) BETWEEN 1 AND 500),
  description        TEXT    CHECK (length(description) <= 5000),
  completed          INTEGER NOT NULL CHECK (completed IN (0, 1)),
  created_at         INTEGER NOT NULL,
  updated_at         INTEGER NOT NULL,
  version            INTEGER NOT NULL,
  deleted_at         INTEGER, -- set: a tombstone, which is also the trash
  title_folded       TEXT    NOT NULL,
  description_folded TEXT,
  PRIMARY KEY (user_id, id)
) STRICT, WITHOUT ROWID;

INSERT INTO all_tasks (user_id, id, completed, created_at, updated_at, version, title, title_folded, description, description_folded)
SELECT user_id, id, completed, created_at, updated_at, version, title, title_folded, description, description_folded FROM tasks;
INSERT INTO all_tasks (user_id, id, completed, created_at, updated_at, version, deleted_at, title, title_folded, description, description_folded)
SELECT user_id, id, completed, created_at, updated_at, version, deleted_at, title, title_folded, description, description_folded FROM trash;

DROP TABLE tasks;
DROP TABLE trash;
ALTER TABLE all_tasks RENAME TO tasks;
CREATE UNIQUE INDEX tasks_version ON tasks (user_id, version);
CREATE INDEX tasks_deleted_at ON tasks (deleted_at) WHERE deleted_at IS NOT NULL;
