"""A signal on a measure, a move or a step of a funnel is that of the brute force, whatever the numbers rest on."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import Sequence
from fractions import Fraction

from hypothesis import example, given, settings
from hypothesis import strategies as st

from scoring.customer.measuring import measured
from scoring.customer.signals import Signal
from scoring.customer.state import NONE, CustomerState
from scoring.instants import MINUTE, boundary_after
from scoring.judging.moment import Moment
from scoring.judging.walk import advance
from streams.policy_file.document import parse_policy
from tests.property import levels, lives, test_half_life
from tests.property.lives import Happening, Step, World
from tests.property.references import Reader, raw_events
from tests.property.test_signals import live
from tests.reference import brute_force
from tests.reference.measures import written
from tests.reference.signals import Moment as Known
from tests.reference.signals import signals, value_of

Drawn = tuple[World, str, int, list[Happening], list[Step]]


@st.composite
def told(draw: st.DrawFn) -> Drawn:
    """Draw a policy, its signals and half-life, a life, and how it comes."""
    world = draw(levels.worlds())
    life = draw(levels.life_under(world))
    coming = draw(st.sampled_from([lives.in_order, lives.in_any_order, lives.redelivered]))
    return world, draw(levels.signals(world)), draw(levels.half_lives(world)), life, draw(coming(world, life))


@given(told())
@settings(max_examples=150, deadline=None)
def test_signals_of_what_properties_objects_and_sessions_make_are_those_of_the_brute_force(drawn: Drawn) -> None:
    world, tables, half_life, life, steps = drawn
    policy = brute_force.parse_policy(world.text)
    events = [brute_force.counting_as(event, policy) for event in raw_events(life)]
    text = f"{test_half_life.with_half_life(world.with_long_memory, half_life)}\n{tables}"
    expected = signals(events, text, policy, steps[-1].now, score_of=test_half_life.fading(half_life))
    assert asyncio.run(live(text, steps)) == expected


@st.composite
def fading(draw: st.DrawFn) -> test_half_life.Told:
    """Draw a policy, a life that comes in any batches, and a half-life."""
    world = draw(levels.worlds())
    life = draw(levels.life_under(world))
    coming = draw(st.sampled_from([lives.in_order, lives.in_any_order]))
    return world, draw(coming(world, life)), draw(test_half_life.half_lives(world))


@given(fading())
@settings(max_examples=100, deadline=None)
def test_numbers_and_what_is_taken_back_alert_and_warn_as_they_fade(drawn: test_half_life.Told) -> None:
    test_half_life.assert_told_the_same(drawn)


@st.composite
def at_any_time(draw: st.DrawFn) -> tuple[World, str, list[Step]]:
    """Draw a policy with signals on measures, and a life that comes however late."""
    world = draw(levels.worlds())
    tables = [draw(levels.bounded(world, number, [0])) for number in range(draw(st.integers(1, 4)))]
    text = test_half_life.with_half_life(world.with_long_memory, draw(levels.half_lives(world)))
    life = draw(levels.life_under(world, unique=draw(st.booleans())))
    return world, "\n".join([text, *tables]), draw(lives.at_any_time(world, life))


YOUNG = """
[window]
length = "40m"
pane = "8m"
trend = "0m"
[bands]
disengaged = 0
engaged = 41
highly_engaged = 71
power = 101
[alerts]
rearm_margin = 5
cooldown = "0s"
[clock]
lateness = "0s"
[channels.web]
weights = { buy = 1 }
"""
#: One purchase in 40 minutes is five of them for who is in the first 8, and two and a half from then on.
RATE = """
[measures.x0]
kind = "count"
of = ["web.buy"]
per = "40m"
projected = "8m"
[signals.y0]
measure = "x0"
at_least = 3
"""
BOUGHT = [Step([Happening(lives.START, "web", "buy", "1")], lives.START)]


@given(at_any_time())
@example((World(YOUNG, 8 * MINUTE, 5), YOUNG + RATE, BOUGHT))
@settings(max_examples=100, deadline=None)
def test_a_signal_is_open_exactly_while_the_measure_that_is_published_is_past_its_bound(
    drawn: tuple[World, str, list[Step]],
) -> None:
    world, text, steps = drawn
    watched, waiting = Watched(world, text), list[Happening]()
    for batch, now in steps:
        waiting = sorted([*waiting, *batch], key=lambda each: each.time)
        while waiting and waiting[0].time <= max(now, watched.state.judged):
            watched.wait(waiting[0].time)
            watched.take(waiting.pop(0))
        watched.wait(now)
    watched.wait(steps[-1].now + (world.panes + 1) * world.pane)


class Watched:
    """A customer whose measures and signals are held against each other after each thing that happens."""

    def __init__(self, world: World, text: str) -> None:
        """Begin with nothing."""
        self.policy, self.state = parse_policy(text), CustomerState()
        self.reader, self.reference = Reader(self.policy), brute_force.parse_policy(world.text)
        self.document = tomllib.loads(text)
        self.arrived: list[Happening] = []
        #: The signals that are open, with their times.
        self.open: dict[str, int] = {}

    def wait(self, until: int) -> None:
        """Judge at each boundary, and at the end."""
        while NONE < self.state.judged < until:
            at = min(boundary_after(self.state.judged, self.policy.pane), until)
            self._judge([], at, at)

    def take(self, happening: Happening) -> None:
        """Take what happens now, or has happened before."""
        self.arrived.append(happening)
        self._judge([happening], max(happening.time, self.state.judged), happening.time)

    def _judge(self, batch: Sequence[Happening], now: int, happens: int) -> None:
        outcome = advance(self.policy, self.state, self.reader.read(batch), Moment(now))
        if self.state.judged == NONE:
            return
        published = dict(zip(self.policy.measure_names, measured(self.policy, self.state), strict=True))
        assert published == self._by_brute_force()
        past = {f"y{name[1:]}" for name, text in published.items() if text and self._is_past(name, Fraction(text))}
        told = [each for each in outcome.transitions if isinstance(each, Signal)]
        # What a late event ends, ends no earlier than it was raised.
        ended = [(name, max(happens, self.open[name]), True) for name in self.open.keys() - past]
        raised = [(name, happens, False) for name in past - self.open.keys()]
        assert sorted((each.name, each.occurred_at, each.ended) for each in told) == sorted([*ended, *raised])
        self.open = {name: self.open.get(name, happens) for name in past}

    def _is_past(self, measure: str, value: Fraction) -> bool:
        table = self.document["signals"][f"y{measure[1:]}"]
        return bool(table.get("at_least", value) <= value <= table.get("at_most", value))

    def _by_brute_force(self) -> dict[str, str]:
        now = self.state.judged
        events = [brute_force.counting_as(each, self.reference) for each in raw_events(self.arrived)]
        known = Known(now, False, brute_force.up_to(events, now), self.reference, 0, "")  # noqa: FBT003
        document = self.document | {"channels": {}}
        for name, channel in self.document["channels"].items():
            document["channels"][name] = {key: value for key, value in channel.items() if key != "types"}
        values = {name: value_of(table, document, known) for name, table in self.document["measures"].items()}
        return {name: "" if value is None else written(Fraction(value)) for name, value in values.items()}
