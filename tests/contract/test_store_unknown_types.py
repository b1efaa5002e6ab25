"""Types that the policy does not name: counted by the hour, for a day, within bounds."""

from __future__ import annotations

from scoring.events.unknown_names import MOST_NAMES
from streams.store.protocol import Store
from tests.contract.conftest import Stores

HOUR = 480_000


async def test_counts_of_all_workers_and_hours_of_a_day_are_added_up(store: Store, stores: Stores) -> None:
    other = await stores.open()
    await store.note_unknown_types(HOUR, {("web", "View"): 3, ("email", "two\nlines"): 1})
    await other.note_unknown_types(HOUR + 23, {("web", "View"): 4})

    assert await store.unknown_types(HOUR + 23) == {("web", "View"): 7, ("email", "two\nlines"): 1}
    assert await store.unknown_types(HOUR + 24) == {("web", "View"): 4}
    assert await store.unknown_types(HOUR + 47) == {}


async def test_old_hours_are_forgotten_and_names_are_bounded(store: Store, stores: Stores) -> None:
    if stores.in_memory:
        return
    for hour in (HOUR, HOUR + 24):
        for start in (0, MOST_NAMES):
            names = range(start, start + MOST_NAMES)
            await store.note_unknown_types(hour, {("web", f"type-{name}"): 1 for name in names})
    counts = await store.unknown_types(HOUR + 24)
    assert (len(counts), counts["web", ""]) == (MOST_NAMES + 1, MOST_NAMES)
    assert await stores.fields_of("_unknown_types") == MOST_NAMES + 1


async def test_a_key_that_holds_something_else_is_no_obstacle(store: Store, stores: Stores) -> None:
    if stores.in_memory:
        return
    await stores.plant_key("_unknown_types")
    await store.note_unknown_types(HOUR, {("web", "View"): 3})
    assert await store.unknown_types(HOUR) == {}
