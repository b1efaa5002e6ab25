"""The policy as values: window, bands, channels, alert rules and clock."""

from __future__ import annotations

import base64
import hashlib
import sys
from bisect import bisect_right
from dataclasses import dataclass, field, replace
from functools import cached_property

from scoring.details import Amount
from scoring.instants import DAY, MINUTE
from scoring.measures import Measure
from scoring.pairing import Pairing
from scoring.points import POINT
from scoring.segments import Profiles
from scoring.sessions import SessionRule
from scoring.tally import Tally, tally_of

#: The bands from the lowest to the highest; a band is handled as its index here.
BANDS = ("at_risk", "disengaged", "engaged", "highly_engaged", "power")
AT_RISK, DISENGAGED, ENGAGED = 0, 1, 2

NO_CAP = sys.maxsize

#: The published fields of a score beside one per channel: a channel must not take the name of one.
RESERVED_NAMES = frozenset(
    (
        "score",
        "band",
        "band_since",
        "previous_band",
        "trend",
        "disengages_at",
        "last_event_at",
        "updated_at",
        "policy_version",
    )
)


def type_code(channel: str, name: str) -> str:
    """Make the code under which counts of an event type are stored.

    Args:
        channel: the channel's name.
        name: the event type within the channel.

    Returns:
        Four characters out of A-Z a-z 0-9 ``-`` ``_``: 24 bits of the BLAKE2b digest of both names.
    """
    digest = hashlib.blake2b(f"{channel}\0{name}".encode("utf-8", "surrogatepass"), digest_size=3).digest()
    return base64.urlsafe_b64encode(digest).decode()


@dataclass(frozen=True, slots=True)
class EventType:
    """One event type of a channel: its worth in millionths of a point, and how many count in one pane.

    `amounts` are what its events add to their pane beside their count; `object_property` names the property that tells
    what an event is about, '' where nothing asks for it.
    """

    code: str
    channel: int
    name: str
    weight: int
    cap: int = NO_CAP
    amounts: tuple[Amount, ...] = ()
    object_property: str = ""


@dataclass(frozen=True, slots=True)
class Channel:
    """One source of events: its name, its Kafka topic and the types that it knows.

    `silence_after` is how long it may be without any event before its feed counts as silent, in microseconds; 0: for
    ever. `sessions` tells how its types make sessions, by their code; `machine` names for types, by their code, the
    property that marks the events of machines, and the code under which these are counted. `pairings` say what events
    of one object make of each other.
    """

    name: str
    topic: str
    types: tuple[EventType, ...]
    silence_after: int = 0
    sessions: tuple[tuple[str, SessionRule], ...] = ()
    machine: tuple[tuple[str, str, str], ...] = ()
    pairings: tuple[Pairing, ...] = ()


@dataclass(frozen=True)
class NamedScore:
    """Another score of the same counts: its name, its weights and bands as a whole policy, whether it raises alerts."""

    name: str
    policy: Policy
    alerts: bool = False


