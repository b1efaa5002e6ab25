"""Feeds: what the workers know of their events together, and what has been told of them."""

from __future__ import annotations

from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scoring.feeds.feeds import MOST_STRETCHES, join, stretches_of
from scoring.instants import HOUR
from streams.store.protocol import Store, StoredFeed
from tests.contract.conftest import Stores
from tests.contract.records import WALL

_NUMBERS = count()
APART = {"email": HOUR, "web": 2 * HOUR}


async def test_there_is_nothing_at_first(store: Store) -> None:
    assert await store.exchange_feeds({}, APART) == {}


async def test_stretches_of_events_come_back_as_they_were_told(store: Store, stores: Stores) -> None:
    told = {"email": [(WALL, WALL + 7)], "web": [(WALL - 9 * HOUR, WALL - 8 * HOUR), (WALL, WALL)]}
    stored = {name: StoredFeed(stretches) for name, stretches in told.items()}

    assert await store.exchange_feeds(told, APART) == stored
    assert await (await stores.open()).exchange_feeds({}, APART) == stored


async def test_stretches_are_joined_where_there_was_no_silence_between_them(store: Store) -> None:
    await store.exchange_feeds({"email": [(WALL, WALL + 5), (WALL + 5 * HOUR, WALL + 6 * HOUR)]}, APART)
    touching = [(WALL + 5 + HOUR, WALL + 2 * HOUR)]
    found = await store.exchange_feeds({"email": touching}, APART)
    assert found["email"].stretches == [(WALL, WALL + 2 * HOUR), (WALL + 5 * HOUR, WALL + 6 * HOUR)]

    apart = [(WALL + 7 * HOUR + 1, WALL + 7 * HOUR + 1)]
    found = await store.exchange_feeds({"email": apart}, APART)
    assert found["email"].stretches[-2:] == [(WALL + 5 * HOUR, WALL + 6 * HOUR), *apart]


@given(st.lists(st.lists(st.integers(0, 40), min_size=1), min_size=1, max_size=6), st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_it_does_not_matter_who_tells_what_in_which_order_and_how_often(
    store: Store, told: list[list[int]], data: st.DataObject
) -> None:
    name = f"feed{next(_NUMBERS)}"
    apart = {name: 3 * HOUR}
    pieces = [stretches_of([WALL + time * HOUR for time in times], 3 * HOUR) for times in told]
    again = data.draw(st.lists(st.sampled_from(pieces), max_size=3))
    for piece in data.draw(st.permutations([*pieces, *again])):
        await store.exchange_feeds({name: piece}, apart)

    stored = (await store.exchange_feeds({}, apart))[name]
    assert stored.stretches == join([stretch for piece in pieces for stretch in piece], 3 * HOUR)


async def test_the_newest_stretches_are_kept(store: Store) -> None:
    told = [(WALL + n * 3 * HOUR, WALL + n * 3 * HOUR + n) for n in range(MOST_STRETCHES + 2)]
    await store.exchange_feeds({"email": told[2:]}, APART)
    found = await store.exchange_feeds({"email": told[:2]}, APART)

    assert found["email"].stretches == told[2:]


async def test_what_has_been_told_is_noted_by_one_worker(store: Store, stores: Stores) -> None:
    other = await stores.open()
    assert await store.note_told("email", "", '{"by": "one"}')
    assert not await other.note_told("email", "", '{"by": "other"}')
    assert await other.exchange_feeds({}, APART) == {"email": StoredFeed((), '{"by": "one"}')}

    assert await other.note_told("email", '{"by": "one"}', '{"by": "other"}')
    assert not await store.note_told("email", '{"by": "one"}', '{"by": "one again"}')
    assert (await store.exchange_feeds({"email": [(1, 2)]}, APART))["email"] == StoredFeed([(1, 2)], '{"by": "other"}')
