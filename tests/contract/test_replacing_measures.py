"""Sums of measures where customers are replaced by a rebuild, compared, and mended."""

from __future__ import annotations

import pytest
import redis.asyncio

from scoring.instants import DAY
from streams.rebuild.figure_comparison import FigureComparison
from streams.settings.settings import Settings
from streams.store.redis.replacing import ReplaceableStore
from streams.store.segment_sums import MEASURES
from streams.store.sums.gains import join
from streams.store.sums.shares import share_of
from tests.contract.records import WALL
from tests.contract.test_store_measure_sums import FEWER, MEASURED, let
from tests.unit.scoring.customers import at

FIRST = at("01 00:00") // DAY
HOLD_MS = 60_000


@pytest.fixture(params=["redis_url", "embedded_redis_url"])
def settings(request: pytest.FixtureRequest, namespace: str) -> Settings:
    """Name a server and a namespace."""
    return Settings(MEASURED, redis_url=request.getfixturevalue(request.param), namespace=namespace)


async def made_together(store: ReplaceableStore, *customers: str) -> dict[str, int]:
    """Add up what the stored customers are to add."""
    views = await store.views(customers)
    return join(share_of(view.fields) for view in views.values()).get(MEASURES, {})


async def test_the_sums_of_measures_follow_a_customer_who_is_replaced(
    settings: Settings, live: ReplaceableStore, beside: ReplaceableStore
) -> None:
    # Of the one who is replaced, other things were counted, by another policy.
    live.follow(FEWER, "")
    await let(live, "anna", "02 12:00", ("buy", "01 09:00", {"amount": 9}), ("post", "02 09:00", {}), policy=FEWER)
    live.follow(MEASURED, "")
    await let(live, "ben", "02 12:00", ("post", "02 09:00", {"followers": 3}))
    await let(beside, "anna", "02 12:00", ("buy", "02 09:00", {"amount": 5}), ("impression", "02 09:00", {}))
    await live.hold("me", HOLD_MS)
    await live.replace(beside, ["anna"], "me", FIRST)
    assert await live.kpi.measures() == await made_together(live, "anna", "ben")
    assert await FigureComparison(settings, live, WALL).differences() == []
    await live.replace(beside, ["ben"], "me", FIRST)
    left = {field: n for field, n in (await live.kpi.measures()).items() if field[0] != "^"}
    assert left == await made_together(beside, "anna")


async def test_sums_of_measures_that_are_wrong_are_found_and_mended(
    settings: Settings, live: ReplaceableStore, beside: ReplaceableStore
) -> None:
    now = at("04 12:00")
    for name in ("anna", "ben"):
        await let(live, name, "01 12:00", ("buy", "01 09:00", {"amount": 10**12}), ("post", "01 09:00", {}))
        done = ("buy", "04 09:00", {"amount": 2}), ("post", "04 09:00", {"followers": 7})
        await let(live, name, "04 12:00", *done)
    comparison = FigureComparison(settings, live, now)
    assert await comparison.differences() == []
    right = await live.kpi.measures()

    spoiled = f"{settings.namespace}:_kpi:{live.group_of('anna')}:measures"
    async with redis.asyncio.Redis.from_url(settings.redis_url, decode_responses=True) as client:
        fields = [str(field) for field in await client.hkeys(spoiled)]
        for kind, day in (("m", 4), ("b", 1), ("^", 4), ("c", 7)):
            await client.hdel(spoiled, *[field for field in fields if field.startswith(f"{kind}{FIRST + day - 1}.")])
    assert await comparison.differences() == [
        "newest values: 2024-01-04",
        "measures, billions: 2024-01-01",
        "customers with a value: 2024-01-07",
        "measures: 2024-01-04",
    ]
    await live.hold("me", HOLD_MS)
    await comparison.mend(beside, "me")
    assert await live.kpi.measures() == right
    assert await FigureComparison(settings, live, now).differences() == []
    # What no customer holds any more is no difference.
    later = FigureComparison(settings, live, at("20 12:00"))
    assert await later.differences() == []


async def test_a_pane_that_some_have_dropped_as_they_were_judged_later_is_no_difference(
    settings: Settings, live: ReplaceableStore
) -> None:
    for name in ("anna", "ben"):
        await let(live, name, "01 12:00", ("buy", "01 09:00", {"amount": 2}))
    await let(live, "anna", "05 12:00", ("buy", "05 09:00", {"amount": 2}))
    assert await FigureComparison(settings, live, at("04 12:00")).differences() == []


async def test_sums_of_a_segment_that_nobody_is_in_are_found_and_taken_away(
    settings: Settings, live: ReplaceableStore, beside: ReplaceableStore
) -> None:
    for store in (live, beside):
        await let(store, "anna", "01 12:00", ("buy", "01 09:00", {"amount": 2}))
    async with redis.asyncio.Redis.from_url(settings.redis_url) as client:
        await client.hset(f"{settings.namespace}:_kpi:3:segments", "@ghosts", "1")
        await client.hset(f"{settings.namespace}:_kpi:3:in:ghosts", f"d{FIRST}", "1")
        await client.hset(f"{settings.namespace}:_kpi:3:measures in:ghosts", f"m{FIRST}.aaaa", "1")
    comparison = FigureComparison(settings, live, at("01 12:00"))
    assert await comparison.differences() == [
        "active in 'ghosts': 2024-01-01",
        "measures in 'ghosts': 2024-01-01",
        "the numbers of customers in segments",
    ]
    await live.hold("me", HOLD_MS)
    await comparison.mend(beside, "me")
    assert await live.kpi.segments() == {}
    assert await FigureComparison(settings, live, at("01 12:00")).differences() == []
