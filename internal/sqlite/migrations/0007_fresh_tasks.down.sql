DROP INDEX tasks_version;
ALTER TABLE tasks DROP COLUMN fresh;
ALTER TABLE owners DROP COLUMN fresh;
ALTER TABLE owners DROP COLUMN fresh_from;
CREATE UNIQUE INDEX tasks_version ON tasks (user_id, version);
