"""What a rebuild does with Redis: holding writers, looking at whole customers, putting others in their place."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace

import pytest
import redis.asyncio

from scoring.customer.activity import SPAN, contribution
from scoring.instants import DAY
from streams.errors import RebuildRefused, StoreUnavailable
from streams.policy_file.document import parse_policy
from streams.rebuild.figure_comparison import FigureComparison
from streams.settings.settings import Settings
from streams.store.protocol import GroupWrite
from streams.store.redis import replacing
from streams.store.redis.replacing import ReplaceableStore, View, open_rebuilt, rebuilt_store
from tests.contract.records import CLICKS, WALL, engaged, group_write, move, raised, write
from tests.unit.scoring.customers import POLICY, at

HOLD_MS = 60_000
FIRST = at("01 00:00") // DAY


@pytest.fixture(params=["redis_url", "embedded_redis_url"])
def settings(request: pytest.FixtureRequest, namespace: str) -> Settings:
    """Name a server and a namespace."""
    url = request.getfixturevalue(request.param)
    return Settings(parse_policy(POLICY), redis_url=url, namespace=namespace)


async def both(live: ReplaceableStore, beside: ReplaceableStore) -> None:
    """Let both apply the same, but let anna have other points."""
    for store, posts in ((live, 5), (beside, 7)):
        await write(store, anna=engaged(posts)[1], ben=engaged(1)[1])
        await store.apply([GroupWrite(group, [move(CLICKS, None, 10)]) for group in range(store.groups)], WALL)


async def test_a_customer_is_in_the_same_group_in_both(live: ReplaceableStore, beside: ReplaceableStore) -> None:
    names = [str(number) for number in range(200)]
    assert [live.group_of(name) for name in names] == [beside.group_of(name) for name in names]
    assert len({live.group_of(name) for name in names}) == live.groups


async def test_nobody_can_write_while_another_holds(live: ReplaceableStore) -> None:
    assert await live.hold("me", HOLD_MS)
    assert await live.hold("me", HOLD_MS)
    assert not await live.hold("you", HOLD_MS)
    with pytest.raises(StoreUnavailable, match="a rebuild is putting its own in place"):
        await live.apply([group_write(live, "anna", engaged()[1])], WALL)
    await live.release("you")
    with pytest.raises(StoreUnavailable):
        await live.apply([group_write(live, "anna", engaged()[1])], WALL)
    await live.release("me")
    assert await live.apply([group_write(live, "anna", engaged()[1])], WALL) == [None]


async def test_a_hold_ends_by_itself(live: ReplaceableStore) -> None:
    await live.hold("me", 1)
    while not await live.hold("you", HOLD_MS):
        pass
    await live.release("you")


async def test_a_whole_customer_is_looked_at(live: ReplaceableStore) -> None:
    await write(live, anna=engaged()[1])
    views = await live.views(["anna", "nobody"])

    assert views["nobody"] == View({}, {}, None, None)
    assert views["nobody"].absent
    anna = views["anna"]
    assert anna.fields["score"] == "10"
    assert anna.bands == {"engaged": at("01 09:00") // 1_000_000}
    assert (anna.crossing, anna.refresh) == (None, at("02 00:00"))
    assert [name async for some in live.indexed() for name in some] == ["anna"]
    assert await live.earliest_crossing() is None


async def test_a_customer_is_replaced_whole_and_what_waits_to_be_published_stays(
    live: ReplaceableStore, beside: ReplaceableStore
) -> None:
    waiting = engaged()[1]
    waiting.raised = [raised("anna", "01 10:00")]
    await write(live, anna=waiting)
    anna, record = engaged()
    anna.do("quit", "01 12:00")
    await write(beside, anna=record)
    await live.hold("me", HOLD_MS)
    await live.replace(beside, ["anna"], "me")
    [view, expected] = [(await store.views(["anna"]))["anna"] for store in (live, beside)]

    assert view.fields == expected.fields
    assert (view.bands, view.crossing, view.refresh) == (expected.bands, expected.crossing, expected.refresh)
    assert list(view.bands) == ["at_risk"]
    assert await live.unpublished(live.group_of("anna"), WALL * 2, 9) == [("anna", waiting.raised[0])]


async def test_who_is_not_in_the_other_namespace_is_taken_away_and_who_is_not_here_comes(
    live: ReplaceableStore, beside: ReplaceableStore
) -> None:
    made_up = engaged()[1]
    made_up.raised = [raised("anna", "01 10:00")]
    await write(live, anna=made_up)
    await write(beside, ben=engaged()[1])
    await live.hold("me", HOLD_MS)
    await live.replace(beside, ["anna", "ben"], "me")
    views = await live.views(["anna", "ben"])

    assert views["anna"].absent
    assert await live.unpublished(live.group_of("anna"), WALL * 2, 9) == []
    assert views["ben"] == (await beside.views(["ben"]))["ben"]


async def test_nothing_is_replaced_without_the_hold(live: ReplaceableStore, beside: ReplaceableStore) -> None:
    await both(live, beside)
    for holder in ("", "you"):
        if holder:
            await live.hold(holder, HOLD_MS)
        with pytest.raises(RebuildRefused, match="the hold has ended"):
            await live.replace(beside, ["anna"], "me")
    assert (await live.views(["anna"]))["anna"].fields["score"] == "10"


async def test_nothing_is_replaced_where_the_two_have_applied_something_else(
    live: ReplaceableStore, beside: ReplaceableStore
) -> None:
    await both(live, beside)
    group = live.group_of("anna")
    await beside.apply([GroupWrite(group, [move(CLICKS, 10, 11)])], WALL)
    await live.hold("me", HOLD_MS)
    with pytest.raises(RebuildRefused, match="clickstream/0 has been applied further"):
        await live.replace(beside, ["anna"], "me")
    await beside.apply([GroupWrite(group, [move(CLICKS, 11, 10)])], WALL)
    await live.replace(beside, ["anna"], "me")
    assert (await live.views(["anna"]))["anna"].fields["score"] == "14"


async def test_nothing_is_replaced_where_one_of_the_two_does_not_know_of_an_erasure(
    live: ReplaceableStore, beside: ReplaceableStore
) -> None:
    await both(live, beside)
    await live.hold("me", HOLD_MS)
    await live.erase("anna", "d", 1, 4)
    with pytest.raises(RebuildRefused, match="engagement-erasures/0"):
        await live.replace(beside, ["anna"], "me")
    assert (await live.views(["anna"]))["anna"].absent


async def test_a_namespace_half_discarded_is_told_from_a_whole_one(settings: Settings) -> None:
    store = rebuilt_store(settings)
    async with open_rebuilt(settings) as found:
        assert found is None
    assert await store.note(start="here") == {"start": "here"}
    assert await store.note(start="there") == {"start": "here"}
    async with open_rebuilt(settings) as found:
        assert found is not None
    await store.discard()
    async with open_rebuilt(settings) as found:
        assert found is None
    await store.close()


async def test_nothing_is_replaced_by_what_is_just_being_discarded(
    live: ReplaceableStore, beside: ReplaceableStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await both(live, beside)
    await live.hold("me", HOLD_MS)

    async def the_customers(**_options: object) -> AsyncIterator[str]:
        for customer in ("anna", "ben"):
            yield f"{beside.namespace}:customer:{customer}"
        raise redis.asyncio.ConnectionError

    monkeypatch.setattr(beside._client, "scan_iter", the_customers)
    monkeypatch.setattr(replacing, "_DISCARDED_AT_ONCE", 1)
    with pytest.raises(StoreUnavailable):
        await beside.discard()
    monkeypatch.undo()
    assert (await beside.views(["anna"]))["anna"].fields == {}
    with pytest.raises(RebuildRefused, match="clickstream/0 has been applied further"):
        await live.replace(beside, ["anna"], "me")
    assert (await live.views(["anna"]))["anna"].fields["score"] == "10"


async def days_of(store: ReplaceableStore, customer: str) -> list[int]:
    """Give the days on which a customer was active, counted from the first of January."""
    [record] = await store.load([customer])
    return [day - FIRST + 1 for day in record.state.activity.list_days()]


async def stored_sums(store: ReplaceableStore, *customers: str) -> dict[str, int]:
    """Add up what customers are stored to add to the sums."""
    total: Counter[str] = Counter()
    for record in await store.load(customers):
        total.update(contribution(record.state.activity))
    return {field: count for field, count in total.items() if count}


@pytest.mark.parametrize(("since", "days"), [(None, [3]), (1, [3]), (2, [1, 3]), (3, [1, 2, 3]), (4, [1, 2])])
async def test_the_sums_follow_a_customer_who_is_replaced_and_days_before_those_of_the_log_stay(
    live: ReplaceableStore, beside: ReplaceableStore, since: int | None, days: list[int]
) -> None:
    old, record = engaged()
    old.do("post", "02 12:00")
    await write(live, anna=record, ben=engaged()[1])
    await write(beside, anna=engaged(20, "03 09:00")[1])
    await live.hold("me", HOLD_MS)
    await live.replace(beside, ["anna"], "me", since and FIRST + since - 1)

    assert await days_of(live, "anna") == days
    assert await live.kpi.sums(spells=True) == await stored_sums(live, "anna", "ben")
    [record] = await live.load(["anna"])
    assert record.state.activity.band == record.state.band == 4
    await live.replace(beside, ["ben"], "me", since and FIRST + since - 1)
    assert await live.kpi.sums(spells=True) == await stored_sums(live, "anna")


async def test_nobody_is_replaced_who_has_been_written_since_what_is_taken_out_was_read(
    live: ReplaceableStore, beside: ReplaceableStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await both(live, beside)
    await live.hold("me", HOLD_MS)
    before, views = await live.kpi.sums(spells=True), live.views

    async def outdated(customers: Iterable[str]) -> dict[str, View]:
        found = await views(customers)
        return {name: replace(view, fields={**view.fields, "_v": "of before"}) for name, view in found.items()}

    monkeypatch.setattr(live, "views", outdated)
    with pytest.raises(RebuildRefused, match="a customer has been written meanwhile"):
        await live.replace(beside, ["anna"], "me")
    assert await live.kpi.sums(spells=True) == before


async def test_sums_that_are_not_those_of_the_customers_are_found_and_mended(
    settings: Settings, live: ReplaceableStore, beside: ReplaceableStore
) -> None:
    for store in (live, beside):
        await write(store, anna=engaged()[1], ben=engaged()[1], cleo=engaged(3)[1])
    sums = FigureComparison(settings, live, WALL)
    assert await sums.differences() == []
    right = await live.kpi.sums(spells=True)

    spoiled = f"{settings.namespace}:_kpi:{live.group_of('ben')}"
    span = FIRST // SPAN
    async with redis.asyncio.Redis.from_url(settings.redis_url) as client:
        await client.hincrby(spoiled, f"d{FIRST + 5}", 3)
        await client.hdel(f"{settings.namespace}:customer:anna", f"_a{span}")
    assert await sums.differences() == [
        "active: 2024-01-01, 2024-01-06",
        "bands: 2024-01-01",
        "lost: 2024-01-31",
        "new: 2024-01-01",
        "spells: 2024-01-01",
        "active in 7 days: 2024-01-01, 2024-01-08",
    ]
    await live.hold("me", HOLD_MS)
    await live.replace(beside, ["anna"], "me")
    assert await sums.differences() != []
    await sums.mend(beside, "me")
    assert await live.kpi.sums(spells=True) == right == await beside.kpi.sums(spells=True)
    assert await sums.differences() == []
