"""Events that wait for another: a signal where it does not come in time.

At one time a boundary goes first, then an end of a wait, then an event. An answer counts for an event of its own time,
unless it is a boundary that has brought it.

Rests on decision 97.
"""

from __future__ import annotations

from typing import Final

from scoring.customer.signals import Standing, Wait, report_name
from scoring.customer.state import CustomerState, Timed
from scoring.instants import NEVER, boundary_after, format_duration, format_instant
from scoring.judging.moment import Moment
from scoring.judging.reasons import Reasons
from scoring.judging.signals.raising import Raiser, end_of_wait
from scoring.policy.policy import BANDS, Policy
from scoring.rules.signals import NO_BAND, SignalRule

#: Events of one signal that wait at a time, each for its own object; of more, the oldest are forgotten.
MOST_WAITS: Final = 50
#: Last answers that are remembered, each of its own object.
MOST_ANSWERS: Final = 16


class Waiting:
    """Judges the waits of one customer."""

    __slots__ = ("_feeds", "_policy", "_raiser", "_since", "_state")

    def __init__(self, policy: Policy, state: CustomerState, raiser: Raiser, moment: Moment, since: int) -> None:
        """Go on from where the customer stands.

        Args:
            policy: in force.
            state: the customer's.
            raiser: of the customer's signals.
            moment: says when the feeds have been silent.
            since: an event by this time does not begin to wait.
        """
        self._policy = policy
        self._state = state
        self._raiser = raiser
        self._feeds = moment.feeds
        self._since = since

    def take(self, rule: SignalRule, event: Timed) -> None:
        """Take an event of a type that begins to wait, or that answers.

        Args:
            rule: of the signal.
            event: that has been counted.
        """
        time, code, detail = event
        about = detail.object if rule.about and detail is not None else ""
        if code in rule.without:
            self.answer(rule, time, [self._named(code) | {"cause": "event", "at": format_instant(time)}], about)
        elif time > self._since:
            self._begin(rule, Wait(time, code, about))

    def answer(self, rule: SignalRule, time: int, reasons: Reasons, about: str = "", *, by_time: bool = False) -> None:
        """Take an answer: what waits is over, and an episode of what was raised ends.

        Args:
            rule: of the signal.
            time: of the answer, in microseconds.
            reasons: what it is.
            about: the digest of its object, or ''.
            by_time: whether a boundary has brought it, which goes before the events of its time.
        """
        standing = self._raiser.standing(rule)
        standing.waits = [wait for wait in standing.waits if wait.about != about or wait.time > time]
        standing.answers[about] = max(standing.answers.get(about, 0), time - by_time)
        if len(standing.answers) > MOST_ANSWERS:
            del standing.answers[min(standing.answers, key=standing.answers.__getitem__)]
        self._raiser.end(rule, time, reasons, about, begun=time + rule.within)

    def answer_by_band(self, rule: SignalRule, time: int, *, by_time: bool) -> None:
        """Take it as an answer that the customer is in the band that is waited for, or above.

        Args:
            rule: of the signal.
            time: in microseconds.
            by_time: see `answer`.
        """
        found = self._raiser.find(rule)
        if found is None or self._state.band < rule.without_band:
            return
        names = [wait.about for wait in found.waits] + [report.name.rpartition(":")[2] for report in found.reports]
        for about in sorted(set(names)):
            reasons = [{"cause": "band", "band": BANDS[self._state.band], "at": format_instant(time)}]
            self.answer(rule, time, reasons, about, by_time=by_time)

    def _begin(self, rule: SignalRule, begins: Wait) -> None:
        standing = self._raiser.standing(rule)
        time, about = begins.time, begins.about
        if standing.answers.get(about, -1) >= time:
            return
        name = report_name(rule.name, about)
        raised = [each.occurred_at for each in standing.reports if each.name == name]
        if any(at - rule.within <= time < at for at in raised):
            # It came late, and what it belongs to has been raised.
            return
        same = [wait for wait in standing.waits if wait.about == about]
        if same and same[0].time <= time:
            return
        waits = [begins, *[wait for wait in standing.waits if wait.about != about]]
        waits.sort()
        standing.waits = waits[-MOST_WAITS:]

    def next_end(self, rule: SignalRule, standing: Standing, judged: int) -> int:
        """Return when the first wait ends, or is judged again where silent feeds hold it.

        Args:
            rule: of the signal.
            standing: of the customer with it.
            judged: up to when waits have been judged, in microseconds.

        Returns:
            Microseconds; `NEVER` where none waits.
        """
        boundary = boundary_after(judged, self._policy.pane)
        return min(
            [boundary if wait.held else end_of_wait(rule, standing, wait) for wait in standing.waits], default=NEVER
        )

    def end(self, rule: SignalRule, standing: Standing, at: int) -> None:
        """Raise what has waited for long enough, unless the feed of an answer is silent.

        Args:
            rule: of the signal.
            standing: of the customer with it; changed in place.
            at: the moment, in microseconds.
        """
        boundary = at % self._policy.pane == 0
        over = [wait for wait in standing.waits if (boundary if wait.held else end_of_wait(rule, standing, wait) <= at)]
        if not over:
            return
        rest = [wait for wait in standing.waits if wait not in over]
        if self._feeds.silent(rule.feeds, at):
            standing.waits = sorted([*rest, *[wait._replace(held=True) for wait in over]])
            return
        standing.waits = rest
        if rule.without_band != NO_BAND and self._state.band >= rule.without_band:
            return
        for wait in over:
            self._raiser.rise(rule, at, self._reasons(rule, wait), wait.about)

    def _reasons(self, rule: SignalRule, wait: Wait) -> Reasons:
        missing = [f"{named['channel']}.{named['type']}" for code in rule.without if (named := self._named(code))]
        without = {"types": missing} if missing else {}
        if rule.without_band != NO_BAND:
            without["band"] = [BANDS[rule.without_band]]
        return [
            self._named(wait.code) | {"cause": "event", "at": format_instant(wait.time)},
            {"cause": "missing", **without, "within": format_duration(rule.within)},
        ]

    def _named(self, code: str) -> dict[str, str]:
        kind = self._policy.types.get(code)
        return {"channel": self._policy.channels[kind.channel].name, "type": kind.name} if kind is not None else {}
