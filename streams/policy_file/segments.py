"""The part of a policy file that is about segments: where they are told, and what differs for their customers.

Rests on decision 19.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from scoring.errors import InvalidEvent
from scoring.policy.policy import Channel, Policy
from scoring.rules.measures import Measure
from scoring.rules.segments import MOST_SEGMENTS, Profiles, read_segment
from streams.policy_file.identities import check_topic
from streams.policy_file.rule_tables import OF_CHANNEL, Table, channel_problems, channels_with, read_tables

SEGMENT_KEYS = ("profiles", "segments")
#: What a segment may have for itself, by section; of a channel its weights and caps.
_OWN = {
    "window": ("half_life",),
    "bands": ("disengaged", "engaged", "highly_engaged", "power"),
    "alerts": ("drops", "rearm_margin", "cooldown", "warn_before"),
}
_PROBLEMS = (
    f"is the same for all segments; of its own one may have {', '.join(OF_CHANNEL)}",
    "the channel has no weight for this type for all customers",
)
_FIELDS = ("topic", "segment")
_LONGEST_FIELD = 100


def read_profiles(
    document: Table, channels: Sequence[Channel], measures: Sequence[Measure], problems: list[str]
) -> Profiles | None:
    """Read where attributes of customers come from.

    Args:
        document: of the file; a policy with segments has profiles without asking for them.
        channels: of the policy.
        measures: of the policy.
        problems: what is wrong is added.

    Returns:
        None where the policy asks for none.
    """
    table = document.get("profiles", {})
    if "profiles" not in document and "segments" not in document:
        return None
    if not isinstance(table, dict):
        problems.append("profiles: must be a table, [profiles]")
        return None
    problems += [f"profiles.{key}: unknown key; allowed here: topic, segment" for key in table if key not in _FIELDS]
    profiles = Profiles(**{key: value for key, value in table.items() if key in _FIELDS})
    segment = profiles.segment
    check_topic("profiles", profiles.topic, problems)
    if not isinstance(segment, str) or not 0 < len(segment) <= _LONGEST_FIELD or segment == "customer_id":
        problems.append(f"profiles.segment: {segment!r} is not the name of a field of 1 to {_LONGEST_FIELD} characters")
    if "segment" in [measure.name for measure in measures]:
        problems.append("measures.segment: the name is taken where there are profiles; choose another")
    for channel in channels:
        if channel.name in ("profiles", "segment"):
            problems.append(f"channels.{channel.name}: the name is taken where there are profiles; choose another")
    return profiles


def with_segments(policy: Policy, document: Table, read: Callable[[Table], Policy]) -> Policy:
    """Add the policies of segments.

    Args:
        policy: of the file, without them.
        document: of the file.
        read: makes a policy of a document.

    Returns:
        The policy, each of whose segments has what the file says, and all else from the policy itself.

    Raises:
        PolicyError: with every problem, if there is any.
    """
    limit = MOST_SEGMENTS, f"segments: at most {MOST_SEGMENTS} may have rules of their own"

    def made(name: str, table: Table) -> tuple[str, Policy]:
        return name, read(_overridden(policy, document, table))

    segments = read_tables(document, "segments", limit, partial(_problems_of, policy), made)
    return replace(policy, segments=tuple(segments)) if segments else policy


def _problems_of(policy: Policy, name: str, table: object) -> Iterator[str]:
    try:
        if not read_segment(name):
            yield "the name is empty"
    except InvalidEvent as error:
        yield error.detail
    if not isinstance(table, dict):
        yield f"must be a table, [segments.{name}]"
        return
    allowed = (*_OWN, "channels")
    for section, content in table.items():
        if section not in allowed:
            yield f"{section}: unknown key; allowed here: {', '.join(allowed)}"
        elif not isinstance(content, dict):
            yield f"{section}: must be a table"
        elif section == "channels":
            for channel, inner in content.items():
                yield from channel_problems(policy, channel, inner, *_PROBLEMS)
        else:
            own = _OWN[section]
            for key in [key for key in content if key not in own]:
                yield f"{section}.{key}: is the same for all segments; of its own one may have {', '.join(own)}"


def _overridden(policy: Policy, document: Table, table: Table) -> Table:
    """Make the document of a segment: that of all customers, with what the segment has of its own."""
    own = {key: value for key, value in document.items() if key not in SEGMENT_KEYS}
    own["version"] = policy.version
    for section in _OWN:
        if section in table:
            own[section] = {**own.get(section, {}), **table[section]}
    own["channels"] = channels_with(document, table.get("channels", {}))
    return own
