"""`[profiles]` and `[segments.NAME]`: where segments are reported, and what differs for their customers.

Rests on decision 19.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, ClassVar, Final

from pydantic import Field

from scoring.errors import InvalidEvent
from scoring.policy.channels import Channel
from scoring.policy.policy import Policy
from scoring.rules.measures import Measure
from scoring.rules.segments import MOST_SEGMENTS, Profiles, read_segment
from streams.policy_file.rule_tables import Document, OwnBands, OwnChannel, channels_with, check_channels
from streams.policy_file.sections import Drops, Margin, ProfilesTable
from streams.policy_file.table import Table, container, given
from streams.policy_file.words import Duration

_THE_SAME: Final = "is the same for all segments; of its own one may have"
_UNKNOWN_TYPE: Final = "the channel has no weight for this type for all customers"


class SegmentWindow(Table):
    """How the points of a segment fade."""

    unknown: ClassVar[str] = _THE_SAME

    half_life: Duration | None = given(None, "the time in which a pane's points halve")


class SegmentAlerts(Table):
    """When a drop of a customer of a segment raises an alert."""

    unknown: ClassVar[str] = _THE_SAME

    drops: Drops | None = given(None, "the highest band into which a fall raises an alert")
    rearm_margin: Margin | None = given(None, "points above engaged at which an episode ends")
    cooldown: Duration | None = given(None, "the least time between alerts of two episodes")
    warn_before: Duration | None = given(None, "how long before an upcoming drop there is a warning")


class SegmentChannel(OwnChannel):
    """What of a channel differs for a segment."""

    unknown: ClassVar[str] = _THE_SAME


class SegmentTable(Table):
    """What differs for the customers of a segment."""

    window: SegmentWindow = given(SegmentWindow, "how points fade")
    bands: OwnBands = given(OwnBands, "lower bounds of bands")
    alerts: SegmentAlerts = given(SegmentAlerts, "when there are alerts")
    channels: Annotated[dict[str, SegmentChannel], container(dict, "must be a table")] = given(
        {}, "weights and caps by channel"
    )


Segments = Annotated[
    dict[str, SegmentTable],
    container(dict, "must be a table of tables, [segments.NAME]"),
    Field(json_schema_extra={"maxProperties": MOST_SEGMENTS}),
]


def profiles_of(
    table: ProfilesTable | None,
    segments: Mapping[str, SegmentTable] | None,
    channels: Sequence[Channel],
    measures: Sequence[Measure],
    problems: list[str],
) -> Profiles | None:
    """Make where attributes of customers come from.

    Args:
        table: of the file.
        segments: of the file; a policy with segments has profiles without asking for them.
        channels: of the policy.
        measures: of the policy.
        problems: what is wrong is added.

    Returns:
        None where the policy asks for none.
    """
    if table is None and segments is None:
        return None
    if "segment" in [measure.name for measure in measures]:
        problems.append("measures.segment: the name is taken where there are profiles; choose another")
    problems += [
        f"channels.{channel.name}: the name is taken where there are profiles; choose another"
        for channel in channels
        if channel.name in ("profiles", "segment")
    ]
    return Profiles() if table is None else Profiles(table.topic, table.segment)


def check_segments(tables: Mapping[str, SegmentTable], channels: Sequence[Channel], problems: list[str]) -> None:
    """Hold what segments have of their own against the policy.

    Args:
        tables: of the file, by the names of the segments.
        channels: of the policy.
        problems: what is wrong is added.
    """
    if len(tables) > MOST_SEGMENTS:
        problems.append(f"segments: at most {MOST_SEGMENTS} may have rules of their own")
    for name, table in tables.items():
        where = f"segments.{name}"
        try:
            if not read_segment(name):
                problems.append(f"{where}: the name is empty")
        except InvalidEvent as error:
            problems.append(f"{where}: {error.detail}")
        check_channels(where, table.channels, channels, _UNKNOWN_TYPE, problems)


def segment_policies(
    document: Document, version: str, read: Callable[[Document, str], Policy]
) -> tuple[tuple[str, Policy], ...]:
    """Make the policies of segments: each has what the file says of it, and all else from the policy itself.

    Args:
        document: of the file; there is nothing wrong with it but, perhaps, how these fit together.
        version: of the policy.
        read: makes a policy of a document, given its place in the file.
    """
    tables = document.get("segments", {})
    return tuple(
        [(name, read(_overridden(document, version, table), f"segments.{name}")) for name, table in tables.items()]
    )


def _overridden(document: Document, version: str, table: Document) -> Document:
    """Make the document of a segment: that of all customers, with what the segment has of its own."""
    own = {key: value for key, value in document.items() if key not in ("profiles", "segments")}
    own["version"] = version
    for section in ("window", "bands", "alerts"):
        if section in table:
            own[section] = {**own.get(section, {}), **table[section]}
    own["channels"] = channels_with(document, table.get("channels", {}))
    return own
