#!/usr/bin/env bash
# Makes the topics, the worker's user and its rights, which are those of RUNBOOK.md. It runs where the broker lets
# everybody in, such as inside of the container of compose.yml, and can be repeated.
#
# BROKER (localhost:19092), PASSWORD_FILE (/run/secrets/kafka-password), KAFKA (/opt/kafka/bin), REPLICAS (1): from the
# environment.
set -euo pipefail

broker=${BROKER:-localhost:19092}
tools=${KAFKA:-/opt/kafka/bin}
password=$(cat "${PASSWORD_FILE:-/run/secrets/kafka-password}")

KAFKA_TOPICS="$tools/kafka-topics.sh" REPLICAS=${REPLICAS:-1} bash "$(dirname "$0")/topics.sh" "$broker"

"$tools/kafka-configs.sh" --bootstrap-server "$broker" --alter --entity-type users --entity-name engagement \
    --add-config "SCRAM-SHA-512=[password=$password]"

allow() {
    local operation=$1 kind=$2 name
    local resources=()
    shift 2
    for name in "$@"; do
        resources+=("--$kind" "$name")
    done
    "$tools/kafka-acls.sh" --bootstrap-server "$broker" --add --allow-principal User:engagement \
        --operation "$operation" "${resources[@]}"
}

allow Read topic clickstream email social engagement-erasures
allow Write topic churn-risk-alerts engagement-band-changes engagement-signals engagement-feed-alerts \
    engagement-dead-letters engagement-erasures
allow Describe topic engagement-dead-letter-replays
allow Read group engagement
