#!/bin/sh
# Run by the image of PostgreSQL when it makes the database: the role of
# docs/operations.md, which owns the schema docket and no more.
set -eu
psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
  -v password="$(cat /run/secrets/docket_password)" <<'SQL'
CREATE ROLE docket LOGIN PASSWORD :'password';
CREATE SCHEMA docket AUTHORIZATION docket;
SQL
