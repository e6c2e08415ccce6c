DROP INDEX docket.tasks_trash;
DROP INDEX docket.tasks_live;
