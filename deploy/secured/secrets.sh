#!/usr/bin/env bash
# Makes what compose.yml asks for, in the folder secrets beside it: an authority, certificates for Kafka and Redis,
# passwords, the key of the erasures, and Redis' users. What is there is kept. Only the folder keeps others out: the
# users inside of the containers have to be able to read the files.
#
#   deploy/secured/secrets.sh [FOLDER]
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
folder=${1:-$here/secrets}
mkdir -p "$folder"
chmod 700 "$folder"
cd "$folder"
umask 022

days=825
new_key=(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes)

certify() {
    local name=$1
    [ -s "$name.pem" ] && return
    openssl req -new "${new_key[@]}" -keyout "$name.key" -out "$name.csr" -subj "/CN=$name" 2>/dev/null
    printf 'subjectAltName=DNS:%s,DNS:localhost\n' "$name" >"$name.ext"
    openssl x509 -req -in "$name.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days "$days" -extfile "$name.ext" \
        -out "$name.pem" 2>/dev/null
    rm "$name.csr" "$name.ext"
    chmod 644 "$name.key"
}

[ -s ca.pem ] || openssl req -x509 "${new_key[@]}" -keyout ca.key -out ca.pem -subj "/CN=engagement" -days "$days" 2>/dev/null
certify kafka
certify redis
cat kafka.key kafka.pem >kafka-store.pem
for name in kafka-password redis-password erasure-key; do
    [ -s "$name" ] || openssl rand -hex 24 >"$name"
done
# The worker's rights are those of RUNBOOK.md.
cat >redis-users.acl <<USERS
user default off
user engagement on >$(cat redis-password) ~engagement:* resetchannels -@all +info +ping +function|load +fcall +hget +hmget +hgetall +hkeys +hset +hsetnx +hdel +zadd +zrem +zcard +zrangebyscore +get +set +exists +type +del +hincrby +scan
USERS
echo "Secrets are in $folder"
