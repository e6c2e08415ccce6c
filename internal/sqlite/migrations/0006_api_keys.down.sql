-- drops data
DROP TABLE api_keys;
