DROP INDEX docket.tasks_trash, docket.tasks_live;
