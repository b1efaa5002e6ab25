#!/usr/bin/env bash
# Creates the topics of the built-in policy that are absent. The worker does the same when it starts; this is for those
# who want other numbers of partitions or replicas, or whose workers may not create topics.
#
#   deploy/topics.sh BROKER:9092
#
# PARTITIONS (12), REPLICAS (3), KAFKA_TOPICS (kafka-topics.sh): from the environment; and NAMESPACE, if the topics that
# the service writes are to be of the namespace (ENGAGEMENT_OUTPUT_TOPICS=namespace).
set -euo pipefail

brokers=${1:?"usage: $0 HOST:PORT[,HOST:PORT...]"}
partitions=${PARTITIONS:-12}
replicas=${REPLICAS:-3}
tool=${KAFKA_TOPICS:-kafka-topics.sh}
prefix=${NAMESPACE:+$NAMESPACE.}

day=$((24 * 60 * 60 * 1000))
largest_event=$((8 * 1024 * 1024))
# Window and trend of the policy, 30 and 7 days, and a week to come back after an outage.
events_kept=$((44 * day))
output_kept=$((30 * day))
# A dead letter holds a record and its headers.
largest_dead_letter=$((largest_event + 64 * 1024))

create() {
    local topic=$1 setting
    local settings=()
    shift
    for setting in "$@"; do
        settings+=(--config "$setting")
    done
    "$tool" --bootstrap-server "$brokers" --create --if-not-exists --topic "$topic" \
        --partitions "$partitions" --replication-factor "$replicas" "${settings[@]}"
}

for topic in clickstream email social; do
    create "$topic" "retention.ms=$events_kept" "max.message.bytes=$largest_event"
done
for topic in churn-risk-alerts engagement-band-changes engagement-signals engagement-feed-alerts; do
    create "$prefix$topic" "retention.ms=$output_kept"
done
create "${prefix}engagement-dead-letters" "retention.ms=$output_kept" "max.message.bytes=$largest_dead_letter"
# What says that a dead letter has been replayed outlives the letter.
create "${prefix}engagement-dead-letter-replays" "retention.ms=$((2 * output_kept))"
# Kept for good, and read in one order by all.
partitions=1 create "${prefix}engagement-erasures" "cleanup.policy=compact"
