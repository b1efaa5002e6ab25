"""The topics: their settings, and their creation where they are absent."""

from __future__ import annotations

from collections.abc import Iterable

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    KafkaError,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
    for_code,
)

from scoring.instants import DAY, MILLISECOND
from scoring.policy.policy import Policy
from streams.errors import AccessDenied, BrokerUnavailable
from streams.kafka.access import unavailable
from streams.kafka.connections import kafka_options
from streams.settings.settings import Settings
from streams.topic_names import (
    ALERTS,
    BAND_CHANGES,
    DEAD_LETTER_REPLAYS,
    DEAD_LETTERS,
    ERASURES,
    FEED_ALERTS,
    SIGNALS,
    shadow_topics,
)

PARTITIONS = 12
#: The largest record that the topics made here take; a dead letter must hold a record and its headers.
MOST_RECORD_BYTES = 8 * 1024 * 1024
MOST_DEAD_LETTER_BYTES = MOST_RECORD_BYTES + 64 * 1024
_MOST_REPLICAS = 3
_SPARE_DAYS = 7
_KEPT_DAYS = 30
#: What says that a dead letter has been replayed outlives the letter, which Kafka keeps until its segment is over.
_REPLAYS_KEPT_DAYS = 2 * _KEPT_DAYS
_TIMEOUT_MS = 10_000


def event_topics(policy: Policy) -> list[str]:
    """List the topics that events come from: those of channels in their own shape, then those of sources."""
    return [*policy.own_topics, *dict.fromkeys(source.topic for source in policy.sources)]


def source_topics(policy: Policy) -> list[str]:
    """List the topics that are read: those of events and, where the policy has profiles, theirs."""
    return event_topics(policy) + ([policy.profiles.topic] if policy.profiles is not None else [])


def read_topics(policy: Policy) -> list[str]:
    """List the topics that workers read: those of events and profiles, and that of the links if there are any."""
    return [*source_topics(policy), *([policy.identities] if policy.identities else [])]


def topic_settings(policy: Policy, prefix: str = "") -> dict[str, dict[str, str]]:
    """Return the settings of each topic when it is created.

    Args:
        policy: its window decides how long events are kept.
        prefix: of the topics that the service writes.

    Returns:
        Topic to settings. Events outlive the window and the trend by a week, so that the scores can be rebuilt from
        the log after an outage. Of profiles the last of each customer is kept for good, and so is every link.
    """
    kept = policy.length + policy.trend + _SPARE_DAYS * DAY
    source = {"retention.ms": str(kept // MILLISECOND), "max.message.bytes": str(MOST_RECORD_BYTES)}
    output = {"retention.ms": str(_KEPT_DAYS * DAY // MILLISECOND)}
    topics = dict.fromkeys(event_topics(policy), source)
    if policy.profiles is not None:
        topics[policy.profiles.topic] = {"cleanup.policy": "compact", "max.message.bytes": str(MOST_RECORD_BYTES)}
    if policy.identities:
        topics[policy.identities] = {"retention.ms": "-1", "max.message.bytes": str(MOST_RECORD_BYTES)}
    written = dict.fromkeys(shadow_topics(policy), output) | {
        ALERTS: output,
        BAND_CHANGES: output,
        SIGNALS: output,
        FEED_ALERTS: output,
        DEAD_LETTERS: output | {"max.message.bytes": str(MOST_DEAD_LETTER_BYTES)},
        DEAD_LETTER_REPLAYS: {"retention.ms": str(_REPLAYS_KEPT_DAYS * DAY // MILLISECOND)},
        ERASURES: {"cleanup.policy": "compact"},
    }
    return topics | {prefix + topic: config for topic, config in written.items()}


def partition_count(topic: str, partitions: int = PARTITIONS, identities: str = "", prefix: str = "") -> int:
    """Return how many partitions a topic gets: erasures and links are read in one order by all, so they have one.

    Args:
        topic: its name.
        partitions: of any other topic.
        identities: the name of the topic of the links.
        prefix: of the topics that the service writes.
    """
    return 1 if topic in (prefix + ERASURES, identities) else partitions


def absent_message(topic: str) -> str:
    """Say that a topic is needed and absent.

    Args:
        topic: its name.
    """
    return f"topic {topic} does not exist; create it, or start a worker, which creates what is absent"


async def ensure_topics(
    settings: Settings, partitions: int = PARTITIONS, topics: Iterable[str] | None = None
) -> list[str]:
    """Create the topics that are absent; those that exist are left as they are.

    Args:
        settings: name the brokers and the policy.
        partitions: of each created topic.
        topics: that are needed; by default all.

    Returns:
        The created topics.

    Raises:
        AccessDenied: if Kafka does not let the worker in, or create them.
        BrokerUnavailable: if Kafka does not answer or refuses.
    """
    admin = AIOKafkaAdminClient(**kafka_options(settings), request_timeout_ms=_TIMEOUT_MS)
    try:
        await admin.start()
        wanted = topic_settings(settings.policy, settings.topic_prefix)
        needed = wanted if topics is None else topics
        missing = [topic for topic in needed if topic not in set(await admin.list_topics())]
        if missing:
            brokers = len((await admin.describe_cluster())["brokers"])
            replicas = min(brokers, _MOST_REPLICAS) or 1
            topics = [
                NewTopic(
                    name,
                    partition_count(name, partitions, settings.policy.identities, settings.topic_prefix),
                    replicas,
                    topic_configs=wanted[name],
                )
                for name in missing
            ]
            await _create(admin, topics)
    except (KafkaError, OSError) as error:
        raise await unavailable(settings, error) from error
    finally:
        await admin.close()
    return missing


async def _create(admin: AIOKafkaAdminClient, topics: Iterable[NewTopic]) -> None:
    answer = await admin.create_topics(list(topics))
    for topic, code, *_ in answer.topic_errors:
        error = for_code(code)
        # Another worker may have been quicker.
        if code and error is not TopicAlreadyExistsError:
            denied = error in (TopicAuthorizationFailedError, ClusterAuthorizationFailedError)
            kind = AccessDenied if denied else BrokerUnavailable
            raise kind(f"topic {topic} is absent or hidden, and cannot be created: {error.__name__}")
