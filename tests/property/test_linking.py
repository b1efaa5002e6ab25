"""However events and links come in turn, each customer ends as the brute force has it that resolves the ids first."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from hypothesis import example, given, settings
from hypothesis import strategies as st

from scoring.customer.activity import contribution
from scoring.customer.counted import CountedEvents
from scoring.customer.measuring import measured
from scoring.customer.state import CustomerState
from scoring.events.event import Event, EventReader
from scoring.instants import DAY, MINUTE, format_instant
from scoring.judging.linking import merge
from scoring.judging.moment import Moment
from scoring.judging.score import disengages_at, trend
from scoring.judging.walk import advance
from scoring.points import text
from scoring.policy.policy import BANDS, Policy
from streams.policy_file.document import parse_policy
from streams.records import Partition
from streams.store.fields.customer_reading import decode
from streams.store.fields.customer_writing import encode
from streams.store.protocol import CustomerRecord, Store
from streams.store.sums.shares import activity_in
from tests.property import lives, test_types
from tests.property.lives import Happening, World
from tests.property.references import raw_events
from tests.property.test_objects import paired_lives, paired_worlds
from tests.reference import brute_force
from tests.reference.identities import Link, customer_of, links_that_hold
from tests.unit.streams.bench import LINKS, SOCIAL, WEB, Bench

IDS = ("anna", "cookie", "tab", "mail")
_PLACES = {"web": WEB, "social": SOCIAL}


@dataclass(frozen=True)
class Sent:
    """A happening as it was sent, under one of the ids."""

    name: str
    happening: Happening


@dataclass(frozen=True)
class Told:
    """What came, in batches: things sent, links, and None for a turn of the timer."""

    world: World
    steps: Sequence[Sequence[Sent | Link] | None]

    @property
    def links(self) -> list[Link]:
        """The links, in their order."""
        return [each for step in self.steps for each in step or () if isinstance(each, tuple)]

    @property
    def sent(self) -> list[Sent]:
        """The happenings, in the order of arrival."""
        return [each for step in self.steps for each in step or () if isinstance(each, Sent)]


@st.composite
def told(draw: st.DrawFn, *, by_property: bool = False) -> Told:
    """Draw lives under several ids, some events under two of them, and links in between."""
    world = draw(test_types.worlds() if by_property else paired_worlds())
    life = draw(test_types.lives_with_properties(world) if by_property else paired_lives(world))
    names = st.sampled_from(IDS)
    sent = [Sent(draw(names), happening) for happening in life]
    sent += [Sent(draw(names), each.happening) for each in sent if draw(st.integers(0, 4)) == 0]
    links = draw(st.lists(st.tuples(names, names), max_size=6))
    order: list[Sent | None] = draw(st.permutations([*sent, *[None] * len(links)]))
    coming = iter(links)
    arrivals: list[Sent | Link] = [next(coming) if each is None else each for each in order]
    steps: list[Sequence[Sent | Link] | None] = []
    while arrivals:
        size = 8 - draw(st.integers(0, 7))
        steps += [arrivals[:size]] if draw(st.booleans()) else [None, arrivals[:size]]
        arrivals = arrivals[size:]
    return Told(world, steps)


class Workers:
    """Two workers on one store: one has the clicks and the links, the other the rest."""

    def __init__(self, text: str) -> None:
        """Start both."""
        self.one = Bench(text=text)
        self.other = Bench(text=text, store=self.one.store)
        self.one.now = self.other.now = lives.START + 9_999 * DAY
        self._next: Counter[Partition] = Counter()

    async def begin(self) -> None:
        """Give them their partitions."""
        await self.one.assign(WEB, LINKS)
        await self.other.assign(SOCIAL)
        for worker in (self.one, self.other):
            worker.clock.partitions = {WEB, SOCIAL}

    async def take(self, step: Sequence[Sent | Link]) -> None:
        """Apply what comes together in one round of each worker."""
        rounds: dict[Partition, list[object]] = defaultdict(list)
        for each in step:
            if isinstance(each, tuple):
                rounds[LINKS].append(each)
            else:
                rounds[_PLACES[each.happening.channel]].append(_value(each))
        mine = []
        for place, values in rounds.items():
            base = self._next[place]
            self._next[place] += len(values)
            if place == SOCIAL:
                await self.other.apply(self.other.submission(base, *values, partition=place))
            elif place == LINKS:
                mine.append(self.one.links(base, *values))
            else:
                mine.append(self.one.submission(base, *values))
        if mine:
            await self.one.apply(*mine)

    async def turn(self) -> None:
        """Let the timers take what is due."""
        for worker, own in ((self.one, (WEB, LINKS)), (self.other, (SOCIAL,))):
            await worker.timer.turn(lambda own=own: dict.fromkeys(own, True), 1, {WEB, SOCIAL})  # type: ignore[misc]


def _value(each: Sent) -> dict[str, object]:
    happening = each.happening
    return {
        "customer_id": each.name,
        "type": happening.type,
        "timestamp": format_instant(happening.time),
        "event_id": happening.event_id,
        "properties": dict(happening.properties) | ({"object_id": happening.object} if happening.object else {}),
    }


async def live_through(story: Told) -> Workers:
    """Have two workers go through it."""
    workers = Workers(story.world.with_long_memory + "[identities]\n")
    await workers.begin()
    for step in story.steps:
        if step is None:
            await workers.turn()
        else:
            await workers.take(step)
    return workers


def by_customer(story: Told) -> dict[str, list[Happening]]:
    """Resolve the ids first: whose what is, each event once."""
    held = links_that_hold(story.links)
    found: dict[str, dict[str, Happening]] = defaultdict(dict)
    for each in story.sent:
        found[customer_of(each.name, held)].setdefault(each.happening.event_id, each.happening)
    return {customer: list(events.values()) for customer, events in found.items()}


def published(policy: Policy, state: CustomerState) -> dict[str, object]:
    """Return what follows from the events alone, and not from when each of them came."""
    leaves = disengages_at(policy, state)
    numbers = [state.score, trend(policy, state), *state.channel_points]
    return {
        **{name: Decimal(text(points)) for name, points in zip(policy.number_names, numbers, strict=True)},
        "band": BANDS[state.band],
        "disengages_at": format_instant(leaves) if leaves else "",
    }


def expected(world: World, events: Sequence[Happening], until: int) -> dict[str, object]:
    """Return the same, from the raw events."""
    policy = brute_force.parse_policy(world.text)
    counting = [brute_force.counting_as(event, policy) for event in raw_events(events)]
    found = brute_force.evaluate("anyone", counting, policy, until)
    assert found is not None
    return {
        "score": Decimal(found.score),
        "trend": Decimal(found.trend),
        **{channel: Decimal(points) for channel, points in found.points.items()},
        "band": found.band,
        "disengages_at": found.disengages_at,
    }


async def assert_indexed(store: Store, workers: Workers) -> None:
    """Check that the indexes and the sums are those of the customers that are left."""
    hashes = workers.one.store.hashes
    entered = Counter(customer for band in workers.one.store.bands.values() for customer in band)
    assert entered == Counter(name for name, fields in hashes.items() if "band" in fields)
    sums: Counter[str] = Counter()
    for fields in hashes.values():
        for field, count in contribution(activity_in(fields)).items():
            sums[field] += count
    assert await store.kpi.sums(spells=True) == {field: count for field, count in sums.items() if count}


@given(told())
@settings(max_examples=150, deadline=None)
def test_any_order_of_events_and_links_ends_as_if_all_had_been_the_customers(story: Told) -> None:
    assert_the_customers_have_all(story)


@given(told(by_property=True))
@settings(max_examples=100, deadline=None)
def test_what_properties_make_of_events_goes_along_with_a_link(story: Told) -> None:
    assert_the_customers_have_all(story)


def assert_the_customers_have_all(story: Told) -> None:
    """Check that each customer ends as if all had been the customer's from the beginning."""

    async def check() -> None:
        workers = await live_through(story)
        store, policy = workers.one.store, workers.one.policy
        customers = by_customer(story)
        until = max((each.happening.time for each in story.sent), default=lives.START)
        for customer, events in customers.items():
            [record] = await store.load([customer])
            advance(policy, record.state, (), Moment(until))
            assert published(policy, record.state) == expected(story.world, events, until)
        held = links_that_hold(story.links)
        stands = {
            name: fields["customer_id"]
            for name, fields in store.hashes.items()
            if "_s" not in fields and "_v" in fields
        }
        assert stands == {name: customer_of(name, held) for name in held}
        assert {name for name, fields in store.hashes.items() if "_s" in fields} == set(customers)
        await assert_indexed(store, workers)

    asyncio.run(check())


