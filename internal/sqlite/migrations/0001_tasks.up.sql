-- compatible: 1

-- One row for each user who has ever had a task.
CREATE TABLE owners (
  user_id        TEXT    NOT NULL PRIMARY KEY,
  epoch          INTEGER NOT NULL, -- random, so that a token from another history never fits this one
  counter        INTEGER NOT NULL, -- changes so far; the version of the task changed last
  purged_through INTEGER NOT NULL DEFAULT 0, -- the highest version among the tombstones removed
  live           INTEGER NOT NULL  -- tasks that are not deleted
) STRICT, WITHOUT ROWID;

-- The primary key is the access path: ownership, look-up, creation order and
-- paging from one tree. Times are microseconds since 1970. The folded texts
-- (Unicode simple case folding, by the program) serve the search.
CREATE TABLE tasks (
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

CREATE UNIQUE INDEX tasks_version ON tasks (user_id, version);
