"""The topics that the service makes where they are absent."""

from __future__ import annotations

from scoring.instants import DAY, MILLISECOND
from streams.kafka.publisher import _dead_letter
from streams.kafka.topics import (
    MOST_DEAD_LETTER_BYTES,
    MOST_RECORD_BYTES,
    partition_count,
    read_topics,
    source_topics,
    topic_settings,
)
from streams.policy_file.document import builtin_policy, parse_policy
from streams.records import DeadLetter, Partition
from tests.unit.streams.bench import Record

OURS = {
    "churn-risk-alerts",
    "engagement-band-changes",
    "engagement-signals",
    "engagement-feed-alerts",
    "engagement-dead-letters",
    "engagement-dead-letter-replays",
    "engagement-erasures",
}


def test_events_come_from_the_topics_of_the_policy() -> None:
    policy = parse_policy('[channels.calls]\ntopic = "phone.calls"\nweights = { a = 1 }')

    assert source_topics(policy) == ["phone.calls"]
    assert set(topic_settings(policy)) == {"phone.calls", *OURS}
    assert source_topics(builtin_policy()) == ["clickstream", "email", "social"]


def test_events_are_kept_for_longer_than_scores_look_back() -> None:
    policy = parse_policy('[window]\nlength = "90d"\ntrend = "30d"')
    settings = topic_settings(policy)["email"]

    assert int(settings["retention.ms"]) == 127 * DAY // MILLISECOND
    assert int(settings["max.message.bytes"]) >= 2_000_000


def test_a_dead_letter_of_the_largest_record_fits_its_topic() -> None:
    record = Record(2**63, 0, b"k" * 256, b"v" * (MOST_RECORD_BYTES - 256))
    _, key, value, headers = _dead_letter(DeadLetter(record, "r" * 50, "é" * 500, Partition("t" * 249, 2**31)))
    size = len(key or b"") + len(value or b"") + sum(len(name) + len(content) for name, content in headers)

    assert size < MOST_DEAD_LETTER_BYTES
    assert topic_settings(builtin_policy())["engagement-dead-letters"]["max.message.bytes"] == str(
        MOST_DEAD_LETTER_BYTES
    )


def test_links_are_kept_for_good_in_one_partition() -> None:
    policy = parse_policy('[identities]\ntopic = "who-is-who"\n')

    assert read_topics(policy) == [*source_topics(policy), "who-is-who"]
    assert topic_settings(policy)["who-is-who"]["retention.ms"] == "-1"
    assert partition_count("who-is-who", 12, policy.identities) == 1
    assert partition_count("clickstream", 12, policy.identities) == 12
    assert read_topics(builtin_policy()) == source_topics(builtin_policy())
