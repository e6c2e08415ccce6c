-- compatible: 5

-- A new task enters the index by version not at once, but together with the next ones
-- of its owner: one by one, each would change a page of the index somewhere in the file.
-- An older program puts each task into the index, and its reads of changes, which do not
-- name the condition, read all tasks of the owner instead.
ALTER TABLE tasks ADD COLUMN fresh INTEGER NOT NULL DEFAULT 0; -- 1: not in tasks_version
DROP INDEX tasks_version;
CREATE INDEX tasks_version ON tasks (user_id, version) WHERE fresh = 0;

ALTER TABLE owners ADD COLUMN fresh INTEGER NOT NULL DEFAULT 0; -- so many tasks are fresh at most
ALTER TABLE owners ADD COLUMN fresh_from BLOB; -- no fresh task has a lower id
