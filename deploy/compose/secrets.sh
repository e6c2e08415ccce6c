#!/bin/sh
# Makes the secrets of compose.yaml, once: the passwords of PostgreSQL and the
# secret that signs tokens. What is there already is kept.
set -eu
cd "$(dirname "$0")"
[ ! -e secrets ] || { echo "secrets.sh: $(pwd)/secrets is there already" >&2; exit 1; }
random() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; } # 64 digits, which no URL and no file needs to quote

umask 077
mkdir secrets.new
cd secrets.new
docket=$(random)
random >postgres_password
printf %s "$docket" >docket_password
printf '"docket" "%s"\n' "$docket" >pgbouncer_users
printf 'postgresql://docket:%s@pgbouncer:6432/docket?sslmode=disable' "$docket" >database_url
printf 'postgresql://docket:%s@postgres:5432/docket?sslmode=disable' "$docket" >direct_database_url
random >auth_secret
# Compose mounts each file as it is, and the users of the containers are not its
# owner. On this machine the folder keeps everybody else out.
chmod 444 ./*
cd ..
mv secrets.new secrets
