-- drops data
DROP TABLE docket.tasks;
DROP TABLE docket.owners;
