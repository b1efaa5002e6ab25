"""The topics: whether they are there, have leaders, and are kept and cleaned as they have to be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aiokafka.codec import has_gzip, has_lz4, has_snappy, has_zstd

from scoring.policy.policy import Policy
from streams.doctor.configuration import Configuration
from streams.doctor.finding import Finding, doubtful, right, wrong
from streams.doctor.kafka import kafka_admin, telling
from streams.doctor.retention import retention_findings
from streams.kafka.configs import topic_configs
from streams.kafka.topics import event_topics, partition_count, source_topics, topic_settings
from streams.topic_names import ALERTS, BAND_CHANGES, DEAD_LETTERS, ERASURES, FEED_ALERTS, SIGNALS

Configs = Mapping[str, Mapping[str, str]]
_TOLD = (ALERTS, BAND_CHANGES, SIGNALS, FEED_ALERTS)
#: More bytes than a message has.
_ROOMY = 64 * 1024
_CODECS = {"gzip": has_gzip, "snappy": has_snappy, "lz4": has_lz4, "zstd": has_zstd}


async def check_topics(configuration: Configuration) -> list[Finding]:
    """Look at the topics and their partitions; see `topic_findings`."""
    async with kafka_admin(configuration.settings) as admin:
        described = {topic["topic"]: topic["partitions"] for topic in await admin.describe_topics()}
    return topic_findings(configuration.settings.policy, described, configuration.settings.topic_prefix)


def topic_findings(
    policy: Policy, described: Mapping[str, Sequence[Mapping[str, Any]]], prefix: str = ""
) -> list[Finding]:
    """Say which topics are absent, have too many partitions, or partitions without a leader.

    Args:
        policy: names the topics that are read.
        described: the partitions of each topic that exists, as Kafka describes them.
        prefix: of the topics that the service writes.
    """
    wanted = list(topic_settings(policy, prefix))
    present = {topic: described[topic] for topic in wanted if topic in described}
    findings = []
    if absent := [topic for topic in wanted if topic not in described]:
        remedy = "A worker creates what is absent when it starts; or create them with deploy/topics.sh"
        findings.append(doubtful(f"absent: {', '.join(absent)}", remedy))
    for topic, partitions in present.items():
        in_order = partition_count(topic, identities=policy.identities, prefix=prefix) == 1
        findings += _of_partitions(topic, partitions, in_order=in_order)
    if not findings:
        findings.append(right(f"all {len(wanted)} are there, and every partition has a leader"))
    return findings


def _of_partitions(topic: str, partitions: Sequence[Mapping[str, Any]], *, in_order: bool) -> Iterator[Finding]:
    if without := [str(each["partition"]) for each in partitions if each["leader"] < 0]:
        yield wrong(f"{topic} has no leader for partition {', '.join(without)}", "Bring their brokers back")
    if in_order and len(partitions) > 1:
        yield doubtful(
            f"{topic} has {len(partitions)} partitions, and is read in one order by all workers",
            "Make it anew with one partition",
        )


async def check_topic_settings(configuration: Configuration) -> list[Finding]:
    """Look at how the topics are kept, cleaned and compressed."""
    settings, policy = configuration.settings, configuration.settings.policy
    wanted = topic_settings(policy, settings.topic_prefix)
    async with kafka_admin(settings) as admin, telling():
        brokers = len((await admin.describe_cluster())["brokers"])
        described = {topic["topic"]: topic["partitions"] for topic in await admin.describe_topics()}
        configs = await topic_configs(admin, [topic for topic in wanted if topic in described])
    return [
        *replica_findings({topic: described[topic] for topic in configs}, configs, brokers),
        *retention_findings(policy, configs),
        *cleaning_findings(policy, configs, settings.written(ERASURES)),
        *size_findings(policy, configs, settings.written(DEAD_LETTERS)),
        *output_findings({topic: configs[topic] for topic in map(settings.written, _TOLD) if topic in configs}),
        *compression_findings(configs, readable_codecs()),
    ]


def cleaning_findings(policy: Policy, configs: Configs, erasures: str = ERASURES) -> list[Finding]:
    """Say which topics are compacted that must not be, and which are not that have to be.

    Args:
        policy: names the topics.
        configs: the settings of each topic that exists.
        erasures: the topic of the erasures.
    """
    cleaned = {topic: config.get("cleanup.policy", "").split(",") for topic, config in configs.items()}
    findings = [
        wrong(
            f"{topic} is compacted, so Kafka deletes all but the last event of a key, and scores cannot be made anew",
            "Set cleanup.policy=delete",
        )
        for topic in event_topics(policy)
        if "compact" in cleaned.get(topic, ())
    ]
    if "delete" in cleaned.get(erasures, ()) and _ends(configs[erasures]):
        says = f"{erasures} forgets who was erased after a while, and they come back when their events are read again"
        findings.append(wrong(says, "Set cleanup.policy=compact"))
    kept_for_good = [policy.identities] + ([policy.profiles.topic] if policy.profiles is not None else [])
    findings += [
        doubtful(f"{topic} forgets its records after a while, and a rebuild lacks them", "Set retention.ms=-1")
        for topic in kept_for_good
        if "delete" in cleaned.get(topic, ()) and _ends(configs[topic])
    ]
    return findings


def _ends(config: Mapping[str, str]) -> bool:
    return any(int(config.get(name, -1)) >= 0 for name in ("retention.ms", "retention.bytes"))


def size_findings(policy: Policy, configs: Configs, letters: str = DEAD_LETTERS) -> list[Finding]:
    """Say whether a record of a source topic may be too large for the dead letters.

    Args:
        policy: names the topics.
        configs: the settings of each topic that exists.
        letters: the topic of the dead letters.
    """
    sizes = {topic: int(config.get("max.message.bytes", 0)) for topic, config in configs.items()}
    room = sizes.get(letters, 0)
    larger = [topic for topic in source_topics(policy) if sizes.get(topic, 0) > room > 0]
    if not larger:
        return []
    says = f"{letters} takes {room:,} bytes, less than {', '.join(larger)}: a bad record that is larger holds it"
    return [doubtful(says, "Set max.message.bytes of the dead letters above that of the topics")]


def output_findings(configs: Configs) -> list[Finding]:
    """Say which topics of messages do not hold all that is published.

    Args:
        configs: the settings of those that exist.
    """
    small = [topic for topic, config in configs.items() if int(config.get("max.message.bytes", _ROOMY)) < _ROOMY]
    return [
        doubtful(
            f"{topic} takes {int(configs[topic]['max.message.bytes']):,} bytes: a larger message holds everything",
            f"Set max.message.bytes to {_ROOMY} or more",
        )
        for topic in small
    ] + [
        doubtful(
            f"{topic} is compacted, so whoever reads it late misses all but the last message of a customer",
            "Set cleanup.policy=delete",
        )
        for topic, config in configs.items()
        if "compact" in config.get("cleanup.policy", "")
    ]


def replica_findings(
    described: Mapping[str, Sequence[Mapping[str, Any]]], configs: Configs, brokers: int
) -> list[Finding]:
    """Say which topics cannot be written to, or are lost with one broker, for want of replicas.

    Args:
        described: the partitions of each topic, as Kafka describes them.
        configs: the settings of each topic.
        brokers: how many there are.
    """
    findings = []
    for topic, partitions in described.items():
        needed = int(configs[topic].get("min.insync.replicas", 1))
        replicas = min(len(each["replicas"]) for each in partitions)
        in_sync = min(len(each["isr"]) for each in partitions)
        if in_sync < needed:
            says = f"{topic} takes nothing: replicas in sync {in_sync} of {replicas}, min.insync.replicas {needed}"
            remedy = (
                "Bring their brokers back" if replicas >= needed else f"Set min.insync.replicas to {replicas} at most"
            )
            findings.append(wrong(says, remedy))
        if replicas == 1 < brokers:
            says = f"{topic} has one replica: while its broker is away nothing of it goes on, and it may be lost"
            findings.append(doubtful(says, "Give it three, by kafka-reassign-partitions.sh"))
    return findings


def readable_codecs() -> set[str]:
    """Name the codecs of batches that can be read here."""
    return {name for name, available in _CODECS.items() if available()}


def compression_findings(configs: Configs, readable: set[str]) -> list[Finding]:
    """Say which topics hold, or may hold, batches that cannot be read here.

    Args:
        configs: the settings of each topic that exists.
        readable: codecs.
    """
    unreadable = [name for name in _CODECS if name not in readable]
    remedy = "Install cramjam beside the service"
    findings = [
        wrong(f"{topic} is compressed with {config['compression.type']}, which cannot be read here", remedy)
        for topic, config in configs.items()
        if config.get("compression.type") in unreadable
    ]
    if unreadable and not findings:
        says = f"batches that a producer compresses with {', '.join(unreadable)} cannot be read here"
        findings.append(doubtful(says, remedy))
    return findings or [right(f"every codec can be read: {', '.join(_CODECS)}")]