@dataclass(frozen=True)
class Policy:
    """Everything that decides a score; all times in microseconds, all points in millionths.

    `bounds` are the lower bounds of `disengaged`, `engaged`, `highly_engaged` and `power`, in this order.
    `half_life` is 0 where the points of a pane do not fade. `remember_ids` is how long an `event_id` is remembered.
    `warn_before` is how long before a drop that is coming it is warned of; 0: never.
    `most_bad` is the share of bad records, in millionths, above which no more are read; it is taken over the records
    of the last `bad_over`, or over the last `bad_records` where that is more. `keep_figures` is for how long figures
    over all customers are kept by the day. `profiles` says where attributes of customers come from, None for nowhere;
    `segments` are whole policies by the name of the segment that they are for, `scores` are others beside the score.
    `identities` is the topic that says which ids are the same customer's, '' where nothing says so. `text` is the file
    that it was read from.
    """

    version: str
    length: int
    pane: int
    trend: int
    channels: tuple[Channel, ...]
    bounds: tuple[int, int, int, int] = (0, 41 * POINT, 71 * POINT, 101 * POINT)
    half_life: int = 0
    rearm_margin: int = 5 * POINT
    cooldown: int = 0
    warn_before: int = 0
    lateness: int = 0
    idle_after: int = 0
    remember_ids: int = 0
    most_bad: int = 950_000
    bad_over: int = MINUTE
    bad_records: int = 100
    keep_figures: int = 400 * DAY
    identities: str = ""
    measures: tuple[Measure, ...] = ()
    profiles: Profiles | None = None
    segments: tuple[tuple[str, Policy], ...] = ()
    scores: tuple[NamedScore, ...] = ()
    text: str = field(default="", repr=False, compare=False)
    types: dict[str, EventType] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the event types by their stored code."""
        object.__setattr__(self, "types", {kind.code: kind for channel in self.channels for kind in channel.types})

    def of(self, segment: str) -> Policy:
        """Give the policy by which the customers of a segment are judged.

        Args:
            segment: its name, '' for none.

        Returns:
            That of the segment, or this one where it has none of its own.
        """
        return self.by_segment.get(segment, self) if self.segments else self

    @cached_property
    def by_segment(self) -> dict[str, Policy]:
        """The policies of those segments that differ from this one, by their name."""
        plain = replace(self, profiles=None, segments=(), scores=())
        return {name: own for name, own in self.segments if own != plain}

    @cached_property
    def panes(self) -> int:
        """How many panes the window holds."""
        return self.length // self.pane

    @cached_property
    def kept_panes(self) -> int:
        """For how many panes counts are kept: the window and, before it, the way back of the trend."""
        return self.panes + -(-self.trend // self.pane)

    @cached_property
    def number_names(self) -> tuple[str, ...]:
        """The names of the published numbers: score, trend, and one per channel."""
        return ("score", "trend", *[channel.name for channel in self.channels])

    @cached_property
    def published_names(self) -> frozenset[str]:
        """The names of all published fields of a score."""
        names = {channel.name for channel in self.channels} | {*self.measure_names, *self.score_fields}
        return RESERVED_NAMES | {"segment"} | names

    @cached_property
    def alerting(self) -> tuple[NamedScore, ...]:
        """The named scores that raise alerts."""
        return tuple([score for score in self.scores if score.alerts])

    @cached_property
    def score_fields(self) -> tuple[str, ...]:
        """The names of the published fields of the named scores."""
        return tuple([f"{field}:{score.name}" for score in self.scores for field in ("score", "band", "trend")])

    def kept_from(self, now: int) -> int:
        """Give the first pane whose counts are kept.

        Args:
            now: the evaluation time, in microseconds.
        """
        return now // self.pane - self.kept_panes + 1

    def told_from(self, now: int) -> int:
        """Give the first pane as of which the window can still be told from the counts that are kept.

        Args:
            now: the evaluation time, in microseconds.
        """
        return now // self.pane - self.kept_panes + self.panes

    @cached_property
    def measure_names(self) -> tuple[str, ...]:
        """The names of the published measures."""
        return tuple([measure.name for measure in self.measures])

    @cached_property
    def measured_codes(self) -> frozenset[str]:
        """The codes of all counts and amounts that a measure adds up."""
        return frozenset(code for each in self.measures for code in (*each.of, *each.less, *each.to))

    @cached_property
    def tally(self) -> Tally:
        """What is added up over all customers; nothing where no measure asks for it."""
        return tally_of(self.measures)

    @cached_property
    def tallied(self) -> bool:
        """Whether anything is added up over all customers."""
        return bool(self.tally.text)

    @cached_property
    def measure_spans(self) -> tuple[int, ...]:
        """The times, in microseconds, over which measures are taken that are shorter than the window."""
        return tuple(sorted({each.panes * self.pane for each in self.measures} - {self.length}))

    @cached_property
    def sessions(self) -> dict[str, SessionRule]:
        """How events make sessions, by the code of their type; empty where no channel has sessions."""
        return {code: rule for channel in self.channels for code, rule in channel.sessions}

    @cached_property
    def watched(self) -> dict[int, tuple[str, int]]:
        """The channels whose feed is watched: by their index, name and `silence_after`."""
        return {
            index: (channel.name, channel.silence_after)
            for index, channel in enumerate(self.channels)
            if channel.silence_after
        }

    @cached_property
    def paired(self) -> dict[str, Pairing]:
        """What holds between the events of one object, by the code of each type that it is about."""
        pairings = [pairing for channel in self.channels for pairing in channel.pairings]
        return {code: pairing for pairing in pairings for code in pairing.codes}

    @cached_property
    def counted_apart(self) -> frozenset[str]:
        """The codes under which pairings count, beside those of the types."""
        return frozenset(
            code
            for channel in self.channels
            for pairing in channel.pairings
            for code, _ in pairing.own_codes(channel.name)
        )

    @cached_property
    def objects_kept(self) -> int:
        """For how long it is kept what was done to which object, before the panes that are kept; microseconds."""
        return max([pairing.reach for pairing in self.paired.values()], default=0)

    @cached_property
    def decay(self) -> tuple[float, ...]:
        """The factor on the points of a pane by its age in panes, 0 first; all 1 without a half-life."""
        if not self.half_life:
            return (1.0,) * self.panes
        return tuple(0.5 ** (age * self.pane / self.half_life) for age in range(self.panes))

    @property
    def engaged_from(self) -> int:
        """The lower bound of `engaged`: below it a customer is churning."""
        return self.bounds[ENGAGED - 1]

    def band_of(self, score: int) -> int:
        """Find the band of a score.

        Args:
            score: millionths of a point.

        Returns:
            An index into `BANDS`; a lower bound belongs to its band.
        """
        return bisect_right(self.bounds, score)
