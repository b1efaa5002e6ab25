"""What is known of one customer.

Rests on decision 2.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from scoring.customer.absence_state import AbsenceState
from scoring.customer.activity import Activity
from scoring.customer.counted import CountedEvents
from scoring.customer.episodes import Episode
from scoring.customer.objects import Objects
from scoring.customer.seen import UNTOUCHED, SeenIds
from scoring.customer.signals import SignalState
from scoring.policy.policy import DISENGAGED, Policy
from scoring.rules.details import Detail
from scoring.rules.sessions import Visit

#: No pane yet.
NONE: Final = -1

#: An event as its repetitions are known by: time, code of its type, detail.
Timed = tuple[int, str, Detail | None]


@dataclass(slots=True)
class Dropped:
    """Panes and visits that the window has left behind since the state was stored, where figures are kept by the day.

    They may have come since then, too. `pane` was the current one before.
    """

    pane: int
    panes: dict[int, dict[str, int]] = field(default_factory=dict)
    visits: dict[str, dict[int, list[Visit]]] = field(default_factory=dict)


@dataclass(slots=True)
class CustomerState:
    """Counts, alert machine and, derived from the counts, points; times in microseconds, points in millionths.

    `judged` is the time up to which the customer has been judged, `pane` the current pane then. `ahead` holds the
    events that are later than the horizon. `episode` is that of the churn alerts that are open; `armed` is true where
    the next fall out of `engaged` opens one; `held` is a fall that waits to be reported. `warned` is true from the
    warning of a coming drop, at `last_warning`, until the drop is far again. `due` is the next time at which something
    changes by itself as it is scheduled, 0 for never;
    `due_crosses` whether that is a fall out of `engaged`. `visits` are the parts of sessions that lie in each pane, by
    the stored code of the channel. `objects` is None until an event names an object that the policy asks for.
    `activity` is what the figures over all customers count; `tallied` holds the counts of touched panes as they are
    stored, where measures are published for all customers combined, `tallied_visits` the visits, where sessions are,
    `grouped` what events count in groups that is not stored yet, by grouping and field, `dropped` what is kept no more.
    `segment` is the one that the customer is in, '' for none, as told at `segment_at`; `segment_changed` whether that
    is to be stored. `named` holds the customer as judged by each named score that raises alerts, None where there is
    none. `counted` is None until an event comes where the policy says that ids are linked. `absence` is None where
    absences raise no alerts, `signals` where the policy has none.
    """

    policy_version: str = ""
    judged: int = NONE
    panes: dict[int, dict[str, int]] = field(default_factory=dict)
    visits: dict[str, dict[int, list[Visit]]] = field(default_factory=dict)
    ahead: list[Timed] = field(default_factory=list)
    seen: SeenIds = field(default_factory=SeenIds)
    objects: Objects | None = None
    counted: CountedEvents | None = None
    band: int = DISENGAGED
    previous_band: int = NONE
    band_since: int = NONE
    armed: bool = False
    episode: Episode | None = None
    last_alert: int = NONE
    held: dict[str, Any] | None = None
    warned: bool = False
    last_warning: int = NONE
    last_event_at: int = NONE
    due: int = 0
    due_crosses: bool = False
    activity: Activity = field(default_factory=Activity)
    segment: str = ""
    segment_at: int = NONE
    segment_changed: bool = False
    named: dict[str, CustomerState] | None = None
    absence: AbsenceState | None = None
    signals: SignalState | None = None
    #: Days with an event that ends the relation, as bits by the number of the span; as stored, where that has changed.
    ended: dict[int, int] = field(default_factory=dict)
    ended_before: dict[int, int] | None = None
    # Derived from the counts, never stored.
    pane: int = NONE
    score: int = 0
    channel_points: list[int] = field(default_factory=list)
    pane_points: dict[int, int] = field(default_factory=dict)
    touched_panes: frozenset[int] = UNTOUCHED
    tallied: dict[int, dict[str, int]] | None = None
    tallied_visits: dict[str, dict[int, list[Visit]]] | None = None
    touched_visits: frozenset[tuple[str, int]] = UNTOUCHED
    grouped: dict[str, dict[str, int]] | None = None
    dropped: Dropped | None = None
    new_panes: list[int] = field(default_factory=list)
    # The score as another policy had it, until the customer is judged by the present one.
    score_before_policy: int | None = None

    @property
    def alert_open(self) -> bool:
        """Return whether a churn alert has been raised, and no recovery after it."""
        return self.episode is not None


def is_newer_segment(state: CustomerState, told_at: int, segment: str) -> bool:
    """Return whether a segment takes the place of the one that a customer is in: the newest holds, in any order.

    Args:
        state: the customer's.
        told_at: when it was reported, in microseconds.
        segment: its name; of two that were reported for one time the later one in the alphabet holds.
    """
    return (told_at, segment) > (state.segment_at, state.segment)


def take_segment(state: CustomerState, told_at: int, segment: str) -> None:
    """Put a customer into a segment.

    Args:
        state: changed in place.
        told_at: when it was reported, in microseconds.
        segment: its name, '' for none.
    """
    state.segment, state.segment_at, state.segment_changed = segment, told_at, True


def derive(policy: Policy, state: CustomerState) -> None:
    """Compute the points of a state from its counts, as of the time up to which it has been judged.

    Args:
        policy: in force.
        state: changed in place.
    """
    state.pane = state.judged // policy.pane
    state.pane_points = {}
    state.channel_points = [0] * len(policy.channels)
    for pane, counts in state.panes.items():
        by_channel = points_by_channel(policy, counts)
        state.pane_points[pane] = sum(by_channel)
        if state.pane - policy.panes < pane <= state.pane:
            state.channel_points = [a + b for a, b in zip(state.channel_points, by_channel, strict=True)]
    state.score = sum(state.channel_points)
    if policy.half_life:
        fade(policy, state)


def open_pane(policy: Policy, state: CustomerState, pane: int) -> dict[str, int]:
    """Give the counts of a pane, which are about to change; it is made where there is none.

    Args:
        policy: in force.
        state: changed in place.
        pane: its number.
    """
    if pane not in state.touched_panes:
        touch(policy, state, pane)
    counts = state.panes.get(pane)
    if counts is None:
        counts = state.panes[pane] = {}
        state.pane_points[pane] = 0
        state.new_panes.append(pane)
    return counts


def touch(policy: Policy, state: CustomerState, pane: int) -> None:
    """Note that the counts of a pane are about to change.

    Args:
        policy: in force.
        state: changed in place.
        pane: its number; not touched since the state was stored.
    """
    state.touched_panes |= {pane}
    if policy.tallied or state.tallied is not None:
        if state.tallied is None:
            state.tallied = {}
        state.tallied[pane] = dict(state.panes.get(pane, {}))


def touch_visits(policy: Policy, state: CustomerState, channel: str, pane: int) -> None:
    """Note that the visits of a pane are about to change.

    Args:
        policy: in force.
        state: changed in place.
        channel: its stored code.
        pane: its number.
    """
    touched = (channel, pane)
    if touched in state.touched_visits:
        return
    state.touched_visits |= {touched}
    if policy.tally.sessions or state.tallied_visits is not None:
        if state.tallied_visits is None:
            state.tallied_visits = {}
        state.tallied_visits.setdefault(channel, {})[pane] = list(state.visits.get(channel, {}).get(pane, ()))


def settle_panes(state: CustomerState) -> None:
    """Note that the counts and visits are stored as they stand.

    Args:
        state: changed in place.
    """
    state.touched_panes = state.touched_visits = UNTOUCHED
    state.tallied = state.tallied_visits = state.grouped = state.ended_before = state.dropped = None


def points_by_channel(policy: Policy, counts: dict[str, int]) -> list[int]:
    """Add up the counts of one pane.

    Args:
        policy: in force.
        counts: by the code of the type.

    Returns:
        Millionths of a point for each channel of the policy, in its order.
    """
    points = [0] * len(policy.channels)
    for code, count in counts.items():
        kind = policy.types.get(code)
        if kind is not None:
            points[kind.channel] += kind.points(count)
    return points


def fade(policy: Policy, state: CustomerState) -> None:
    """Compute score and points of the channels with the half-life of the policy.

    Args:
        policy: in force, with a half-life.
        state: changed in place.
    """
    sums = [0.0] * len(policy.channels)
    total = 0.0
    for pane in sorted(state.panes):
        age = state.pane - pane
        if 0 <= age < policy.panes:
            factor = policy.decay[age]
            total += state.pane_points[pane] * factor
            for channel, points in enumerate(points_by_channel(policy, state.panes[pane])):
                sums[channel] += points * factor
    state.score = round(total)
    state.channel_points = [round(points) for points in sums]
