"""Measures against the brute force over raw events: in any order, any batching, redelivered, and late."""

from __future__ import annotations

import asyncio
import copy
import tomllib
from collections.abc import Sequence
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.customer.measuring import measured
from scoring.customer.state import CustomerState
from scoring.events.event import Event, EventReader
from scoring.instants import DAY, MINUTE, SECOND, format_instant
from scoring.judging.moment import Moment
from scoring.judging.walk import advance
from scoring.policy.policy import Policy
from streams.policy_file.document import parse_policy
from streams.store.memory.store import MemoryStore
from streams.store.protocol import GroupWrite
from tests.reference.measures import Customer, RawEvent

START = 1_704_067_200_000_000
"""The first moment of 2024, a Monday: a boundary of every pane drawn here."""
_FAR = 1 << 60
_CHANNELS = """
[channels.web]
topic = "web"
weights = { view = 1, buy = 3, leave = -2, large = 9 }
types = [{ type = ["buy", "view"], as = "large", when = { "properties.amount" = { at_least = 8 } } }]
points = { large = { property = "amount", points = 2, per = 10 } }
pages = ["view", "buy"]
[channels.mail]
topic = "mail"
weights = { sent = 0, open = 1, click = 2 }
machine = { open = "by_machine", click = "sent" }
"""
_MEASURES: dict[str, dict[str, Any]] = {
    "views": {"kind": "count", "of": ["web.view", "mail.open"]},
    "views_a_day": {"kind": "count", "of": ["web"], "per": "1d", "times": 0.5},
    "spent": {"kind": "sum", "of": ["web.buy", "web.view"], "property": "amount"},
    "average": {"kind": "average", "of": ["web.buy", "mail.click"], "property": "amount", "times": 1.5},
    "stayed": {"kind": "difference", "of": ["web.view"], "less": ["web.leave", "mail.open"]},
    "clicked": {"kind": "ratio", "of": ["mail.click"], "to": ["mail.sent", "mail.open"], "times": 100},
    "clickers": {"kind": "share", "of": ["mail.click"], "to": ["mail.sent", "mail.open"]},
    "buyers": {"kind": "share", "of": ["web.buy"], "to": ["web"]},
    "a_view": {"kind": "ratio", "of": ["web.buy"], "property": "amount", "to": ["web.view"]},
    "of_sum": {"kind": "ratio", "of": ["web.buy"], "to": ["mail.click"], "to_property": "amount"},
    "shares": {
        "kind": "ratio",
        "of": ["web.buy"],
        "property": "amount",
        "to": ["mail.click"],
        "to_property": "followers",
    },
    "reach": {"kind": "ratio", "of": ["web"], "to": ["web", "mail.open"], "to_latest": "followers", "times": 100},
    "promoters": {"kind": "balance", "of": ["web.buy", "mail.open"], "property": "amount"},
    "liked": {"kind": "balance", "of": ["mail"], "property": "amount", "high": 3.5, "low": 0},
    "active": {"kind": "panes", "of": ["web", "mail.click"]},
    "machines": {"kind": "count", "of": ["mail.by_machine"]},
    "large": {"kind": "average", "of": ["web.large"], "property": "amount"},
    "sold": {"kind": "sum", "of": ["web.buy", "web.large"], "property": "amount"},
    "kept": {"kind": "sum", "of": ["web.large"], "less": ["web.buy", "mail"], "property": "amount", "times": 0.5},
    "worth": {
        "kind": "sum",
        "of": ["web.large"],
        "less": ["web.buy"],
        "property": "amount",
        "per": "365d",
        "projected": "",
        "times": 2,
    },
    "sales": {"kind": "count", "of": ["web.large", "web.buy"], "per": "10d", "projected": ""},
    "growth": {"kind": "difference", "of": ["web.view"], "less": ["web.leave"], "per": "7d", "projected": ""},
    **{
        f"web_{kind}": {"kind": kind, "channel": "web"}
        for kind in (
            "sessions",
            "session_time",
            "session_duration",
            "pages_per_session",
            "time_on_page",
            "bounce_rate",
            "returning",
        )
    },
}


