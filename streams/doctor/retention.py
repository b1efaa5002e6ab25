"""Whether topics keep what the policy looks back on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from scoring.instants import MILLISECOND, format_duration
from scoring.policy.policy import Policy
from streams.doctor.finding import Finding, doubtful, not_checked, right
from streams.kafka.topics import event_topics, topic_settings

_REASON = "If Redis is lost, or for a rebuild, the scores are made anew from the log, and would lack what is gone"


def retention_findings(policy: Policy, configs: Mapping[str, Mapping[str, str]]) -> list[Finding]:
    """Compare how long the topics of events keep records with how far window and trend look back.

    Args:
        policy: whose window it is.
        configs: the settings of each topic that exists, the broker's defaults included.
    """
    present = [topic for topic in event_topics(policy) if topic in configs]
    findings = [finding for topic in present for finding in _of_topic(policy, topic, configs[topic])]
    if present and not findings:
        findings = [right(f"{', '.join(present)} keep the {_looks_back(policy)} that the policy looks back, or more")]
    return findings


def _of_topic(policy: Policy, topic: str, config: Mapping[str, str]) -> Iterator[Finding]:
    kept, most = config.get("retention.ms"), config.get("retention.bytes", "-1")
    if kept is None:
        yield not_checked(f"{topic}: this broker does not tell how long it keeps records")
        return
    wanted = topic_settings(policy)[topic]["retention.ms"]
    if 0 <= int(kept) * MILLISECOND < policy.length + policy.trend:
        yield doubtful(
            f"{topic} keeps records for {format_duration(int(kept) * MILLISECOND)}, and the policy looks back "
            f"{_looks_back(policy)}. {_REASON}",
            f"Set retention.ms={wanted}",
        )
    if int(most) >= 0:
        yield doubtful(
            f"{topic} keeps no more than {int(most):,} bytes of a partition, whatever their age. {_REASON}",
            "Set retention.bytes=-1, or make sure that it is enough",
        )


def _looks_back(policy: Policy) -> str:
    return format_duration(policy.length + policy.trend)
