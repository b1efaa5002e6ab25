"""Policies and lives of one customer, drawn at random.

Times lie on a grid of an eighth of a pane, so that boundaries, events and evaluations often meet; with `ties` the
end of a cooldown lies on the grid too. Both readers of policies, the product's and that of the brute force, get the
same text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

from hypothesis import strategies as st

from scoring.instants import MINUTE

START = 1_704_067_200_000_000
"""The first moment of 2024: a boundary of every pane drawn here."""
_GRID = 8
_KINDS = {"web": ("view", "buy", "leave"), "social": ("post", "block")}
_UNNAMED = "unheard"


class Happening(NamedTuple):
    """Something that a customer did."""

    time: int
    channel: str
    type: str
    event_id: str
    object: str = ""
    segment: str = ""
    properties: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class World:
    """A policy as text, and the length of its pane and window in microseconds."""

    text: str
    pane: int
    panes: int

    @property
    def with_long_memory(self) -> str:
        """The policy with event ids remembered for longer than any life; the brute force remembers them anyway."""
        return f'{self.text}\n[events]\nremember_ids = "10000d"\n'


class Step(NamedTuple):
    """A batch of happenings, and the time of the evaluation that takes it."""

    batch: Sequence[Happening]
    now: int


def _points(least: int, most: int) -> st.SearchStrategy[str]:
    whole = st.integers(least, most).map(str)
    return st.one_of(whole, whole, st.integers(least * 1000, most * 1000).map(lambda milli: f"{milli / 1000:.3f}"))


@st.composite
def worlds(draw: st.DrawFn, *, ties: bool = False, strange: bool = False, pane: int = 0) -> World:
    """Draw a policy, with a given pane or any; in a `strange` one a customer with no points is not `disengaged`."""
    minutes = pane // MINUTE or draw(st.sampled_from([8, 60, 1440]))
    panes = draw(st.integers(1, 5))
    trend = draw(st.integers(0, 7)) * minutes // 2
    cooldown = draw(st.integers(0, 24)) * minutes // _GRID * 60 + (0 if ties else 7)
    # Eighths of a pane, less than the window; often none.
    warn_before = max(0, draw(st.integers(-_GRID * panes, _GRID * panes - 1))) * minutes * 60 // _GRID
    lowest = draw(st.sampled_from([-9, -5, 1, 2] if strange else [-5, 0, 0, 0]))
    engaged = draw(st.integers(lowest + 1, lowest + 4) if strange else st.integers(1, 9))
    bounds = [lowest, engaged, engaged + draw(st.integers(1, 9)), engaged + 10 + draw(st.integers(0, 9))]
    channels = "\n".join(draw(_channel(name)) for name in _KINDS)
    text = f"""
version = "drawn"
[window]
length = "{minutes * panes}m"
pane = "{minutes}m"
trend = "{trend}m"
[bands]
disengaged = {bounds[0]}
engaged = {bounds[1]}
highly_engaged = {bounds[2]}
power = {bounds[3]}
[alerts]
drops = "{draw(st.sampled_from(["disengaged", "disengaged", "at_risk"]))}"
rearm_margin = {draw(_points(0, 3))}
cooldown = "{cooldown}s"
warn_before = "{warn_before}s"
[clock]
lateness = "0s"
{channels}"""
    return World(text, minutes * MINUTE, panes)


@st.composite
def _channel(draw: st.DrawFn, name: str) -> str:
    weights = {kind: draw(_points(-12, 3) if kind in ("leave", "block") else _points(0, 9)) for kind in _KINDS[name]}
    caps = {kind: draw(st.integers(1, 4)) for kind in _KINDS[name] if draw(st.booleans())}
    return f'[channels.{name}]\ntopic = "{name}"\nweights = {_inline(weights)}\ncap = {_inline(caps)}'


def _inline(table: Mapping[str, object]) -> str:
    return "{ " + ", ".join(f"{name} = {value}" for name, value in table.items()) + " }"


@st.composite
def lives(draw: st.DrawFn, world: World, *, unique: bool = False) -> list[Happening]:
    """Draw what happens to a customer, in the order of time; `unique`: never two things at once."""
    count = draw(st.integers(1, 30))
    moments = st.integers(0, _GRID * (2 * world.panes + 3))
    ticks = sorted(draw(st.lists(moments, min_size=count, max_size=count, unique=unique)))
    kinds = [(name, kind) for name, some in _KINDS.items() for kind in (*some, _UNNAMED)]
    return [
        Happening(START + tick * world.pane // _GRID, *draw(st.sampled_from(kinds)), str(number))
        for number, tick in enumerate(ticks)
    ]


def end_of(world: World) -> st.SearchStrategy[int]:
    """Draw a last evaluation, at or after everything."""
    return st.integers(0, _GRID * (world.panes + 2)).map(
        lambda tick: START + (_GRID * (2 * world.panes + 3) + tick) * world.pane // _GRID
    )


@st.composite
def in_order(draw: st.DrawFn, world: World, life: Sequence[Happening]) -> list[Step]:
    """Draw batches of a life in the order of its time; evaluations reach what has arrived and pass nothing else."""
    return draw(_steps(life, life, draw(end_of(world)), keep_aside=False))


@st.composite
def in_any_order(draw: st.DrawFn, world: World, life: Sequence[Happening]) -> list[Step]:
    """Draw batches of a life in any order; evaluations never pass what has not arrived."""
    return draw(_steps(life, draw(st.permutations(life)), draw(end_of(world))))


@st.composite
def redelivered(draw: st.DrawFn, world: World, life: Sequence[Happening]) -> list[Step]:
    """Draw batches as `in_any_order`, with happenings that come again and again."""
    arrivals = list(draw(st.permutations(life)))
    for again in draw(st.lists(st.sampled_from(life), max_size=10)):
        first = arrivals.index(again)
        arrivals.insert(draw(st.integers(first + 1, len(arrivals))), again)
    return draw(_steps(life, arrivals, draw(end_of(world))))


@st.composite
def at_any_time(draw: st.DrawFn, world: World, life: Sequence[Happening]) -> list[Step]:
    """Draw batches of a life in any order, with evaluations at any time, however late the events come."""
    arrivals, end = draw(st.permutations(life)), draw(end_of(world))
    steps = []
    while arrivals:
        size = draw(st.integers(0, len(arrivals)))
        steps.append(Step(arrivals[:size], draw(st.integers(START, end))))
        arrivals = arrivals[size:]
        if len(steps) > len(life):
            break
    return [*steps, Step(arrivals, end)]


@st.composite
def _steps(
    draw: st.DrawFn, life: Sequence[Happening], arrivals: Sequence[Happening], end: int, *, keep_aside: bool = True
) -> list[Step]:
    steps, arrived = [], set()
    for size in draw(st.lists(st.integers(0, 6), max_size=12)):
        batch, arrivals = arrivals[:size], arrivals[size:]
        arrived |= {happening.event_id for happening in batch}
        latest = min((each.time for each in life if each.event_id not in arrived), default=end)
        reached = max((each.time for each in life if each.event_id in arrived), default=START)
        earliest = START - 1 if keep_aside else reached
        steps.append(Step(batch, draw(st.one_of(st.just(latest), st.integers(earliest, latest)))))
    return [*steps, Step(arrivals, end)]
