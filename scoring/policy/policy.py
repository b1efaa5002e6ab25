"""The policy as values: window, bands, alert rules and clock; and what follows from them.

Rests on decisions 6 and 95.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field, replace
from typing import Final

from scoring.instants import DAY, MINUTE
from scoring.mapping.source import Source
from scoring.points import POINT
from scoring.policy.channels import Channel, EventType, channel_lookups
from scoring.policy.topics import own_channels
from scoring.rules.absence import AbsenceRule
from scoring.rules.figure_rules import NO_RULES, CountedChannel, CountedPanes, FigureRules
from scoring.rules.measures import Measure
from scoring.rules.pairing import Pairing
from scoring.rules.segments import Profiles
from scoring.rules.sessions import SessionRule
from scoring.rules.signals import EVENT, FUNNEL, MOVE, SignalRule, rules_digest
from scoring.rules.tally import Tally, tally_of
from scoring.rules.targets import Target

#: The bands from the lowest to the highest; a band is handled as its index here.
BANDS: Final = ("at_risk", "disengaged", "engaged", "highly_engaged", "power")
AT_RISK: Final = 0
DISENGAGED: Final = 1
ENGAGED: Final = 2

#: When an alert of absence is to be expected, and when it comes at the earliest.
ABSENCE_FIELDS: Final = ("absent_at", "absent_at_earliest")
#: The published fields of a score beside one per channel: a channel must not take the name of one.
RESERVED_NAMES: Final = frozenset(
    (
        "score",
        "band",
        "band_since",
        "previous_band",
        "trend",
        "disengages_at",
        *ABSENCE_FIELDS,
        "last_event_at",
        "updated_at",
        "policy_version",
    )
)


@dataclass(frozen=True)
class NamedScore:
    """Another score of the same counts: its name, its weights and bands as a whole policy, whether it raises alerts.

    `shadow` says that it is that of a shadow policy, which has a version, segments and signals of its own.
    """

    name: str
    policy: Policy
    alerts: bool = False
    shadow: bool = False

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of its published fields."""
        own = ("score", "band", "trend", "policy_version") if self.shadow else ("score", "band", "trend")
        return tuple([f"{field}:{self.name}" for field in own])


