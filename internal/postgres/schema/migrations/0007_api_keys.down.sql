-- drops data
DROP TABLE docket.api_keys;
