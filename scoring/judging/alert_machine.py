"""The alert machine: from scores in the order of time to band changes and alerts.

All that it does is written down in `TRANSITIONS`. Where a customer stands is one of four states, and the machine keeps
beside it which band has been accounted for: a score in it, or above, is nothing to report.

- `AT_REST`: no episode is open, and nothing waits. Accounted for is `engaged` for who is armed, else the lower one of
  `disengaged` and the band that the customer is in.
- `FALLING`: no episode is open, and a fall waits to be reported, for the cooldown or for silent feeds.
- `OPEN`: an episode is open. Accounted for is the lowest band that it has reported.
- `DEEPENING`: an episode is open, and a fall into a lower band waits for silent feeds; the cooldown holds none back.

Rests on decisions 4, 12, 76, 77 and 91.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from scoring.customer.episodes import Episode, Report
from scoring.customer.state import CustomerState
from scoring.feeds.feeds import NO_FEEDS, Feeding, Feeds
from scoring.judging.alerts import Alert, BandChange, Transition
from scoring.judging.reasons import Reasons, largest_first
from scoring.judging.score import cooldown_end
from scoring.policy.policy import DISENGAGED, ENGAGED, Policy

# States.
AT_REST: Final = "at rest"
FALLING: Final = "falling"
OPEN: Final = "open"
DEEPENING: Final = "deepening"

# Inputs: what a step of the score, or time, is to the machine.
#: The score is in a band that is accounted for, or above it.
STANDS: Final = "stands"
#: The score is in a lower band than any that is accounted for.
FALLS: Final = "falls"
#: Nothing holds back any more the fall that waits.
DUE: Final = "due"
#: The score is at the end of the episode, or above.
ENDS: Final = "ends"
#: As `FALLS`, but by other rules (policy, segment, linked ids): the customer has done nothing.
MOVED: Final = "moved"

# Actions.
#: Be armed if the score is at `engaged` or above and the policy reports drops into `disengaged`, else not.
ARM: Final = "arm"
#: Note the fall that is to be reported.
HOLD: Final = "hold"
#: Give up the fall that waits.
FORGET: Final = "forget"
#: Raise ``churn_risk`` for the fall that waits: it opens the episode, or goes on with it.
REPORT: Final = "report"
#: Raise ``recovered``, and end the episode.
CLOSE: Final = "close"
#: Take the band that the customer is in as accounted for.
ACCOUNT: Final = "account"

#: For each state and input the next state, and what is done on the way. What is not here cannot happen.
TRANSITIONS: Final[Mapping[tuple[str, str], tuple[str, tuple[str, ...]]]] = {
    (AT_REST, STANDS): (AT_REST, (ARM,)),
    (AT_REST, FALLS): (FALLING, (HOLD,)),
    (AT_REST, MOVED): (AT_REST, (ACCOUNT,)),
    (FALLING, STANDS): (AT_REST, (FORGET, ARM)),
    (FALLING, FALLS): (FALLING, ()),
    (FALLING, DUE): (OPEN, (REPORT,)),
    (FALLING, MOVED): (FALLING, ()),
    (OPEN, STANDS): (OPEN, ()),
    (OPEN, FALLS): (DEEPENING, (HOLD,)),
    (OPEN, ENDS): (AT_REST, (CLOSE, ARM)),
    (OPEN, MOVED): (OPEN, (ACCOUNT,)),
    (DEEPENING, STANDS): (OPEN, (FORGET,)),
    (DEEPENING, FALLS): (DEEPENING, ()),
    (DEEPENING, DUE): (OPEN, (REPORT,)),
    (DEEPENING, ENDS): (AT_REST, (FORGET, CLOSE, ARM)),
    (DEEPENING, MOVED): (DEEPENING, ()),
}


def place_of(state: CustomerState) -> str:
    """Return in which state of the machine a customer is."""
    if state.episode is None:
        return AT_REST if state.held is None else FALLING
    return OPEN if state.held is None else DEEPENING


def accounted_for(state: CustomerState) -> int:
    """Give the band below which there is something to report.

    Args:
        state: the customer's, as it was before the step that is judged.
    """
    if state.episode is not None:
        return state.episode.lowest
    if state.armed:
        return ENGAGED
    return DISENGAGED if state.held is not None else min(state.band, DISENGAGED)


def end_of(policy: Policy, episode: Episode) -> int:
    """Give the score at which an episode ends, in millionths.

    Args:
        policy: in force.
        episode: open.
    """
    return policy.bounds[episode.base - 1] + policy.rearm_margin


def is_unmoved(policy: Policy, state: CustomerState, start: int) -> bool:
    """Return whether steps between two scores of one band, all up or all down, give the machine nothing to do.

    Args:
        policy: in force.
        state: as it was before the steps, with the score after them.
        start: the score before them, in millionths.
    """
    if state.held is not None:
        return False
    episode = state.episode
    return episode is None or max(start, state.score) < end_of(policy, episode)


class AlertMachine:
    """Judges one customer's scores, in the order of time."""

    def __init__(self, policy: Policy, state: CustomerState, feeds: Feeds = NO_FEEDS) -> None:
        """Go on from where the customer stands.

        Args:
            policy: in force.
            state: the customer's; its band and alert fields are changed in place.
            feeds: when the feeds have been silent.
        """
        self._policy = policy
        self._state = state
        self._feeds = feeds
        # Up to when a fall that is held back has been judged; what late events say of the feeds then changes nothing.
        self._judged = state.judged
        self.transitions: list[Transition] = []
        self.holding: list[str] = []
        # The step that is judged: time, scores before and after, band before, and what it is made of.
        self._at = self._before = self._score = 0
        self._previous_band = state.band
        self._reasons: Reasons | None = None
        self._explain: Callable[[], Reasons] | None = None
        self._feeding: Feeding | None = None

    def judge(
        self,
        at: int,
        before: int,
        score: int,
        cause: str,
        reasons: Callable[[], Reasons],
        feeding: Feeding | None = None,
    ) -> None:
        """Judge one step.

        Args:
            at: the time of the step, in microseconds.
            before: the score before it, in millionths.
            score: the score after it.
            cause: ``event`` or ``expired``.
            reasons: what the step is made of; asked for only where something is published.
            feeding: the watched channels that had brought points; asked for only at a fall. None: there is none.
        """
        state, policy = self._state, self._policy
        by_event = cause == "event"
        # At one time, a boundary goes before the end of the cooldown, and that before an event.
        self.wake(at if by_event else at - 1, before)
        self._at, self._before, self._score, self._previous_band = at, before, score, state.band
        self._reasons, self._explain, self._feeding = None, reasons, feeding
        least = accounted_for(state)
        band = policy.band_of(score)
        if band != state.band:
            self._enter(BandChange(band, state.band, score, before, at, cause, self._told()))
        waited = state.held is not None
        if state.episode is not None and score >= end_of(policy, state.episode):
            self._take(ENDS)
        else:
            self._take(FALLS if band < least else STANDS)
        if state.held is None:
            return
        if not waited or not by_event:
            self._judge_fall(at, score, waits=not by_event)
        elif score < before and state.held.get("feeds") and at >= cooldown_end(policy, state):
            state.held["reasons"] = largest_first(self._told() + state.held["reasons"])
            # The event may have come late, and be of a time before the fall.
            self._report_at(max(at, state.band_since), score)

    def take_over(self) -> None:
        """Account for where other rules have put the customer, whose score is that of these rules already."""
        band = self._policy.band_of(self._state.score)
        self._score = self._state.score
        self._take(MOVED if band < accounted_for(self._state) else STANDS)

    def change_band(self, before: int, at: int, cause: str) -> None:
        """Report the band into which other rules have put the customer, if it is another one.

        Args:
            before: the score by the rules of before, in millionths.
            at: microseconds.
            cause: ``policy`` or ``segment``.
        """
        state = self._state
        band = self._policy.band_of(state.score)
        if band != state.band:
            self._enter(BandChange(band, state.band, state.score, before, at, cause))

    def wake(self, until: int, score: int) -> None:
        """Raise the alert that was held back, if the cooldown and the silence of the feeds that held it end by a time.

        Args:
            until: microseconds.
            score: as it stands, in millionths.
        """
        held = self._state.held
        if held is None:
            return
        end = cooldown_end(self._policy, self._state)
        if end > self._judged or not held.get("waits"):
            # A policy with a shorter cooldown may have come meanwhile.
            end = max(end, self._judged)
            if end <= until:
                self._judge_fall(end, score, waits=True)
        if self._state.held is not None and held.get("waits") and self._judged < until:
            boundary = self._feeds.next_clear(held["feeds"], max(end, self._judged), self._policy.pane)
            if boundary <= until:
                self._report_at(boundary, score)
            self._judged = until

    def _judge_fall(self, at: int, score: int, *, waits: bool) -> None:
        """Report a fall unless the cooldown, or where it `waits` for them silent feeds, hold it back."""
        held = self._state.held
        self._judged = max(self._judged, at)
        if held is None or at < cooldown_end(self._policy, self._state):
            return
        silent = self._feeds.silent(held.get("feeds", ()), at) if waits else []
        if not silent:
            self._report_at(at, score)
        elif not held.get("waits"):
            held["waits"] = True
            self.holding += silent

    def _report_at(self, at: int, score: int) -> None:
        self._at, self._score = at, score
        self._take(DUE)

    def _take(self, given: str) -> None:
        """Go the way of the table."""
        _, actions = TRANSITIONS[place_of(self._state), given]
        for action in actions:
            self._act(action)

    def _act(self, action: str) -> None:
        state = self._state
        if action == ARM:
            armable = self._policy.drops_into == DISENGAGED
            state.armed = armable and self._score >= self._policy.engaged_from
        elif action == FORGET:
            state.held = None
        elif action == HOLD:
            self._hold()
        elif action == REPORT:
            self._report()
        elif action == CLOSE:
            self._close()
        elif action == ACCOUNT:
            self._account()

    def _told(self) -> Reasons:
        if self._reasons is None:
            self._reasons = self._explain() if self._explain is not None else []
        return self._reasons

    def _enter(self, change: BandChange) -> None:
        state = self._state
        self.transitions.append(change)
        state.band, state.previous_band, state.band_since = change.band, change.previous_band, change.occurred_at

    def _hold(self) -> None:
        held = {"reasons": self._told(), "previous_score": self._before, "previous_band": self._previous_band}
        if self._feeding is not None and (feeds := self._feeding()):
            held["feeds"] = feeds
        self._state.held = held
        self._judged = self._at

    def _report(self) -> None:
        state, at = self._state, self._at
        held, state.held = state.held or {}, None
        episode = state.episode
        if episode is None:
            episode = Episode((), DISENGAGED, ENGAGED if state.armed else DISENGAGED)
        before, band = held["previous_score"], held["previous_band"]
        earlier = episode.reports
        alert = Alert("churn_risk", state.band, band, self._score, before, at, held["reasons"], earlier=earlier)
        self.transitions.append(alert)
        reports = (*earlier, Report(alert.name, at))
        state.episode = Episode(reports, min(state.band, episode.lowest), episode.base)
        state.armed, state.last_alert = False, at

    def _close(self) -> None:
        state = self._state
        episode, state.episode = state.episode, None
        if episode is not None:
            self.transitions.append(
                Alert(
                    "recovered",
                    state.band,
                    self._previous_band,
                    self._score,
                    self._before,
                    self._at,
                    self._told(),
                    earlier=episode.reports,
                )
            )

    def _account(self) -> None:
        state = self._state
        state.armed = False
        if state.episode is not None:
            state.episode = replace(state.episode, lowest=self._policy.band_of(self._score))
