"""Sums of which measures over all customers are made: they move with the customers, in every store."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from scoring.events.event import EventReader
from scoring.figures.measure_figures import MeasureFigure, MeasureSums
from scoring.instants import DAY
from scoring.judging.moment import Moment
from scoring.judging.walk import advance
from scoring.policy.policy import Policy
from streams.errors import FenceMoved
from streams.store.protocol import CustomerRecord, Store
from tests.contract.conftest import Stores
from tests.contract.records import CLICKS, WALL, engaged, group_write, move, write, write_all
from tests.unit.scoring.customers import POLICY, at, policy_with

MEASURES = """
[measures.spent]
kind = "sum"
of = ["web.buy"]
property = "amount"
[measures.seen]
kind = "ratio"
of = ["social.post"]
to = ["social.impression"]
times = 100
[measures.reach]
kind = "ratio"
of = ["social.post"]
to = ["social"]
to_latest = "followers"
"""
MEASURED = policy_with(('version = "by-hand"', 'version = "measured"'), text=POLICY + MEASURES)
FEWER = policy_with(
    ('version = "by-hand"', 'version = "fewer"'),
    text=POLICY + MEASURES[: MEASURES.index("[measures.reach]")].replace('"social.post"', '"social.impression"'),
)
HUGE = 10**12
FIRST = at("01 00:00") // DAY


@pytest.fixture
async def measured(stores: Stores) -> Store:
    """Give a store of a policy with measures."""
    return await stores.open(MEASURED)


async def let(
    store: Store, customer: str, now: str, *done: tuple[str, str, Mapping[str, object]], policy: Policy = MEASURED
) -> CustomerRecord:
    """Load a customer, let something be done, and store it, as a worker does that has not cached the customer."""
    [record] = await store.load([customer])
    events = []
    for kind, time, properties in done:
        name = "social" if kind in ("post", "impression") else "web"
        reader = EventReader(next(channel for channel in policy.channels if channel.name == name))
        value = {"customer_id": customer, "type": kind, "timestamp": at(time) / 1e6, "properties": properties}
        events.append(reader.read(value, 1 << 60)[1])
    advance(policy, record.state, events, Moment(at(now)))
    await write_all(store, {customer: record})
    return record


async def figures(store: Store, day: int, policy: Policy = MEASURED) -> dict[str, MeasureFigure]:
    """Give the measures as of a day of January."""
    return MeasureSums(await store.kpi.measures()).figures(policy, FIRST + day - 1)


async def test_a_write_moves_the_sums_with_the_customer(measured: Store) -> None:
    await let(measured, "anna", "01 12:00", ("buy", "01 09:00", {"amount": 2.5}), ("impression", "01 09:00", {}))
    await let(measured, "ben", "01 12:00", ("post", "01 10:00", {"followers": 40}), ("buy", "01 11:00", {}))
    assert await figures(measured, 1) == {
        "spent": MeasureFigure("2.5", "2.5", 1),
        "seen": MeasureFigure("100"),
        "reach": MeasureFigure("0.02"),
    }
    await let(measured, "anna", "02 12:00", ("post", "02 09:00", {"followers": 50}), ("impression", "02 09:00", {}))
    await let(measured, "ben", "02 12:00", ("buy", "02 09:00", {"amount": 3.5}))
    assert await figures(measured, 2) == {
        "spent": MeasureFigure("6", "3", 2),
        "seen": MeasureFigure("100"),
        "reach": MeasureFigure("0.04"),
    }


async def test_what_is_too_old_leaves_though_nobody_is_touched(measured: Store) -> None:
    await let(measured, "anna", "01 12:00", ("buy", "01 09:00", {"amount": 2}), ("impression", "01 09:00", {}))
    await let(measured, "ben", "02 12:00", ("buy", "02 09:00", {"amount": 4}))
    assert (await figures(measured, 3))["spent"] == MeasureFigure("6", "3", 2)
    assert await figures(measured, 4) == {
        "spent": MeasureFigure("4", "4", 1),
        "seen": MeasureFigure(""),
        "reach": MeasureFigure(""),
    }
    assert (await figures(measured, 5))["spent"] == MeasureFigure("", "", 0)


async def test_amounts_that_a_field_of_redis_cannot_hold_are_added_up_exactly(measured: Store) -> None:
    bought = [("buy", "01 09:00", {"amount": HUGE})] * 10
    for name in ("anna", "ben"):
        await let(measured, name, "01 12:00", *bought, ("buy", "01 10:00", {"amount": 0.000001}))
    assert (await figures(measured, 1))["spent"] == MeasureFigure("20000000000000", "10000000000000", 2)
    await measured.erase("anna", "digest", WALL, 0)
    assert (await figures(measured, 1))["spent"] == MeasureFigure("10000000000000", "10000000000000", 1)


async def test_a_refused_write_adds_nothing_and_the_same_record_adds_once(measured: Store) -> None:
    [record] = await measured.load(["anna"])
    reader = EventReader(MEASURED.channels[0])
    value = {"customer_id": "anna", "type": "buy", "timestamp": at("01 09:00") / 1e6, "properties": {"amount": 2}}
    event = reader.read(value, 1 << 60)[1]
    advance(MEASURED, record.state, [event], Moment(at("01 12:00")))
    [refused] = await measured.apply([group_write(measured, "anna", record, move(CLICKS, 5, 10))], WALL)
    assert isinstance(refused, FenceMoved)
    assert await measured.kpi.measures() == {}
    assert await measured.apply([group_write(measured, "anna", record, move(CLICKS, None, 10))], WALL) == [None]
    advance(MEASURED, record.state, [event], Moment(at("01 13:00")))
    await write(measured, anna=record)
    assert (await figures(measured, 1))["spent"] == MeasureFigure("4", "4", 1)


async def test_an_erased_customer_leaves_nothing_but_what_was_true(measured: Store) -> None:
    await let(measured, "anna", "01 12:00", ("buy", "01 09:00", {"amount": 2}), ("impression", "01 09:00", {}))
    left = await measured.kpi.measures()
    for day in ("02", "03"):
        done = ("buy", f"{day} 09:00", {"amount": 4}), ("post", f"{day} 09:00", {"followers": 100})
        await let(measured, "ben", f"{day} 12:00", *done)
    await measured.erase("ben", "digest", WALL, 0)
    newest = {field for field in await measured.kpi.measures() if field[0] == "^"}
    assert len(newest) == 2
    assert {name: n for name, n in (await measured.kpi.measures()).items() if name not in newest} == left


async def test_a_customer_of_whom_a_pane_cannot_be_read_leaves_with_the_others(stores: Stores) -> None:
    store = await stores.open(MEASURED)
    await let(store, "anna", "02 12:00", ("buy", "01 09:00", {"amount": 2}), ("impression", "02 09:00", {}))
    await stores.spoil("anna", f"_p{FIRST}")
    await store.erase("anna", "digest", WALL, 0)
    assert {field[: field.index(".")] for field in await store.kpi.measures()} == {
        f"m{FIRST}",
        f"c{FIRST}",
        f"c{FIRST + 3}",
    }


async def test_a_measure_that_is_new_counts_what_is_stored_and_one_that_is_gone_leaves(stores: Stores) -> None:
    store = await stores.open(FEWER)
    await let(store, "anna", "01 12:00", ("buy", "01 09:00", {"amount": 2}), ("post", "01 09:00", {}), policy=FEWER)
    await let(store, "ben", "01 12:00", ("impression", "01 09:00", {}), policy=FEWER)
    assert (await figures(store, 1, FEWER))["seen"] == MeasureFigure("100")
    changed = await stores.open(MEASURED)
    assert (await figures(changed, 1))["seen"] == MeasureFigure("0")
    await let(changed, "anna", "01 13:00", ("buy", "01 12:30", {"amount": 3}))
    assert await figures(changed, 1) == {
        "spent": MeasureFigure("5", "5", 1),
        "seen": MeasureFigure("100"),
        "reach": MeasureFigure(""),
    }
    bare = policy_with(('version = "by-hand"', 'version = "bare"'))
    last = await stores.open(bare)
    await let(last, "anna", "01 14:00", ("buy", "01 13:30", {"amount": 7}), policy=bare)
    await let(last, "ben", "01 14:00", policy=bare)
    assert await last.kpi.measures() == {}
    assert not [name for name in await stores.hash_of("anna") if name.startswith(b"_f")]


async def test_a_customer_of_an_earlier_release_counts_from_the_next_write_on(store: Store, stores: Stores) -> None:
    await write(store, anna=engaged()[1])
    assert await store.kpi.measures() == {}
    second = await stores.open(MEASURED)
    await let(second, "anna", "01 13:00", ("impression", "01 12:00", {}))
    assert (await figures(second, 1))["seen"] == MeasureFigure("500")


async def test_a_policy_without_measures_stores_not_a_byte_for_them(store: Store, stores: Stores) -> None:
    await write(store, anna=engaged()[1])
    assert not [name for name in await stores.hash_of("anna") if name.startswith(b"_f")]
    assert await store.kpi.measures() == {}


async def test_sums_fold_and_what_is_told_stays(measured: Store) -> None:
    for day in ("01", "02", "06"):
        done = ("buy", f"{day} 09:00", {"amount": 4}), ("post", f"{day} 09:00", {"followers": 100})
        await let(measured, "anna", f"{day} 12:00", *done)
    await let(measured, "ben", "06 12:00", ("buy", "06 09:00", {"amount": 5}))
    told = await figures(measured, 5), await figures(measured, 6)
    now = at("06 12:00")
    await measured.kpi.fold_measures("", MEASURED.kept_from(now), MEASURED.told_from(now))
    assert (await figures(measured, 5), await figures(measured, 6)) == told
    panes = {(field[0], int(field[1:].partition(".")[0]) - FIRST + 1) for field in await measured.kpi.measures()}
    # Whoever was a holder and is none any more has left a sum of 0.
    assert panes == {("m", 6), ("^", 6), ("c", 6), ("c", 9)}
    await measured.erase("anna", "digest", WALL, 0)
    await measured.erase("ben", "another", WALL, 1)
    later = at("20 12:00")
    await measured.kpi.fold_measures("", MEASURED.kept_from(later), MEASURED.told_from(later))
    assert await measured.kpi.measures() == {}


async def test_a_published_figure_that_is_no_more_is_removed(store: Store) -> None:
    await store.kpi.publish("", {"day": "2024-01-01", "measure:spent": "1"})
    await store.kpi.publish("", {"day": "2024-01-02"})
    assert await store.kpi.figures() == {"day": "2024-01-02"}


async def test_the_newest_value_of_a_pane_holds_whoever_comes_first(measured: Store) -> None:
    others = [name for name in map(str, range(1000)) if measured.group_of(name) == measured.group_of("anna")]
    for name, time, followers, newest in (
        ("anna", "01 10:00", 40, "0.02"),
        (others[0], "01 11:00", 50, "0.04"),
        (others[1], "01 09:00", 60, "0.06"),
    ):
        await let(measured, name, "01 12:00", ("post", time, {"followers": followers}))
        assert (await figures(measured, 1))["reach"] == MeasureFigure(newest)


async def test_a_newest_value_that_somebody_has_made_unreadable_stops_no_write(stores: Stores) -> None:
    if stores.in_memory:
        pytest.skip("nobody else writes there")
    store = await stores.open(MEASURED)
    (field,) = MEASURED.tally.latest
    await stores.set_field(f"_kpi:{store.group_of('anna')}:measures", f"^{FIRST}.{field}", "zzz")
    await let(store, "anna", "01 12:00", ("post", "01 10:00", {"followers": 40}))
    assert (await figures(store, 1))["reach"] == MeasureFigure("0.02")


async def test_what_is_taken_back_leaves_the_day_on_which_it_happened(stores: Stores) -> None:
    retracting = policy_with(
        ('version = "by-hand"', 'version = "retracting"'),
        (
            "weights = { post = 2, impression = 0 }",
            'weights = { post = 2, unpost = 0 }\nretracts = { unpost = "post" }',
        ),
        text=POLICY + '[measures.posts]\nkind = "count"\nof = ["social.post"]\n',
    )
    store = await stores.open(retracting)

    async def do(kind: str, time: str, about: str) -> dict[str, MeasureFigure]:
        [record] = await store.load(["anna"])
        value = {"customer_id": "anna", "type": kind, "timestamp": at(time) / 1e6, "properties": {"object_id": about}}
        event = EventReader(retracting.channels[1]).read(value, 1 << 60)[1]
        advance(retracting, record.state, [event], Moment(at("03 12:00")))
        await write(store, anna=record)
        return await figures(store, 3, retracting)

    await do("post", "01 09:00", "one")
    assert await do("post", "02 09:00", "two") == {"posts": MeasureFigure("2", "2", 1)}
    assert await do("unpost", "03 09:00", "one") == {"posts": MeasureFigure("1", "1", 1)}
    assert (await figures(store, 5, retracting))["posts"] == MeasureFigure("", "", 0)
    assert await do("unpost", "03 10:00", "two") == {"posts": MeasureFigure("", "", 0)}
    assert await store.kpi.measures() == {}