_SHORT = """
version = "short"
[window]
length = "8m"
pane = "8m"
trend = "0m"
[bands]
disengaged = 0
engaged = 1
highly_engaged = 2
power = 3
[clock]
lateness = "0s"
[channels.web]
topic = "web"
weights = { buy = 1 }
[channels.social]
topic = "social"
weights = { post = 0 }"""
_LATER = lives.START + 8 * MINUTE
# The first worker has taken the lease of tab and mail before it learns that the other one has come to the later time.
LEASED = Told(
    World(_SHORT, 8 * MINUTE, 1),
    [
        [Sent("tab", Happening(lives.START, "social", "post", "0"))],
        None,
        [
            Sent("mail", Happening(lives.START, "web", "buy", "1")),
            Sent("anna", Happening(_LATER, "web", "buy", "2")),
            Sent("anna", Happening(_LATER, "social", "post", "3")),
            ("anna", "mail"),
        ],
    ],
)


@given(told())
@example(LEASED)
@settings(max_examples=50, deadline=None)
def test_a_link_raises_no_alert(story: Told) -> None:
    async def check() -> None:
        workers = Workers(story.world.with_long_memory + "[identities]\n")
        await workers.begin()
        for step in story.steps:
            links = [each for each in step or () if isinstance(each, tuple)]
            await workers.take([each for each in step or () if isinstance(each, Sent)])
            # Both learn the same time by one turn, and take all that is due by it in the next: only the link is left.
            await workers.turn()
            await workers.turn()
            workers.one.publisher.messages.clear()
            await workers.take(links)
            told = [message.body for _, message in workers.one.publisher.messages]
            assert [body["cause"] for body in told if "cause" in body] == ["link"] * len(told)

    asyncio.run(check())