@dataclass(frozen=True)
class Policy:
    """Everything that decides a score; all times in microseconds, all points in millionths.

    `bounds` are the lower bounds of `disengaged`, `engaged`, `highly_engaged` and `power`, in this order.
    `half_life` is 0 where the points of a pane do not fade. `remember_ids` is how long an `event_id` is remembered.
    `drops_into` is the highest band into which a fall raises an alert, `DISENGAGED` or `AT_RISK`. `warn_before` is how
    long before a drop that is coming it is warned of; 0: never. `absence` says when an absence raises an alert, None
    for never.
    `most_bad` is the share of bad records, in millionths, above which no more are read; it is taken over the records
    of the last `bad_over`, or over the last `bad_records` where that is more. `keep_figures` is for how long figures
    over all customers are kept by the day, `figures` which there are beyond the usual ones. `profiles` says where
    attributes of customers come from, None for nowhere; `segments` are whole policies by the name of the segment that
    they are for, `scores` are others beside the score. `identities` is the topic that says which ids are the same
    customer's, '' where nothing says so. `sources` are the topics with records of foreign shapes. `targets` are what
    figures over all customers are held against. `signals` say what else is said of a customer, and when. `text` is the
    file that it was read from.
    """

    version: str
    length: int
    pane: int
    trend: int
    channels: tuple[Channel, ...]
    bounds: tuple[int, int, int, int] = (0, 41 * POINT, 71 * POINT, 101 * POINT)
    half_life: int = 0
    drops_into: int = DISENGAGED
    rearm_margin: int = 5 * POINT
    cooldown: int = 0
    warn_before: int = 0
    absence: AbsenceRule | None = None
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
    sources: tuple[Source, ...] = ()
    targets: tuple[Target, ...] = ()
    figures: FigureRules = NO_RULES
    signals: tuple[SignalRule, ...] = ()
    text: str = field(default="", repr=False, compare=False)
    # What follows from these is asked for with each event, so it is computed once; but not by cached properties, as
    # mypyc makes plain properties of those.
    #: The event types by their stored code, and the numbers that bring points.
    types: dict[str, EventType] = field(init=False, repr=False, compare=False)
    #: Whether any number brings points.
    counts_numbers: bool = field(init=False, repr=False, compare=False)
    #: The codes of the types whose events bring points: by themselves, or by a number that they carry.
    earning: frozenset[str] = field(init=False, repr=False, compare=False)
    #: How many panes the window holds.
    panes: int = field(init=False, repr=False, compare=False)
    #: For how many panes counts are kept: the window and, before it, the way back of the trend.
    kept_panes: int = field(init=False, repr=False, compare=False)
    #: The factor on the points of a pane by its age in panes, 0 first; none without a half-life.
    decay: tuple[float, ...] = field(init=False, repr=False, compare=False)
    #: The lower bound of `engaged`: below it a customer is churning.
    engaged_from: int = field(init=False, repr=False, compare=False)
    #: The names of the published numbers: score, trend, and one per channel.
    number_names: tuple[str, ...] = field(init=False, repr=False, compare=False)
    #: The names of the published measures.
    measure_names: tuple[str, ...] = field(init=False, repr=False, compare=False)
    #: The names of the published fields of the named scores.
    score_fields: tuple[str, ...] = field(init=False, repr=False, compare=False)
    #: The names of all published fields of a customer.
    published_names: frozenset[str] = field(init=False, repr=False, compare=False)
    #: The codes of all counts and amounts that a measure adds up.
    measured_codes: frozenset[str] = field(init=False, repr=False, compare=False)
    #: How long after its start, in microseconds, a pane changes by itself a measure, a funnel, or how the score moved.
    measure_spans: tuple[int, ...] = field(init=False, repr=False, compare=False)
    #: The steps in which measures are projected, and the time over which they are taken at most, in microseconds.
    projections: tuple[tuple[int, int], ...] = field(init=False, repr=False, compare=False)
    #: What is added up over all customers; nothing where no measure asks for it.
    tally: Tally = field(init=False, repr=False, compare=False)
    #: Whether anything is added up over all customers.
    tallied: bool = field(init=False, repr=False, compare=False)
    #: What figures by the day count of each channel, and over how many panes its active customers.
    counted: tuple[CountedChannel, ...] = field(init=False, repr=False, compare=False)
    spans: dict[str, int] = field(init=False, repr=False, compare=False)
    #: How events make sessions, by the code of their type; empty where no channel has sessions.
    sessions: dict[str, SessionRule] = field(init=False, repr=False, compare=False)
    #: The channels whose feed is watched: by their index, name and `silence_after`.
    watched: dict[int, tuple[str, int]] = field(init=False, repr=False, compare=False)
    #: What holds between the events of one object, by the code of each type that it is about.
    paired: dict[str, Pairing] = field(init=False, repr=False, compare=False)
    #: The codes under which pairings count, beside those of the types.
    counted_apart: frozenset[str] = field(init=False, repr=False, compare=False)
    #: For how long it is kept what was done to which object, before the panes that are kept; microseconds.
    objects_kept: int = field(init=False, repr=False, compare=False)
    #: The named scores that raise alerts.
    alerting: tuple[NamedScore, ...] = field(init=False, repr=False, compare=False)
    #: The shadow policy that is judged beside this one; None for none.
    shadow: Policy | None = field(init=False, repr=False, compare=False)
    #: When an absence raises an alert of the shadow policy: None for never, as where the clocks are not its own, too.
    shadow_absence: AbsenceRule | None = field(init=False, repr=False, compare=False)
    #: The rules of signals that events of a type matter to, by its code.
    signals_on: dict[str, tuple[SignalRule, ...]] = field(init=False, repr=False, compare=False)
    #: The codes of the types whose events each raise a signal, so that it matters which event it was.
    signalled: frozenset[str] = field(init=False, repr=False, compare=False)
    #: What tells the rules of signals from others.
    signals_digest: str = field(init=False, repr=False, compare=False)
    #: The policies of those segments that differ from this one, by their name.
    by_segment: dict[str, Policy] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Compute what follows from the rest."""
        for derived in (
            _of_window(self),
            channel_lookups(self.channels),
            _of_measures(self),
            _of_names(self),
            _of_signals(self),
        ):
            for name, value in derived.items():
                object.__setattr__(self, name, value)
        plain = replace(self, profiles=None, segments=(), scores=()) if self.segments else self
        object.__setattr__(self, "by_segment", {name: own for name, own in self.segments if own != plain})
        shadow = self.shadow
        shared = shadow is not None and not clock_differences(self, shadow)
        object.__setattr__(self, "shadow_absence", shadow.absence if shared and shadow is not None else None)

    @property
    def own_channels(self) -> tuple[Channel, ...]:
        """The channels that are read in the product's own shape, as no source feeds them."""
        return own_channels(self.channels, self.sources)

    @property
    def own_topics(self) -> tuple[str, ...]:
        """The topics of those channels."""
        return tuple([channel.topic for channel in self.own_channels])

    def topics_of(self, channel: Channel) -> tuple[str, ...]:
        """Give the topics that feed a channel.

        Args:
            channel: of the policy.
        """
        feeding = [
            source.topic for source in self.sources if channel.name in [reading.feeds for reading in source.readings]
        ]
        return tuple(dict.fromkeys(feeding)) or (channel.topic,)

    def of(self, segment: str) -> Policy:
        """Give the policy by which the customers of a segment are judged.

        Args:
            segment: its name, '' for none.

        Returns:
            That of the segment, or this one where it has none of its own.
        """
        return self.by_segment.get(segment, self) if self.segments else self

    def factor(self, age: int) -> float:
        """Give the factor on the points of a pane.

        Args:
            age: of the pane, in panes; 0 is the current one, and all count that are in the window.
        """
        return self.decay[age] if self.half_life else 1.0

    def kept_from(self, now: int) -> int:
        """Give the first pane whose counts are kept.

        Args:
            now: the evaluation time, in microseconds.
        """
        return now // self.pane - self.kept_panes + 1

    def told_from(self, now: int) -> int:
        """Give the first pane as of which the window can still be read from the counts that are kept.

        Args:
            now: the evaluation time, in microseconds.
        """
        return now // self.pane - self.kept_panes + self.panes

    def past_from(self, now: int) -> tuple[int, int] | None:
        """Give the first pane that is kept, and the first that is reported, where figures are kept by the day.

        Args:
            now: the evaluation time, in microseconds.

        Returns:
            Both; None where they are not.
        """
        if not self.figures.daily:
            return None
        reported = max(now - self.keep_figures, 0) // self.pane
        return max(reported - self.panes, 0), reported

    def days_from(self, now: int) -> int:
        """Give the first day of which activity and bands are kept: figures by band look back over a window.

        Args:
            now: the evaluation time, in microseconds.
        """
        kept = self.keep_figures + (self.length if self.figures.by_band else 0)
        return max(now - kept, 0) // DAY

    def measured_from(self, now: int) -> int:
        """Give the first pane as of which measures are reported: further back where figures are kept by the day.

        Args:
            now: the evaluation time, in microseconds.
        """
        past = self.past_from(now)
        return self.told_from(now) if past is None else past[1]

    def band_of(self, score: int) -> int:
        """Find the band of a score.

        Args:
            score: millionths of a point.

        Returns:
            An index into `BANDS`; a lower bound belongs to its band.
        """
        return bisect_right(self.bounds, score)


