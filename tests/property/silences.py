"""A life beside feeds that fall silent: the definition, worked out moment by moment from raw event times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from tests.property.lives import Happening
from tests.property.references import raw_events
from tests.reference import brute_force
from tests.reference.feeds import Feed, brought_points, watched
from tests.reference.signals import Score

_BOUNDARY, _COOLDOWN_END, _WARNING, _EVENT, _CHANGE = range(5)


@dataclass
class Told:
    """Alerts and band changes, with their times."""

    alerts: list[tuple[str, int]] = field(default_factory=list)
    changes: list[tuple[str, int]] = field(default_factory=list)


def by_definition(
    text: str,
    life: Sequence[Happening],
    feeds: Mapping[str, Feed],
    until: int,
    score_of: Score = brute_force.score_of,
    changes: Sequence[tuple[int, str]] = (),
) -> Told:
    """Judge every boundary, every end of a cooldown and every event, one after the other.

    After the time of a change, the policy is that of its text.
    """
    events = raw_events(life)
    early = [before for time, before in changes if time < events[0].time]
    policy = brute_force.parse_policy([text, *early][-1])
    customer = _Customer(policy.of(brute_force.segment_of(events[:1])), feeds, score_of)
    moments = _moments(policy, events, events[0].time, until)
    moments += [(time, _CHANGE, index) for index, (time, _) in enumerate(changes) if time >= events[0].time]
    _live(customer, policy, events, moments, until, changes)
    return customer.told


def by_definition_linked(
    text: str, parts: Sequence[Sequence[Happening]], feeds: Mapping[str, Feed], at: int, until: int
) -> tuple[Told, Told]:
    """Judge a customer and an id which becomes the customer's at a time.

    Args:
        text: of the policy.
        parts: what happens to the customer, before the link and after it, and to the id, before the link.
        feeds: those that are watched.
        at: when the link comes, after what happens at that time.
        until: when it ends.

    Returns:
        What is told of the customer, and under the id.
    """
    policy = brute_force.parse_policy(text)
    one, other = customers = [_Customer(policy, feeds, brute_force.score_of) for _ in range(2)]
    lives = [[each for each in part if each.time <= at] for part in parts]
    for customer, life in zip(customers, lives, strict=True):
        if life:
            events = raw_events(life)
            _live(customer, policy, events, _moments(policy, events, events[0].time, at), at)
    events = raw_events([*lives[1], *parts[0]])
    if not events:
        return one.told, other.told
    taken = [event for event in events if event.time <= at]
    moments = [moment for moment in _moments(policy, events, max(at, events[0].time), until) if moment[0] > at]
    if lives[1]:
        one.unite(other, at, taken, known=bool(lives[0]))
    moments += [(time, _COOLDOWN_END, 0) for time in [one.cooled] if time > at]
    if taken and policy.warn_before and (due := one.look_ahead(at, _CHANGE, taken)):
        moments.append((due, _WARNING, 0))
    _live(one, policy, events, moments, until)
    return one.told, other.told


_Moment = tuple[int, int, int]


def _moments(policy: brute_force.Policy, events: Sequence[brute_force.Event], since: int, until: int) -> list[_Moment]:
    """List the boundaries after a time, and the events."""
    moments = [(pane * policy.pane, _BOUNDARY, 0) for pane in range(since // policy.pane + 1, until // policy.pane + 1)]
    return moments + [(event.time, _EVENT, index) for index, event in enumerate(events)]


def _live(
    customer: _Customer,
    policy: brute_force.Policy,
    events: Sequence[brute_force.Event],
    moments: list[_Moment],
    until: int,
    changes: Sequence[tuple[int, str]] = (),
) -> None:
    while moments and min(moments)[0] <= until:
        time, step, index = min(moments)
        moments.remove((time, step, index))
        taken = [event for event in events if event.time < time + (step == _CHANGE)]
        if step == _EVENT:
            taken = list(events[: index + 1])
        elif step == _CHANGE:
            policy = brute_force.parse_policy(changes[index][1])
            customer.follow(policy, time, taken)
            if customer.cooled > time:
                moments.append((customer.cooled, _COOLDOWN_END, 0))
            continue
        own = policy.of(brute_force.segment_of(taken))
        if own is not customer.policy:
            # The event that tells the segment is judged by its policy already.
            customer.follow(own, time, taken[:-1])
            if customer.cooled > time:
                moments.append((customer.cooled, _COOLDOWN_END, 0))
        if step != _WARNING:
            customer.judge(time, step, taken)
        if customer.last_churn == time and own.cooldown:
            moments.append((customer.cooled, _COOLDOWN_END, 0))
        if own.warn_before and (due := customer.look_ahead(time, step, taken)):
            moments.append((due, _WARNING, 0))


@dataclass
class _Customer:
    policy: brute_force.Policy
    feeds: Mapping[str, Feed]
    score_of: Score
    told: Told = field(default_factory=Told)
    score: int = 0
    band: str = "disengaged"
    armed: bool = False
    #: The bands that the open episode has told of, and the one above whose bound it ends.
    episode: list[str] = field(default_factory=list)
    base: str = "engaged"
    last_churn: int | None = None
    #: Of a fall that has not been told: the channels that had brought points.
    drop: set[str] | None = None
    #: A silent feed has held that fall: so it is judged at boundaries.
    held: bool = False
    before: int = 0
    warned: bool = False
    last_warning: int | None = None
    #: The coming drop is near, and its warning waits for a feed.
    waits: bool = False

    def judge(self, time: int, step: int, taken: Sequence[brute_force.Event]) -> None:
        """Take the customer to a moment."""
        before, self.score = self.score, self.score_of(list(taken), self.policy, time)
        self.before, before_band = before, self.band
        if self.policy.band(self.score) != self.band:
            self.band = self.policy.band(self.score)
            self.told.changes.append((self.band, time))
        # What other rules have lifted to its end is found there by the next step, and not by each boundary.
        leaving = [self.policy.leaves_at(each.time // self.policy.pane) for each in taken]
        fades = self.score_of is not brute_force.score_of
        moves = step == _EVENT or time in leaving or (fades and step == _BOUNDARY and max(leaving) > time)
        ends = self.score >= self.policy.bands[self.base] + self.policy.rearm_margin
        if self.episode and ends and moves:
            self.told.alerts.append(("recovered", time))
            self.episode, self.drop = [], None
            self.armed = self._arms()
        elif self._is_low(before_band):
            self._judge_low(time, step, taken, before)
        else:
            self.drop = None
            self.armed = not self.episode and self._arms()

    @property
    def cooled(self) -> int:
        """When the cooldown ends."""
        return -1 if self.last_churn is None else self.last_churn + self.policy.cooldown

    def follow(self, policy: brute_force.Policy, time: int, taken: Sequence[brute_force.Event]) -> None:
        """Go by other rules from a moment on: the rules have changed, not the customer."""
        self.policy, self.last_warning = policy, None
        self._move(time, taken)
        if self.drop is not None and self.cooled <= time and not self.held:
            # The cooldown is shorter now, and over.
            self.judge(time, _COOLDOWN_END, taken)

    def unite(self, other: _Customer, time: int, taken: Sequence[brute_force.Event], *, known: bool) -> None:
        """Go on with what had been an id until then; a customer who was not `known` stands where the id stood."""
        if not known:
            told = self.told
            self.__dict__.update(replace(other).__dict__)
            self.told = told
            if self.band != "disengaged":
                self.told.changes.append((self.band, time))
            return
        falls = [each for each in (self, other) if each.drop is not None]
        if self.episode or other.episode:
            # The cooldown holds nothing within an episode.
            falls = [each for each in falls if each.held]
        self.drop = {name for each in falls for name in each.drop or ()} if falls else None
        self.held = any(each.held for each in falls)
        self.base = "engaged" if "engaged" in [each.base for each in (self, other) if each.episode] else "disengaged"
        self.episode = [*self.episode, *other.episode]
        self.armed = not self.episode and any(each.armed for each in falls)
        self.last_churn = max([each.last_churn for each in (self, other) if each.last_churn is not None], default=None)
        warnings = [each.last_warning for each in (self, other) if each.last_warning is not None]
        self.last_warning = max(warnings, default=None)
        self._move(time, taken)

    def _move(self, time: int, taken: Sequence[brute_force.Event]) -> None:
        """Stand where other rules put the customer."""
        policy = self.policy
        self.score = self.score_of(list(taken), policy, time)
        if policy.band(self.score) != self.band:
            self.band = policy.band(self.score)
            self.told.changes.append((self.band, time))
        if self.drop is not None and self.score >= policy.bands["engaged" if self.armed else "disengaged"]:
            self.drop = None
        if self.drop is not None and self.episode and "at_risk" in self.episode:
            self.drop = None
        if not self.episode and self.drop is None:
            self.armed = self._arms()
        if self.episode and self.drop is None and self.band == "at_risk":
            self.episode.append("at_risk")
        self.waits, self.warned = False, False
        if policy.warn_before:
            coming = self._coming(time, taken)
            leaves = next((boundary for boundary, score in coming if score < policy.bands["engaged"]), None)
            near = leaves is not None and leaves - policy.warn_before <= time
            self.warned = near and self.score >= policy.bands["engaged"]

    def _arms(self) -> bool:
        return self.policy.drops == "disengaged" and self.score >= self.policy.bands["engaged"]

    def _is_low(self, before: str) -> bool:
        """Return whether the customer is lower than has been told."""
        if self.armed:
            return self.score < self.policy.bands["engaged"]
        fell = self.drop is not None or before != "at_risk"
        return self.band == "at_risk" and (fell and "at_risk" not in self.episode)

    def _judge_low(self, time: int, step: int, taken: Sequence[brute_force.Event], before: int) -> None:
        falls = self.drop is None
        if self.drop is None:
            brought = brought_points(self.policy, taken, time - 1 if step == _BOUNDARY else time)
            self.drop = watched(self.feeds, brought, time)
            self.held = False
        if self.held and step == _COOLDOWN_END:
            # Within an episode the end of the cooldown is no moment, and what a feed holds waits for a boundary.
            return
        if not self.episode and self.last_churn is not None and time - self.last_churn < self.policy.cooldown:
            return
        if step == _EVENT:
            waits = not falls and self.score >= before
        else:
            waits = any(self.feeds[name].silent(time) for name in self.drop)
            self.held = self.held or waits
        if not waits:
            self.told.alerts.append(("churn_risk", time))
            if not self.episode:
                self.base = "engaged" if self.armed else "disengaged"
            self.episode.append(self.band)
            self.armed, self.last_churn, self.drop = False, time, None

    def look_ahead(self, time: int, step: int, taken: Sequence[brute_force.Event]) -> int | None:
        """Judge a coming drop; gives the later moment, if there is one, at which it comes near."""
        policy, engaged = self.policy, self.policy.bands["engaged"]
        coming = self._coming(time, taken)
        within = [score for boundary, score in coming if boundary <= time + policy.warn_before]
        if min([self.score, *within]) >= engaged + policy.rearm_margin:
            self.warned = False
        leaves = next((boundary for boundary, score in coming if score < engaged), None)
        waited, self.waits = self.waits, False
        if leaves is None or self.score < engaged or self.warned or not self.armed:
            return None
        cooled = time if self.last_warning is None else self.last_warning + policy.cooldown
        near = max(leaves - policy.warn_before, cooled)
        if near > time or near >= leaves:
            return near if near < leaves else None
        lowered = step == _EVENT and self.score < self.before
        judged = lowered or step == _BOUNDARY or not waited
        silent = {name for name in brought_points(policy, taken, time) if name in self.feeds}
        silent = {name for name in silent if self.feeds[name].silent(time)}
        self.waits = not judged or (bool(silent) and not lowered)
        if not self.waits:
            self.told.alerts.append(("disengaging_soon", time))
            self.warned, self.last_warning = True, time
        return None

    def _coming(self, time: int, taken: Sequence[brute_force.Event]) -> list[tuple[int, int]]:
        """Give the boundaries to come, each with the score if nothing more comes."""
        policy = self.policy
        later = range((time // policy.pane + 1) * policy.pane, policy.leaves_at(time // policy.pane) + 1, policy.pane)
        return [(boundary, self.score_of(list(taken), policy, boundary)) for boundary in later]
