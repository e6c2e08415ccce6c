-- compatible: 1

-- One row for each user who has ever had a task.
CREATE TABLE docket.owners (
  user_id        text COLLATE "C" NOT NULL PRIMARY KEY CHECK (char_length(user_id) BETWEEN 1 AND 255),
  epoch          bigint NOT NULL, -- random, so that a token from another history never fits this one
  counter        bigint NOT NULL, -- changes so far; the version of the task changed last
  purged_through bigint NOT NULL DEFAULT 0, -- the highest version among the tombstones removed
  live           bigint NOT NULL  -- tasks that are not deleted
);

-- The primary key is the access path: ownership, look-up, creation order and
-- paging from one index. Times come from the program's clock. The folded
-- texts (Unicode simple case folding, by the program) serve the search.
CREATE TABLE docket.tasks (
  user_id            text COLLATE "C" NOT NULL,
  id                 uuid        NOT NULL,
  title              text        NOT NULL CHECK (char_length(title) BETWEEN 1 AND 500),
  description        text        CHECK (char_length(description) <= 5000),
  completed          boolean     NOT NULL,
  created_at         timestamptz NOT NULL,
  updated_at         timestamptz NOT NULL,
  version            bigint      NOT NULL,
  deleted_at         timestamptz, -- set: a tombstone, which is also the trash
  title_folded       text        NOT NULL,
  description_folded text,
  PRIMARY KEY (user_id, id)
);

CREATE UNIQUE INDEX tasks_version ON docket.tasks (user_id, version);
