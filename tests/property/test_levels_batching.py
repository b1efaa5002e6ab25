"""However events are batched, and whenever a customer is looked at between them, the same is raised and published.

Events may come as late as they like: no brute force is asked, one way of judging is held against another.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hypothesis import example, given, settings
from hypothesis import strategies as st

from scoring.customer.measuring import measured
from scoring.customer.state import CustomerState
from scoring.instants import MINUTE
from scoring.judging.alerts import Transition
from scoring.judging.moment import Moment
from scoring.judging.score import disengages_at, trend
from scoring.judging.walk import advance
from scoring.policy.policy import Policy
from streams.policy_file.document import parse_policy
from tests.property import levels, lives, test_half_life
from tests.property.lives import Happening, Step, World
from tests.property.references import Reader
from tests.property.test_silences import stored_and_loaded

_GRID = 8

Drawn = tuple[World, str, list[Step]]


@st.composite
def told(draw: st.DrawFn, *, signals: bool = True, late: bool = False) -> Drawn:
    """Draw a policy, and a life and how it comes: in any batches and order, or also too late for them."""
    world = draw(levels.worlds())
    life = draw(levels.life_under(world, unique=draw(st.booleans())))
    text = test_half_life.with_half_life(world.with_long_memory, draw(levels.half_lives(world)))
    if signals:
        text = f"{text}\n{draw(levels.signals(world))}"
    coming = lives.at_any_time if late else draw(st.sampled_from([lives.in_order, lives.redelivered]))
    return world, text, draw(coming(world, life))


def in_time(world: World, steps: Sequence[Step]) -> Iterator[Step]:
    """Leave out of the steps what would come too late to score."""
    judged, first = -1, steps[-1].now + 1
    for batch, then in steps:
        now = max(then, judged)
        oldest = min((now // world.pane - world.panes + 1) * world.pane, judged)
        kept = [each for each in batch if each.time >= oldest]
        yield Step(kept, now)
        first = min([first, *[each.time for each in kept]])
        judged = now if first <= now else judged


class Life:
    """A customer who is judged from time to time, and what is raised."""

    def __init__(self, policy: Policy) -> None:
        """Begin with nothing."""
        self.policy, self.reader, self.state = policy, Reader(policy), CustomerState()
        self.raised: list[Transition] = []

    def live(self, batch: Sequence[Happening], now: int) -> None:
        """Take a batch, judge, and come back from the store."""
        self.raised += advance(self.policy, self.state, self.reader.read(batch), Moment(now)).transitions
        state, activity = self.state, self.state.activity
        state.touched_visits |= {(channel, pane) for channel, visits in state.visits.items() for pane in visits}
        activity.touched = [*{*activity.days, *activity.changes}]
        if state.objects is not None:
            state.objects.touched |= set(state.objects.histories)
        self.state = stored_and_loaded(self.policy, state)

    @property
    def told(self) -> list[str]:
        """What is raised, in the order of its time."""
        return sorted(repr((each.occurred_at, type(each).__name__, each)) for each in self.raised)

    @property
    def published(self) -> tuple[object, ...]:
        """What an application reads."""
        policy, state = self.policy, self.state
        score = (state.band, state.band_since, state.score, trend(policy, state), *state.channel_points)
        return (*score, disengages_at(policy, state), *measured(policy, state))


def one_by_one(policy: Policy, steps: Sequence[Step]) -> Life:
    """Judge each event by itself, at its time or, if it is late, as of when the customer was judged last."""
    life, waiting = Life(policy), list[Happening]()
    for batch, now in steps:
        known = life.state.judged
        waiting = sorted(waiting + list(batch), key=lambda each: each.time)
        for each in waiting:
            if each.time <= max(now, known):
                life.live([each], max(each.time, life.state.judged))
        waiting = [each for each in waiting if each.time > max(now, known)]
        life.live([], max(now, known))
    return life


@given(st.one_of(told(), told(signals=False), told(signals=False, late=True)))
@settings(max_examples=150, deadline=None)
def test_events_that_come_together_raise_what_they_raise_one_by_one(drawn: Drawn) -> None:
    world, text, steps = drawn
    steps = list(in_time(world, steps))
    policy = parse_policy(text)
    together, apart = Life(policy), one_by_one(policy, steps)
    for batch, now in steps:
        together.live(batch, now)
    assert together.told == apart.told
    assert together.published == apart.published


TAKEN_BACK = """
[window]
length = "24m"
pane = "8m"
trend = "0m"
[channels.web]
weights = { view = 1, leave = 0 }
retracts = { leave = "view" }
sessions = "1m"
[measures.visits]
kind = "sessions"
channel = "web"
"""
"""In the first pane there is a visit and, once the `leave` has come, no count."""
VIEWED_AND_LEFT = [
    Happening(lives.START + minute * MINUTE, "web", kind, kind, "a") for minute, kind in ((0, "view"), (9, "leave"))
]


@given(st.one_of(told(), told(late=True)))
@example((World(TAKEN_BACK, 8 * MINUTE, 3), TAKEN_BACK, [Step(VIEWED_AND_LEFT, lives.START + 9 * MINUTE)]))
@settings(max_examples=60, deadline=None)
def test_who_is_judged_when_it_is_due_is_the_same_as_who_is_judged_all_the_time(drawn: Drawn) -> None:
    world, text, steps = drawn
    policy = parse_policy(text)
    due, always = Life(policy), Life(policy)
    for batch, now in [*steps, Step([], steps[-1].now + (world.panes + 1) * world.pane)]:
        since = due.state.judged
        if since >= 0:
            eighth = world.pane // _GRID
            for moment in [*range((since // eighth + 1) * eighth, now, eighth), now]:
                _judge_what_is_due(due, moment)
                always.live([], moment)
                assert due.published == always.published
                assert len(due.raised) == len(always.raised)
        for life in (due, always):
            life.live([], now)
            life.live(batch, now)
        assert due.told == always.told


def _judge_what_is_due(life: Life, until: int) -> None:
    while 0 < life.state.due <= until:
        assert life.state.due > life.state.judged
        life.live([], life.state.due)
