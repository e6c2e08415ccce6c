-- drops data
DROP TABLE tasks;
DROP TABLE owners;
