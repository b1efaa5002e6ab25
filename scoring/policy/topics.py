"""Which topics a policy has read."""

from __future__ import annotations

from collections.abc import Iterable

from scoring.mapping.source import Source
from scoring.policy.channels import Channel
from scoring.rules.segments import Profiles


def own_channels(channels: Iterable[Channel], sources: Iterable[Source]) -> tuple[Channel, ...]:
    """Return the channels that are read in the product's own shape, as no source feeds them.

    Args:
        channels: of a policy.
        sources: of the policy.
    """
    fed = {reading.feeds for source in sources for reading in source.readings}
    return tuple([channel for channel in channels if channel.name not in fed])


def topics_by_section(
    channels: Iterable[Channel], identities: str, profiles: Profiles | None, sources: Iterable[Source] = ()
) -> list[tuple[str, str]]:
    """List the topics that are read, by the sections of the file.

    Args:
        channels: of a policy.
        identities: its topic of links, '' for none.
        profiles: of the policy.
        sources: of the policy; the channels that they feed are not read from their own topics.

    Returns:
        The section of the policy's file that names a topic, and the topic.
    """
    sources = tuple(sources)
    sections = [(f"channels.{channel.name}", channel.topic) for channel in own_channels(channels, sources)]
    first: dict[str, str] = {}  # several may read one topic
    for source in sources:
        first.setdefault(source.topic, source.name)
    sections += [(f"sources.{name}", topic) for topic, name in first.items()]
    if identities:
        sections.append(("identities", identities))
    if profiles is not None:
        sections.append(("profiles", profiles.topic))
    return sections
