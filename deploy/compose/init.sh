#!/bin/sh
# The PostgreSQL image runs this when it initialises the database. It creates
# the role of docs/operations.md, which owns only the schema docket.
set -eu
psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
  -v password="$(cat /run/secrets/docket_password)" <<'SQL'
CREATE ROLE docket LOGIN PASSWORD :'password';
CREATE SCHEMA docket AUTHORIZATION docket;
SQL