RICH = parse_policy("""
version = "rich"
[window]
length = "4h"
pane = "1h"
trend = "2h"
[bands]
disengaged = 0
engaged = 4
highly_engaged = 8
power = 12
[identities]
[events]
remember_ids = "10000d"
[channels.web]
topic = "web"
weights = { view = 1, buy = 2, like = 1, unlike = 0 }
cap = { view = 3 }
sessions = "20m"
pages = ["view"]
retracts = { unlike = "like" }
[measures.sessions]
kind = "sessions"
channel = "web"
[measures.paid]
kind = "sum"
of = ["web.buy"]
property = "price"
[measures.usual_price]
kind = "average"
of = ["web.buy"]
property = "price"
""")
_READER = EventReader(RICH.channels[0])


class Deed(NamedTuple):
    """Something on the web: minutes from the start, type, object, price, id; and under which of two ids it came."""

    minute: int
    kind: str
    about: str
    price: int
    event_id: str
    came_to: str

    def event(self) -> Event:
        """Read it as the product does."""
        value = {
            "customer_id": "anyone",
            "type": self.kind,
            "timestamp": format_instant(lives.START + self.minute * MINUTE),
            "event_id": self.event_id,
            "properties": {"object_id": self.about, "price": self.price},
        }
        return _READER.read(value, lives.START + DAY)[1]


