"""Sums by segment: a customer is in those of one, moves with all that was counted, and leaves nothing behind."""

from __future__ import annotations

from collections import Counter

import pytest

from scoring.customer.activity import contribution
from scoring.events.event import Event, EventReader
from scoring.figures.kpi import Sums
from scoring.figures.measure_figures import MeasureFigure, MeasureSums
from scoring.instants import DAY
from scoring.judging.moment import Moment
from scoring.judging.walk import advance
from scoring.rules.details import PROFILE, Detail
from streams.store.protocol import CustomerRecord, Store
from tests.contract.conftest import Stores
from tests.contract.records import WALL, engaged, write, write_all
from tests.contract.test_store_measure_sums import MEASURED, let
from tests.unit.scoring.customers import at, policy_with

SEGMENTED = policy_with(('version = "measured"', 'version = "segmented"'), text=MEASURED.text + "\n[profiles]\n")
FIRST = at("01 00:00") // DAY


@pytest.fixture
async def segmented(stores: Stores) -> Store:
    """Give a store of a policy with profiles and measures."""
    return await stores.open(SEGMENTED)


async def tell(store: Store, customer: str, segment: str, time: str) -> CustomerRecord:
    """Let a profile tell the segment of a customer."""
    [record] = await store.load([customer])
    profile = Event(at(time), PROFILE, "", Detail((), "", segment))
    advance(SEGMENTED, record.state, [profile], Moment(at(time)))
    await write_all(store, {customer: record})
    return record


async def buy(store: Store, customer: str, time: str, amount: float) -> None:
    """Let a customer buy something."""
    await let(store, customer, time, ("buy", time, {"amount": amount}), policy=SEGMENTED)


async def spent(store: Store, segment: str, day: int = 2) -> MeasureFigure:
    """Give what the customers of a segment have spent."""
    return MeasureSums(await store.kpi.measures(segment)).figures(SEGMENTED, FIRST + day - 1)["spent"]


async def of_all(store: Store, *customers: str) -> dict[str, int]:
    """Add up the days and bands of customers as they are stored."""
    total: Counter[str] = Counter()
    for record in await store.load(customers):
        total.update(contribution(record.state.activity))
    return {field: count for field, count in total.items() if count}


async def test_a_customer_counts_in_one_segment_and_among_all(segmented: Store) -> None:
    await tell(segmented, "anna", "pro", "01 08:00")
    await buy(segmented, "anna", "01 09:00", 2)
    await buy(segmented, "ben", "01 09:00", 3)
    await tell(segmented, "ben", "free", "01 10:00")
    await buy(segmented, "cleo", "01 09:00", 4)
    await buy(segmented, "ben", "02 09:00", 5)
    assert await segmented.kpi.segments() == {"pro": 1, "free": 1}
    assert [await spent(segmented, name) for name in ("", "pro", "free")] == [
        MeasureFigure("14", "4.67", 3),
        MeasureFigure("2", "2", 1),
        MeasureFigure("8", "8", 1),
    ]
    assert await segmented.kpi.sums("pro", spells=True) == await of_all(segmented, "anna")
    assert await segmented.kpi.sums("free", spells=True) == await of_all(segmented, "ben")
    assert await segmented.kpi.sums(spells=True) == await of_all(segmented, "anna", "ben", "cleo")
    assert Sums(await segmented.kpi.sums("free")).figures(FIRST + 1, FIRST + 1)[0].bands == (0, 1, 0, 0, 0)


async def test_who_changes_segment_moves_with_everything_and_an_empty_one_is_gone(segmented: Store) -> None:
    await tell(segmented, "anna", "pro", "01 08:00")
    for day in ("01", "02"):
        await buy(segmented, "anna", f"{day} 09:00", 2)
    before = await segmented.kpi.sums("pro", spells=True), await segmented.kpi.measures("pro")
    await tell(segmented, "anna", "free", "02 10:00")
    assert await segmented.kpi.segments() == {"free": 1}
    assert (await segmented.kpi.sums("pro", spells=True), await segmented.kpi.measures("pro")) == ({}, {})
    assert (await segmented.kpi.sums("free", spells=True), await segmented.kpi.measures("free")) == before
    await tell(segmented, "anna", "", "02 11:00")
    assert await segmented.kpi.segments() == {}
    assert (await segmented.kpi.sums("free", spells=True), await segmented.kpi.measures("free")) == ({}, {})
    assert (await segmented.kpi.sums(spells=True), await segmented.kpi.measures()) == before


