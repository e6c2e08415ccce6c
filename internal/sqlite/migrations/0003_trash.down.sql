DROP INDEX tasks_deleted_at;
