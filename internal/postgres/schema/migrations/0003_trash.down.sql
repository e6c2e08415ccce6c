DROP INDEX docket.tasks_deleted_at;