def clock_differences(policy: Policy, other: Policy) -> list[str]:
    """Return why the clocks by which a policy judges absences are not those of another one.

    A clock counts the days of members, and who is active: what brings points decides both.

    Args:
        policy: in force.
        other: judged on the same counts.

    Returns:
        The keys of the file that differ; none where the other one judges no absences, or by the same clocks.
    """
    rule, others = policy.absence, other.absence
    if others is None:
        return []
    if rule is None:
        return ["alerts.absence"]
    found = []
    if rule.members_within != others.members_within:
        found.append("alerts.absence.members_within")
    if rule.least_members != others.least_members:
        found.append("alerts.absence.least_members")
    segments = dict.fromkeys(["", *policy.by_segment, *other.by_segment])
    if any(policy.of(name).earning != other.of(name).earning for name in segments):
        found.append("the types that bring points")
    return found


def _of_window(policy: Policy) -> dict[str, object]:
    counted = counted_panes(policy.length, policy.pane, policy.trend)
    panes, kept_panes = counted.panes, counted.kept
    ages = range(panes) if policy.half_life else ()
    decay = tuple([0.5 ** (age * policy.pane / policy.half_life) for age in ages])
    return {"panes": panes, "kept_panes": kept_panes, "decay": decay, "engaged_from": policy.bounds[ENGAGED - 1]}


