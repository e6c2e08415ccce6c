#!/bin/sh
# Creates the secrets of compose.yaml: the passwords of PostgreSQL and the secret
# that signs tokens. It does not replace existing ones.
set -eu
cd "$(dirname "$0")"
[ ! -e secrets ] || { echo "secrets.sh: $(pwd)/secrets exists already" >&2; exit 1; }
random() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; } # 64 hexadecimal digits, which need no quoting

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
# Compose mounts each file with its mode, and the containers run as other users.
# On this machine the mode of the directory keeps other users out.
chmod 444 ./*
cd ..
mv secrets.new secrets