deeds = st.lists(
    st.builds(
        Deed,
        st.integers(0, 9 * 60),
        st.sampled_from(["view", "buy", "like", "like", "unlike", "unheard"]),
        st.sampled_from(["", "x", "y"]),
        st.integers(0, 3),
        st.integers(0, 99).map(str),
        st.sampled_from(["cookie", "anna", "both"]),
    ),
    max_size=25,
    unique_by=lambda deed: deed.event_id,
)


def judged(states: Mapping[str, CustomerState], some: Sequence[Deed], now: int) -> None:
    """Have deeds come to those under whose ids they were sent, and judge these."""
    for name, state in states.items():
        advance(RICH, state, [deed.event() for deed in some if deed.came_to in (name, "both")], Moment(now))


def everything(state: CustomerState) -> dict[str, object]:
    """Return all that follows from the events alone."""
    objects = state.objects
    return {
        "panes": {pane: dict(sorted(counts.items())) for pane, counts in state.panes.items()},
        "visits": {channel: dict(sorted(panes.items())) for channel, panes in state.visits.items() if panes},
        "objects": {about: objects.history(about) for about in sorted(objects.histories)} if objects else {},
        "ahead": sorted(state.ahead, key=lambda event: (*event[:2], event[2] or ())),
        "ids": sorted(digest for digest, _ in state.seen.entries()),
        "counted": sorted(
            entry for chunk in (state.counted or CountedEvents()).chunks.values() for entry in chunk.split(",")
        ),
        "score": state.score,
        "measures": measured(RICH, state),
    }


@given(deeds, deeds, st.integers(0, 600), st.integers(0, 600), st.booleans())
@settings(max_examples=300, deadline=None)
def test_two_states_become_what_one_would_have_been(
    before: list[Deed],
    after: list[Deed],
    now: int,
    later: int,
    stored: bool,  # noqa: FBT001 - drawn
) -> None:
    after = [deed._replace(event_id=f"later {deed.event_id}") for deed in after]
    apart = {"cookie": CustomerState(), "anna": CustomerState()}
    one = {"both": CustomerState()}
    at, until = lives.START + now * MINUTE, lives.START + (now + later) * MINUTE
    for start in range(0, len(before), 5):
        judged(apart, before[start : start + 5], at)
        advance(RICH, one["both"], [deed.event() for deed in before[start : start + 5]], Moment(at))
    anna, cookie = (through_a_store(apart[name]) if stored else apart[name] for name in ("anna", "cookie"))
    merge(RICH, ("anna", anna), ("cookie", cookie), Moment(at))
    if stored:
        anna = through_a_store(anna)
    for state in (anna, one["both"]):
        advance(RICH, state, [deed.event() for deed in after], Moment(until))

    assert everything(anna) == everything(one["both"])
    days, wanted = set(anna.activity.list_days()), set(one["both"].activity.list_days())
    # What is taken back takes its day along only while the panes of the day are kept.
    assert days >= wanted
    assert days == wanted or "unlike" in {deed.kind for deed in before}


def through_a_store(state: CustomerState) -> CustomerState:
    """Write a state as the fields of a hash, and read it back."""
    state.touched_panes |= state.panes.keys()
    state.touched_visits |= {(channel, pane) for channel, panes in state.visits.items() for pane in panes}
    state.seen.touched |= state.seen.chunks.keys()
    state.activity.touched = [*{*state.activity.days, *state.activity.changes}]
    for memory, names in ((state.objects, "histories"), (state.counted, "chunks")):
        if memory is not None:
            memory.touched |= getattr(memory, names).keys()
    fields, _ = encode(RICH, CustomerRecord(state), "v")
    return decode(RICH, dict(zip(fields[::2], fields[1::2], strict=True))).state