def counted_panes(length: int, pane: int, trend: int) -> CountedPanes:
    """Return how many panes the window has, and how many are kept: as many more as the trend looks back.

    Args:
        length: of the window, in microseconds.
        pane: of each pane.
        trend: how far the trend looks back.
    """
    return CountedPanes(pane, length // pane, length // pane + -(-trend // pane))


def _of_measures(policy: Policy) -> dict[str, object]:
    rules, panes = policy.figures, counted_panes(policy.length, policy.pane, policy.trend)
    channels = tuple([channel.counted() for channel in policy.channels]) if rules.daily else ()
    tally = tally_of(policy.measures, rules, panes, channels)
    return {
        "measured_codes": frozenset([code for each in policy.measures for code in (*each.of, *each.less, *each.to)]),
        "measure_spans": tuple(sorted(_spans(policy) - {policy.length})),
        "projections": tuple(sorted({(each.step, each.panes * policy.pane) for each in policy.measures if each.step})),
        "tally": tally,
        "tallied": bool(tally.text),
        "counted": channels,
        "spans": panes.spans(),
    }


def _spans(policy: Policy) -> set[int]:
    moves = [rule.within for rule in policy.signals if rule.kind == MOVE]
    measures = [each.panes * policy.pane for each in policy.measures]
    asked = {rule.funnel for rule in policy.signals if rule.kind == FUNNEL}
    measures += [each.panes * policy.pane for each in policy.figures.funnels if each.name in asked]
    return {*measures, *moves, *[within + policy.length for within in moves]}


def _of_names(policy: Policy) -> dict[str, object]:
    channels = [channel.name for channel in policy.channels]
    measures = tuple([measure.name for measure in policy.measures])
    scores = tuple([field for score in policy.scores for field in score.fields])
    return {
        "number_names": ("score", "trend", *channels),
        "measure_names": measures,
        "score_fields": scores,
        "published_names": RESERVED_NAMES | {"segment", *channels, *measures, *scores},
        "alerting": tuple([score for score in policy.scores if score.alerts]),
        "shadow": next(iter([score.policy for score in policy.scores if score.shadow]), None),
    }


def _of_signals(policy: Policy) -> dict[str, object]:
    codes = {code for rule in policy.signals for code in (*rule.on, *rule.without)}
    by_event = {code for rule in policy.signals if rule.kind == EVENT for code in rule.on}
    return {
        "signals_on": {
            code: tuple([rule for rule in policy.signals if code in rule.on or code in rule.without]) for code in codes
        },
        "signalled": frozenset(by_event.union(*[score.policy.signalled for score in policy.scores])),
        "signals_digest": rules_digest(policy.signals),
    }
