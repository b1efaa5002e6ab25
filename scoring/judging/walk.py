"""The walk: takes what happens to one customer in the order of its time, and judges each step.

Rests on decisions 2, 3, 19 and 77.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from operator import attrgetter, itemgetter
from typing import Final

from scoring.customer.counted import CountedEvents
from scoring.customer.state import NONE, CustomerState, Timed, derive, fade, is_newer, take_segment, touch
from scoring.customer.unknown_types import MOST_APART, gather
from scoring.events.event import Event
from scoring.instants import SECOND
from scoring.judging.absence_judging import Clocks, judge_absences
from scoring.judging.active_days import enter_band, note_bands, note_days
from scoring.judging.alert_machine import AlertMachine, is_unmoved
from scoring.judging.alerts import Alert, Transition
from scoring.judging.corrections import Correction, correct, within_window
from scoring.judging.named_scores import begin, finish, schedule
from scoring.judging.outlook import Outlook, follow_policy, next_warning
from scoring.judging.reasons import reason_of_event, reasons_of_object, reasons_of_panes
from scoring.judging.score import changes_of_pane, fading_times, falls_at, judged_again_at, next_change
from scoring.policy.policy import Policy
from scoring.rules.details import PROFILE, Detail, add_amount, add_amounts
from scoring.rules.sessions import SessionRule, add_visit
from scoring.sources.feeds import NEVER, Feeds, feeding

_TIME: Final = itemgetter(0)
_OCCURRED_AT: Final = attrgetter("occurred_at")
#: Time and code of an event, the score before and after it, and what it changed in the counts of others.
_Step = tuple[int, str, int, int, Sequence[Correction]]
_NONE: Final[Sequence[Correction]] = ()


class Outcome:
    """What an evaluation did: the transitions in order, and how many events were taken, repeated, or too old.

    `crowded` is how many actions were forgotten as there were too many of an object, or too many objects. `holding` are
    the silent feeds because of which a drop began to be held back.
    """

    __slots__ = ("ahead", "crowded", "duplicates", "holding", "late", "outdated", "taken", "transitions")

    def __init__(self) -> None:
        """Start with nothing done."""
        self.transitions: Sequence[Transition] = ()
        self.holding: Sequence[str] = ()
        self.taken = self.duplicates = self.outdated = self.ahead = self.late = self.crowded = 0


def advance(
    policy: Policy,
    state: CustomerState,
    events: Iterable[Event],
    now: int,
    horizon: int,
    feeds: Feeds | None = None,
    arrived: int = 0,
    clocks: Clocks | None = None,
) -> Outcome:
    """Bring one customer up to the evaluation time.

    Args:
        policy: in force.
        state: the customer's; changed in place, fields for the schedule included.
        events: new ones, in the order of arrival.
        now: the evaluation time, in microseconds; one before `state.judged` counts as `state.judged`.
        horizon: events up to this time are taken, later ones are kept aside; `now` or later.
        feeds: when the watched feeds have been silent, as far as `now`; None where the policy watches none.
        arrived: when the events came, in microseconds, where that is later than `now`: their ids are remembered from
            then, as the evaluation time jumps over what it has missed.
        clocks: of absences, as far as they are known; None where absences are not judged.

    Returns:
        The transitions, in the order of their time, and the counts of the events.
    """
    outcome = Outcome()
    if clocks is None or (policy.absence is None and state.absence is None):
        _advance(policy, state, events, now, horizon, feeds, arrived, outcome)
        return outcome
    known, changed = state.judged != NONE, state.policy_version != policy.version
    _advance(policy, state, events, now, horizon, feeds, arrived, outcome)
    absent = judge_absences(policy, state, clocks, known=known, changed=changed)
    if absent:
        outcome.transitions = sorted([*outcome.transitions, *absent], key=_OCCURRED_AT)
    return outcome


def _advance(
    policy: Policy,
    state: CustomerState,
    events: Iterable[Event],
    now: int,
    horizon: int,
    feeds: Feeds | None,
    arrived: int,
    outcome: Outcome,
) -> None:
    """Bring the score up to the evaluation time."""
    now = max(now, state.judged)
    horizon = max(horizon, now)
    if policy.profiles is not None or policy.scores:
        _advance_by_several(policy, state, events, now, horizon, feeds, arrived, outcome)
        return
    due, outdated = _admit(policy, state, events, now, horizon, outcome, arrived)
    machine = _judge(policy, state, due, outdated, now, feeds, outcome)
    outcome.transitions, outcome.holding = machine.transitions, machine.holding


def _advance_by_several(
    policy: Policy,
    state: CustomerState,
    events: Iterable[Event],
    now: int,
    horizon: int,
    feeds: Feeds | None,
    arrived: int,
    outcome: Outcome,
) -> None:
    """Bring one customer up to a time by the policies of segments and named scores."""
    before = state.segment
    if policy.profiles is not None:
        events = _take_profiles(state, events)
    due, outdated = _admit(policy, state, events, now, horizon, outcome, arrived)
    named = _judge_named(policy, state, due, outdated, now, feeds)
    if policy.profiles is not None:
        _judge_by_segment(policy, state, before, due, outdated, now, feeds, outcome)
    else:
        machine = _judge(policy, state, due, outdated, now, feeds, outcome)
        outcome.transitions, outcome.holding = machine.transitions, machine.holding
    if policy.alerting:
        schedule(policy, state)
        outcome.transitions = sorted([*outcome.transitions, *named], key=_OCCURRED_AT)


def _judge_named(
    policy: Policy,
    state: CustomerState,
    due: Sequence[Timed],
    outdated: Sequence[Timed],
    now: int,
    feeds: Feeds | None,
) -> list[Alert]:
    """Judge by each named score that raises alerts, on copies of the counts; give the alerts."""
    alerts: list[Alert] = []
    for score in policy.alerting:
        view = begin(score, state)
        machine = _judge(score.policy, view, due, outdated, now, feeds, Outcome())
        alerts += finish(score, state, view, machine)
    return alerts


def _take_profiles(state: CustomerState, events: Iterable[Event]) -> list[Event]:
    """Take over what profiles tell of the segment; give the events."""
    rest = []
    for event in events:
        if event.code != PROFILE:
            rest.append(event)
        elif event.detail is not None and is_newer(state, event.time, event.detail.segment):
            take_segment(state, event.time, event.detail.segment)
    return rest


def _judge_by_segment(
    policy: Policy,
    state: CustomerState,
    before: str,
    due: Sequence[Timed],
    outdated: Sequence[Timed],
    now: int,
    feeds: Feeds | None,
    outcome: Outcome,
) -> None:
    """Judge one whose segment may change on the way: from the event on that tells it, by the policy of the new one."""
    for time, _, detail in outdated:
        if detail is not None and detail.segment and is_newer(state, time, detail.segment):
            take_segment(state, time, detail.segment)
    transitions: list[Transition] = []
    holding: list[str] = []
    transitions += _change_segment(policy, state, before, feeds, due, now)
    start = 0
    for index, (time, _, detail) in enumerate(due):
        if detail is None or not detail.segment or not is_newer(state, time, detail.segment):
            continue
        before = state.segment
        if detail.segment != before and (state.judged != NONE or index):
            until = max(min(time, now), state.judged)
            machine = _judge(policy.of(before), state, due[start:index], (), until, feeds, outcome)
            transitions += _told_in(before, machine.transitions)
            holding += machine.holding
            start = index
        take_segment(state, time, detail.segment)
        transitions += _change_segment(policy, state, before, feeds, (), state.judged)
    machine = _judge(policy.of(state.segment), state, due[start:], outdated, now, feeds, outcome)
    outcome.transitions = transitions + _told_in(state.segment, machine.transitions)
    outcome.holding = holding + machine.holding


def _change_segment(
    policy: Policy, state: CustomerState, before: str, feeds: Feeds | None, due: Sequence[Timed], now: int
) -> list[Transition]:
    """Judge by the policy of another segment what was judged by that of the one before, as after a change of policy."""
    after = policy.of(state.segment)
    if state.judged == NONE or after is policy.of(before):
        return []
    if state.activity.band != state.band:
        enter_band(state)
    machine = AlertMachine(after, state, feeds)
    _follow_policy(after, state, machine, due, now, "segment")
    state.policy_version = after.version
    note_days(after, state, state.panes)
    note_bands(state, machine.transitions)
    return _told_in(state.segment, machine.transitions)


def _told_in(segment: str, transitions: Sequence[Transition]) -> list[Transition]:
    """Name in transitions the segment that the customer was in."""
    return [replace(transition, segment=segment) for transition in transitions] if segment else list(transitions)


def _judge(
    policy: Policy,
    state: CustomerState,
    due: Sequence[Timed],
    outdated: Sequence[Timed],
    now: int,
    feeds: Feeds | None,
    outcome: Outcome,
) -> AlertMachine:
    """Judge one customer by one policy up to a time."""
    machine = AlertMachine(policy, state, feeds)
    if state.judged == NONE and due:
        state.judged, state.band_since = min(due[0][0], now), due[0][0]
        derive(policy, state)
        state.policy_version = policy.version
    known = state.judged != NONE
    activity, noted = state.activity, True
    if known and activity.band != state.band:
        # A new customer, or one who was stored by a release that noted nothing.
        enter_band(state)
        noted = False
    if known and state.policy_version != policy.version:
        _follow_policy(policy, state, machine, due, now, "policy")
        noted = False
    state.policy_version = policy.version
    if not noted:
        note_days(policy, state, state.panes)
    if known:
        outlook = Outlook(policy, state, feeds, machine.transitions) if policy.warn_before else None
        walk = _Walk(policy, state, machine, outcome, outlook)
        walk.run(due, now)
        walk.take_outdated(outdated)
        state.judged = now
        if outlook is not None:
            outlook.close()
        touched = state.touched_panes
        # Usually more happens in the pane that has made its day an active one already.
        if len(touched) != 1 or activity.pane not in touched:
            note_days(policy, state, touched)
        if machine.transitions:
            note_bands(state, machine.transitions)
    _forget(policy, state, now)
    _schedule(policy, state)
    return machine


def _forget(policy: Policy, state: CustomerState, now: int) -> None:
    state.seen.forget(now - policy.remember_ids)
    if state.counted is not None:
        state.counted.forget(now - policy.remember_ids)
    if state.objects is not None:
        state.objects.forget((state.pane - policy.kept_panes + 1) * policy.pane - policy.objects_kept)


def _admit(
    policy: Policy,
    state: CustomerState,
    events: Iterable[Event],
    now: int,
    horizon: int,
    outcome: Outcome,
    arrived: int,
) -> tuple[list[Timed], list[Timed]]:
    """Drop repeated events and keep aside those ahead.

    Returns:
        The events to take, in the order of their time, and those that came too late to score.
    """
    due: list[Timed] = []
    outdated: list[Timed] = []
    kept_aside = bool(state.ahead)
    seen, counted = state.seen, None
    if policy.identities:
        counted = state.counted = state.counted or CountedEvents()
    # What is before this, and before what has been judged, is too old to score.
    too_old = min((now // policy.pane - policy.panes + 1) * policy.pane, state.judged)
    came = max(now, arrived)
    in_order = True
    newest = 0
    for event in events:
        time, code, digest, detail = event.time, event.code, event.digest, event.detail
        if digest and not seen.add(digest, max(time, came)):
            outcome.duplicates += 1
            continue
        if counted is not None and digest and code:
            counted.add(digest, (time, code, detail), max(time, came))
        if time > horizon:
            state.ahead.append((time, code, detail))
            kept_aside = True
            outcome.ahead += 1
        elif time < too_old:
            outcome.outdated += 1
            outdated.append((time, code, detail))
        else:
            if time < newest:
                in_order = False
            newest = time
            due.append((time, code, detail))
    if kept_aside:
        state.ahead.sort(key=_TIME)
        reached = sum(1 for time, *_ in state.ahead if time <= horizon)
        # They came before those of this batch.
        due = state.ahead[:reached] + due
        del state.ahead[:reached]
    if kept_aside or not in_order:
        due.sort(key=_TIME)
    return due, outdated


def _keep_for_trend(policy: Policy, state: CustomerState, event: Timed) -> None:
    time, code, detail = event
    pane = time // policy.pane
    if code and state.pane - policy.kept_panes < pane:
        _count(policy, state, pane, code, detail, time)


def _count(policy: Policy, state: CustomerState, pane: int, code: str, detail: Detail | None, time: int) -> int:
    """Count one event in its pane; return the points by which the pane changed."""
    if pane not in state.touched_panes:
        touch(policy, state, pane)
    counts = state.panes.get(pane)
    if counts is None:
        counts = state.panes[pane] = {}
        state.pane_points[pane] = 0
        state.new_panes.append(pane)
    count = counts.get(code, 0) + 1
    counts[code] = count
    added = 0
    if detail is not None and detail.amounts:
        if policy.counts_numbers:
            added = _add_numbers(policy, counts, detail.amounts)
            state.pane_points[pane] += added
        else:
            add_amounts(counts, detail.amounts)
    if policy.sessions:
        rule = policy.sessions.get(code)
        if rule is not None:
            _visit(state, pane, time // SECOND, rule)
    kind = policy.types.get(code)
    if kind is None or count > kind.cap:
        if kind is None and count == 1 and len(counts) > MOST_APART:
            gather(policy, counts)
        return added
    state.pane_points[pane] += kind.weight
    return kind.weight + added


def _add_numbers(policy: Policy, counts: dict[str, int], amounts: Sequence[tuple[str, int]]) -> int:
    """Add the amounts of an event to a pane; return the points that the numbers among them bring."""
    points = 0
    for code, amount in amounts:
        before = counts.get(code, 0)
        add_amount(counts, code, amount)
        number = policy.types.get(code)
        if number is not None:
            points += number.points(counts[code]) - number.points(before)
    return points


def _visit(state: CustomerState, pane: int, second: int, rule: SessionRule) -> None:
    visits = state.visits.setdefault(rule.channel, {}).setdefault(pane, [])
    add_visit(visits, second, rule.pages, rule.pause)
    touched = (rule.channel, pane)
    if touched not in state.touched_visits:
        state.touched_visits |= {touched}


def _follow_policy(
    policy: Policy, state: CustomerState, machine: AlertMachine, due: Sequence[Timed], now: int, cause: str
) -> None:
    """Judge by a new policy what was judged by another: a change of policy is not a change of customer."""
    at = state.judged
    # Up to then nothing has changed by itself under the other policy, so what differs by then is the policy's doing.
    still = min([time for time, *_ in due if time >= at], default=now)
    state.judged = max(at, min(now, still, state.due - 1 if state.due else now))
    before = state.score if state.score_before_policy is None else state.score_before_policy
    state.score_before_policy = None
    derive(policy, state)
    machine.follow()
    machine.change_band(before, at, cause)
    follow_policy(policy, state)
    # What comes next by itself follows from the new policy.
    state.due = 0


def _schedule(policy: Policy, state: CustomerState) -> None:
    """Note when the customer changes next by itself; an entry that is too early is left alone, and comes up early."""
    now = state.judged
    warning = next_warning(policy, state) if policy.warn_before else 0
    if state.due <= max(now, 0):
        state.due = next_change(policy, state)
        if warning and (warning < state.due or not state.due):
            state.due = warning
    else:
        coming = [time for pane in state.new_panes for time in changes_of_pane(policy, pane)]
        if policy.half_life:
            coming += fading_times(policy, state)
        if state.ahead:
            coming.append(state.ahead[0][0])
        if state.held is not None:
            coming.append(judged_again_at(policy, state))
        if warning:
            coming.append(warning)
        for time in coming:
            if now < time < state.due:
                state.due = time
    state.new_panes.clear()
    state.due_crosses = state.due > 0 and (
        bool(state.ahead) or state.held is not None or state.due == warning or falls_at(policy, state, state.due)
    )


class _Walk:
    __slots__ = ("machine", "outcome", "outlook", "policy", "state")

    def __init__(
        self, policy: Policy, state: CustomerState, machine: AlertMachine, outcome: Outcome, outlook: Outlook | None
    ) -> None:
        self.policy = policy
        self.state = state
        self.machine = machine
        self.outcome = outcome
        self.outlook = outlook

    def run(self, due: Sequence[Timed], now: int) -> None:
        """Take the events and the pane boundaries up to now."""
        if now // self.policy.pane <= self.state.pane:
            # The usual case: no boundary has passed since the customer was judged last.
            self._take(due)
            self._wake(now)
            return
        index, total = 0, len(due)
        while True:
            stop = self._next_boundary()
            if index < total and due[index][0] < stop:
                alike = 1 if self.policy.half_life else self.policy.panes
                limit = min(stop, (due[index][0] // self.policy.pane + alike) * self.policy.pane)
                end = index
                while end < total and due[end][0] < limit:
                    end += 1
                self._take(due[index:end])
                index = end
            elif stop <= now:
                self._cross(stop)
            else:
                break
        self._slide(max(now // self.policy.pane, self.state.pane))
        self._wake(now)

    def _wake(self, now: int) -> None:
        self.machine.wake(now, self.state.score)
        if self.outlook is not None:
            self.outlook.wake(now)

    def _next_boundary(self) -> int:
        """Find the next boundary at which a pane with counts leaves the window."""
        state, policy = self.state, self.policy
        inside = [pane for pane in state.panes if pane > state.pane - policy.panes]
        if not inside:
            return NEVER
        if policy.half_life:
            return (state.pane + 1) * policy.pane
        return (min(inside) + policy.panes) * policy.pane

    def _take(self, events: Sequence[Timed]) -> None:
        """Take events between two boundaries."""
        outlook = self.outlook
        if outlook is None or not events or outlook.quiet(events):
            self._take_together(events)
            return
        for event in events:
            outlook.wake(event[0])
            before = self.state.score
            self._take_together((event,))
            outlook.take(event[0], before)

    def _take_together(self, events: Sequence[Timed]) -> None:
        """Take events between two boundaries; judge each where more than the last could tell."""
        state, policy = self.state, self.policy
        judged, length = state.judged, policy.pane
        start = before = state.score
        steps: list[_Step] = []
        up = down = False
        for time, code, detail in events:
            if time < judged:
                self.outcome.late += 1
            pane = time // length
            if pane > state.pane:
                self._slide(pane)
                before = state.score
            delta = _count(policy, state, pane, code, detail, time) if code else 0
            corrections = self._correct((time, code, detail)) if detail is not None and detail.object else _NONE
            score = before
            if delta or corrections:
                if policy.half_life:
                    fade(policy, state)
                else:
                    state.score += delta
                    state.channel_points[policy.types[code].channel] += delta
                score = state.score
                if score > before:
                    up = True
                elif score < before:
                    down = True
            if time > state.last_event_at:  # noqa: PLR1730 - max() would be a call for each event
                state.last_event_at = time
            steps.append((time, code, before, score, corrections))
            before = score
        self.outcome.taken += len(events)
        if not self._all_the_same(start, up=up, down=down):
            self._judge_each(steps)

    def _all_the_same(self, start: int, *, up: bool, down: bool) -> bool:
        """Tell whether none of the steps can have changed band or alert: one direction, and neither moved."""
        state, policy = self.state, self.policy
        if (up and down) or not policy.band_of(start) == policy.band_of(state.score) == state.band:
            return False
        return is_unmoved(policy, state, start)

    def _correct(self, event: Timed) -> Sequence[Correction]:
        """Correct the counts of other events of the same object; without a half-life, the score too."""
        state, policy = self.state, self.policy
        corrections, forgotten = correct(policy, state, event)
        self.outcome.crowded += forgotten
        scored = within_window(policy, state, corrections)
        if not policy.half_life:
            for each in scored:
                state.score += each.points
                state.channel_points[policy.types[each.code].channel] += each.points
        return scored

    def take_outdated(self, events: Iterable[Timed]) -> None:
        """Count events that came too late to score; one may still change what a later one of its object counts."""
        state, policy = self.state, self.policy
        for time, code, detail in events:
            _keep_for_trend(policy, state, (time, code, detail))
            if detail is not None and detail.object:
                before = state.score
                corrections = self._correct((time, code, detail))
                if corrections:
                    if policy.half_life:
                        fade(policy, state)
                    self._judge_each([(time, code, before, state.score, corrections)])
                    if self.outlook is not None:
                        self.outlook.take(time, before)

    def _judge_each(self, steps: Sequence[_Step]) -> None:
        for index, (time, code, before, score, corrections) in enumerate(steps):
            reasons = partial(reason_of_event, self.policy, time, code, score - before)
            if corrections:
                reasons = partial(
                    reasons_of_object, self.policy, time, code, score - before, corrections, self.state.pane
                )
            self.machine.judge(time, before, score, "event", reasons, self._feeding({}, steps, index))

    def _cross(self, boundary: int) -> None:
        """Judge a boundary with the panes that count from then on."""
        state, policy = self.state, self.policy
        if self.outlook is not None:
            self.outlook.wake(boundary - 1)
        before, pane = state.score, boundary // policy.pane
        leaving = {
            old: counts for old, counts in state.panes.items() if state.pane - policy.panes < old <= pane - policy.panes
        }
        self._slide(pane)
        reasons = partial(reasons_of_panes, policy, leaving)
        self.machine.judge(boundary, before, state.score, "expired", reasons, self._feeding(leaving))
        if self.outlook is not None:
            self.outlook.cross(boundary, before)

    def _feeding(
        self,
        leaving: Mapping[int, Mapping[str, int]],
        steps: Sequence[_Step] = (),
        index: int = 0,
    ) -> Callable[[], list[str]] | None:
        """Give a function that names the watched channels which had brought points by a step."""
        state, policy = self.state, self.policy
        if not policy.watched:
            return None

        def found() -> list[str]:
            inside = [counts for pane, counts in state.panes.items() if pane > state.pane - policy.panes]
            later = Counter(code for _, code, *_ in steps[index + 1 :])
            undone = Counter[str]()
            for *_, corrections in steps[index + 1 :]:
                for each in corrections:
                    undone[each.code] -= each.added
            return feeding(policy, [*leaving.values(), *inside, undone], later)

        return found

    def _slide(self, pane: int) -> None:
        """Move the window on; drop the panes that not even the trend looks at."""
        state, policy = self.state, self.policy
        if pane <= state.pane:
            return
        leaving = [old for old in state.panes if state.pane - policy.panes < old <= pane - policy.panes]
        state.pane = pane
        if policy.half_life:
            fade(policy, state)
        else:
            for old in leaving:
                self._take_away(old)
        gone = [old for old in state.panes if old <= pane - policy.kept_panes]
        if gone:
            # A pane may come and go within one evaluation.
            note_days(policy, state, [old for old in gone if old in state.touched_panes])
            for old in gone:
                del state.panes[old], state.pane_points[old]
            state.touched_panes |= set(gone)
        # By themselves: a pane whose events have all been taken back has no counts, and yet they were visits.
        for channel, visits in state.visits.items():
            ended = [old for old in visits if old <= pane - policy.kept_panes]
            for old in ended:
                del visits[old]
            state.touched_visits |= {(channel, old) for old in ended}

    def _take_away(self, pane: int) -> None:
        state, types = self.state, self.policy.types
        state.score -= state.pane_points[pane]
        for code, count in state.panes[pane].items():
            kind = types.get(code)
            if kind is not None:
                state.channel_points[kind.channel] -= kind.points(count)