_KINDS = [
    *(("web", kind) for kind in ("view", "view", "buy", "leave", "unheard")),
    *(("mail", kind) for kind in ("sent", "open", "click", "by_machine")),
]


class World(NamedTuple):
    """A policy as text, the length of its pane in microseconds, and how many its window has."""

    text: str
    pane: int
    panes: int


class Happening(NamedTuple):
    """An event and its id."""

    event: RawEvent
    event_id: str


class Step(NamedTuple):
    """A batch, and the time of the evaluation that takes it."""

    batch: Sequence[Happening]
    now: int


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Draw a policy with every kind of measure, each over the window or less."""
    minutes = draw(st.sampled_from([8, 60, 1440]))
    panes = draw(st.sampled_from([1, 3, 5, 14] if minutes == 1440 else [1, 2, 4]))
    kinds = dict(_MEASURES)
    if minutes * panes >= 7 * 1440:
        kinds["opens"] = {"kind": "regularity", "of": ["mail.open"]}
        kinds["opens_of_late"] = {"kind": "regularity", "of": ["mail.open", "web"], "over": "7d"}
    tables = ""
    for name, table in kinds.items():
        over = draw(st.one_of(st.none(), st.integers(1, panes)))
        keys = dict(table)
        if over is not None and table["kind"] != "regularity":
            keys = {"over": f"{over * minutes}m", **table}
        if "projected" in keys:
            keys |= {"projected": f"{draw(st.integers(2, 7)) * minutes // 2}m"}
        tables += f"[measures.{name}]\n" + "".join(f"{key} = {_toml(value)}\n" for key, value in keys.items())
    pause = draw(st.sampled_from([60, 8 * 60, 30 * 60, 7201]))
    sessions = [f'sessions = "{pause}s"', *draw(st.sampled_from([(), ('session_types = ["view", "buy"]',)])), "pages ="]
    text = f"""version = "drawn"