async def test_a_cached_customer_moves_as_one_who_was_loaded(segmented: Store) -> None:
    record = await tell(segmented, "anna", "pro", "01 08:00")
    for number, segment in enumerate(("pro", "free", "", "pro")):
        time = f"01 {10 + number}:00"
        profile = Event(at(time), PROFILE, "", Detail((), "", segment))
        value = {"customer_id": "anna", "type": "buy", "timestamp": at(time) / 1e6, "properties": {"amount": 1}}
        bought = EventReader(SEGMENTED.channels[0]).read(value, 1 << 60)[1]
        advance(SEGMENTED, record.state, [profile, bought], Moment(at(time)))
        await write(segmented, anna=record)
        assert await segmented.kpi.segments() == ({segment: 1} if segment else {})
        assert await spent(segmented, segment, 1) == MeasureFigure(str(number + 1), str(number + 1), 1)
    assert await segmented.kpi.sums("free", spells=True) == {}


async def test_who_has_no_score_yet_is_in_no_segment(segmented: Store) -> None:
    await tell(segmented, "anna", "pro", "01 08:00")
    assert await segmented.kpi.segments() == {}


async def test_an_erased_customer_leaves_the_segment(segmented: Store) -> None:
    await tell(segmented, "anna", "pro", "01 08:00")
    await buy(segmented, "anna", "01 09:00", 2)
    await segmented.erase("anna", "digest", WALL, 0)
    assert await segmented.kpi.segments() == {}
    assert (await segmented.kpi.sums("pro", spells=True), await segmented.kpi.measures("pro")) == ({}, {})


async def test_a_policy_that_knows_no_segments_leaves_customers_in_theirs(segmented: Store, stores: Stores) -> None:
    await tell(segmented, "anna", "pro", "01 08:00")
    await buy(segmented, "anna", "01 09:00", 2)
    plain = await stores.open(MEASURED)
    await let(plain, "anna", "01 10:00", ("buy", "01 10:00", {"amount": 3}))
    assert await spent(segmented, "pro", 1) == MeasureFigure("5", "5", 1)
    assert await plain.kpi.segments() == {"pro": 1}


async def test_without_segments_nothing_is_counted_by_segment(store: Store) -> None:
    await write(store, anna=engaged()[1])
    assert await store.kpi.segments() == {}


async def test_sums_of_a_segment_fold_by_themselves(segmented: Store) -> None:
    await tell(segmented, "anna", "pro", "01 08:00")
    await buy(segmented, "anna", "01 09:00", 2)
    whole = await segmented.kpi.sums(spells=True)
    await segmented.kpi.fold("pro", FIRST + 40)
    await segmented.kpi.fold_measures("pro", FIRST + 40, FIRST + 50)
    assert await segmented.kpi.sums("pro", spells=True) == {"n0": 1, "l0": 1, "f0.-1": 1}
    assert await segmented.kpi.measures("pro") == {}
    assert await segmented.kpi.sums(spells=True) == whole
    assert (await spent(segmented, "", 1)).value == "2"


async def test_published_figures_of_segments_that_are_no_more_are_removed(store: Store) -> None:
    for segment in ("", "pro", "free", "in: between"):
        await store.kpi.publish(segment, {"day": "2024-01-01"})
    await store.kpi.keep_published(["free", "in: between"])
    found = {segment: await store.kpi.figures(segment) for segment in ("", "pro", "free", "in: between")}
    assert {segment for segment, figures in found.items() if figures} == {"", "free", "in: between"}
    await store.kpi.keep_published([])
    assert await store.kpi.figures("free") == {}
    assert await store.kpi.figures() == {"day": "2024-01-01"}