[window]
length = "{minutes * panes}m"
pane = "{minutes}m"
trend = "{draw(st.integers(0, 3)) * minutes}m"
[events]
remember_ids = "10000d"
{_CHANNELS.replace("pages =", chr(10).join(sessions))}
{tables}"""
    return World(text, minutes * MINUTE, panes)


def _toml(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value)


_numbers: st.SearchStrategy[Any] = st.one_of(
    st.integers(-3, 12),
    st.integers(1, 10),
    st.floats(-20, 20, allow_nan=False),
    st.sampled_from([10**12, 1e12, 10**13, 3.5, 0.0000005]),
    st.sampled_from(["5", True, None, [1], {}]),
)
_properties = st.fixed_dictionaries(
    {"amount": _numbers}, optional={"followers": _numbers, "by_machine": st.sampled_from([True, True, False, 1])}
)


@st.composite
def lives(draw: st.DrawFn, world: World) -> list[Happening]:
    """Draw what happens to a customer; often close together, as sessions are."""
    times: list[int] = []
    end = world.pane * (2 * world.panes + 2)
    for _ in range(draw(st.integers(1, 25))):
        near = draw(st.booleans()) and times
        start = times[-1] if near else draw(st.integers(0, 16 * (world.panes + 2))) * world.pane // 16
        step = draw(st.sampled_from([0, 1, -1, 500_000, 59 * SECOND, MINUTE, 8 * MINUTE, 30 * MINUTE, -29 * MINUTE]))
        times.append(min(max(start + step, 0), end))
    kinds = st.sampled_from(_KINDS)
    return [
        Happening(RawEvent(START + time, *draw(kinds), draw(_properties)), str(number))
        for number, time in enumerate(times)
    ]


@st.composite
def told(draw: st.DrawFn) -> tuple[World, list[Step]]:
    """Draw a world, and a life that arrives in any order, in parts, some of it again, evaluated at any time."""
    world = draw(worlds())
    life = draw(lives(world))
    arrivals = [*draw(st.permutations(life)), *draw(st.lists(st.sampled_from(life), max_size=4))]
    end = START + world.pane * (3 * world.panes + 3)
    steps = []
    while arrivals:
        size = draw(st.integers(1, len(arrivals)))
        reached = max(happening.event.time for happening in arrivals[:size])
        steps.append(Step(arrivals[:size], draw(st.one_of(st.just(reached), st.integers(START, end)))))
        arrivals = arrivals[size:]
    return world, [*steps, Step([], end)]


class Reader:
    """Reads happenings as a worker reads events."""

    def __init__(self, policy: Policy) -> None:
        """Make a reader per channel."""
        self._readers = {channel.name: EventReader(channel, policy.types) for channel in policy.channels}

    def read(self, batch: Sequence[Happening]) -> list[Event]:
        """Give the events of a batch."""
        return [self._readers[event.channel].read(_value(event, event_id), _FAR)[1] for event, event_id in batch]


def _value(event: RawEvent, event_id: str) -> dict[str, object]:
    return {
        "customer_id": "anna",
        "type": event.type,
        "timestamp": format_instant(event.time),
        "event_id": event_id,
        "properties": event.properties,
    }


def by_brute_force(world: World, arrived: dict[str, RawEvent], now: int, too_late: set[str]) -> dict[str, str]:
    """Give the measures of what has arrived and has happened by now.

    Args:
        world: the policy.
        arrived: by id.
        now: the time of the look.
        too_late: ids of what no pane was kept for when it arrived: it made no day an active one.
    """
    document = tomllib.loads(world.text)
    past = [event for event in arrived.values() if event.time <= now]
    noted = [event for event_id, event in arrived.items() if event.time <= now and event_id not in too_late]
    # Panes may be longer than a day: the first day of the pane counts.
    active = [event.time // world.pane * world.pane // DAY for event in Customer(document, noted, now).earning()]
    return Customer(document, past, now, min(active, default=None)).measures() if past else {}


def too_late(world: World, step: Step, judged: int, kept: int) -> set[str]:
    """Return which events of a step come when no pane is kept for them.

    Args:
        world: the policy.
        step: of the story.
        judged: the time up to which the customer was judged before it.
        kept: for how many panes counts are kept.
    """
    present = max(step.now, judged) // world.pane
    oldest = min((present - world.panes + 1) * world.pane, judged)
    return {
        event_id for event, event_id in step.batch if event.time < oldest and event.time // world.pane <= present - kept
    }


@given(told())
@settings(max_examples=250, deadline=None)
def test_measures_are_those_of_the_raw_events_at_every_moment(story: tuple[World, list[Step]]) -> None:
    asyncio.run(_published_are_those_of_the_raw_events(*story))


async def _published_are_those_of_the_raw_events(world: World, steps: Sequence[Step]) -> None:
    policy = parse_policy(world.text)
    store, reader = MemoryStore(policy), Reader(policy)
    arrived: dict[str, RawEvent] = {}
    late: set[str] = set()
    for step in steps:
        [record] = await store.load(["anna"])
        late |= too_late(world, step, record.state.judged, policy.kept_panes) - arrived.keys()
        advance(policy, record.state, reader.read(step.batch), Moment(step.now))
        await store.apply([GroupWrite(0, customers={"anna": record})], step.now)
        arrived |= {event_id: event for event, event_id in step.batch}
        assert await _published(store, policy) == by_brute_force(world, arrived, record.state.judged, late)


async def _published(store: MemoryStore, policy: Policy) -> dict[str, str]:
    record = await store.read("anna")
    return {name: value for name, value in record.fields.items() if name in policy.measure_names} if record else {}


@given(told())
@settings(max_examples=60, deadline=None)
def test_a_customer_is_scheduled_no_later_than_the_next_change_of_a_measure(story: tuple[World, list[Step]]) -> None:
    world, steps = story
    policy, state = parse_policy(world.text), CustomerState()
    reader = Reader(policy)
    for batch, now in steps:
        advance(policy, state, reader.read(batch), Moment(now))
        if state.judged >= 0:
            until = state.due or state.judged + 3 * policy.length + policy.trend
            for moment in range(state.judged // world.pane * world.pane, until, world.pane):
                if moment > state.judged:
                    later = copy.deepcopy(state)
                    advance(policy, later, [], Moment(moment))
                    assert measured(policy, later) == measured(policy, state)
