"""Funnels in a store: who passes which step moves with the customers, between segments, and leaves with the erased."""

from __future__ import annotations

import pytest

from scoring.events.event import Event
from scoring.figures.funnel_figures import funnel_figures
from scoring.figures.measure_figures import MeasureSums
from scoring.judging.linking import merge
from scoring.judging.moment import Moment
from scoring.judging.walk import advance
from scoring.policy.policy import Policy
from scoring.rules.details import PROFILE, Detail
from streams.store.protocol import LinkWrite, Store
from streams.store.sums.shares import tally_in
from tests.contract.conftest import Stores
from tests.contract.records import WALL, write
from tests.contract.test_store_measure_sums import FIRST, let
from tests.unit.scoring.customers import POLICY, at, policy_with

FUNNEL = """
[profiles]
[identities]
[funnels.checkout]
steps = ["web.view", "social.post", ["web.buy", "web.quit"]]
within = "2d"
"""
RETRACTS = 'retracts = { complain = "buy" }\nretracts_key = "order"\ncap = { view = 3 }'
FUNNELS = policy_with(("cap = { view = 3 }", RETRACTS), text=POLICY + FUNNEL)
BARE = policy_with(('version = "by-hand"', 'version = "bare"'), ("cap = { view = 3 }", RETRACTS), text=POLICY)

ORDER = {"order": "17"}


@pytest.fixture
async def store(stores: Stores) -> Store:
    """Give a store of a policy with a funnel."""
    return await stores.open(FUNNELS)


async def do(store: Store, customer: str, kind: str, time: str, *, now: str = "", policy: Policy = FUNNELS) -> None:
    """Let a customer do something, which names an order if it is about one."""
    properties = ORDER if kind in ("buy", "complain") else {}
    await let(store, customer, now or time, (kind, time, properties), policy=policy)


async def passed(store: Store, day: int, segment: str = "", now: str = "") -> tuple[tuple[int, ...], ...]:
    """Give who began on a day of January, and who in the window, by the step that they passed."""
    sums = MeasureSums(await store.kpi.measures(segment))
    figure = funnel_figures(FUNNELS, sums, FIRST + day - 1, at(now or f"{day:02} 23:00"))["checkout"]
    return (figure.day, figure.window or ())


async def test_who_passes_the_steps_counts_on_the_day_of_the_first_whatever_comes_first(store: Store) -> None:
    await do(store, "anna", "buy", "02 12:00")
    await do(store, "anna", "view", "01 10:00", now="02 13:00")
    assert await passed(store, 1) == ((1, 0, 0), (1, 0, 0))
    await do(store, "anna", "post", "01 09:00", now="02 14:00")
    await do(store, "ben", "view", "01 11:00", now="02 14:00")
    await do(store, "ben", "view", "02 11:00")
    await do(store, "ben", "post", "03 11:00")
    assert await passed(store, 1, now="02 15:00") == ((2, 1, 1), (2, 1, 1))
    assert await passed(store, 2, now="03 15:00") == ((1, 1, 0), (2, 2, 1))


async def test_what_is_taken_back_is_no_step_any_more(store: Store) -> None:
    for kind in ("view", "post", "buy"):
        await do(store, "anna", kind, "01 10:00")
    assert await passed(store, 1) == ((1, 1, 1), (1, 1, 1))
    await do(store, "anna", "complain", "02 10:00")
    assert await passed(store, 1, now="02 12:00") == ((1, 1, 0), (1, 1, 0))


async def test_a_customer_passes_in_the_segment_of_now_and_leaves_with_all_steps(store: Store) -> None:
    await do(store, "anna", "view", "01 10:00")
    await do(store, "anna", "post", "01 11:00")
    for segment, others in (("trial", "paid"), ("paid", "trial")):
        [record] = await store.load(["anna"])
        time = at("01 12:00" if segment == "trial" else "01 13:00")
        advance(FUNNELS, record.state, [Event(time, PROFILE, "", Detail((), "", segment))], Moment(time))
        await write(store, anna=record)
        assert (await passed(store, 1, segment))[0] == (1, 1, 0)
        assert (await passed(store, 1, others))[0] == (0, 0, 0)
    await store.erase("anna", "digest", WALL, 0)
    assert await passed(store, 1) == await passed(store, 1, "paid") == ((0, 0, 0), (0, 0, 0))


async def test_linked_ids_pass_the_steps_as_one_customer(store: Store) -> None:
    await do(store, "cookie", "view", "01 10:00")
    await do(store, "anna", "post", "01 11:00")
    await do(store, "anna", "buy", "02 11:00")
    assert await passed(store, 1) == ((1, 0, 0), (1, 0, 0))
    of_id, into = await store.load(["cookie", "anna"])
    merge(FUNNELS, ("anna", into.state), ("cookie", of_id.state), Moment(at("02 12:00")))
    write_of_link = LinkWrite("cookie", of_id.version, "anna", followed={"anna": into.version})
    write_of_link.record = into
    assert await store.link(write_of_link, WALL) is None
    assert await passed(store, 1, now="02 12:00") == ((1, 1, 1), (1, 1, 1))


async def test_a_policy_without_funnels_takes_out_what_one_with_funnels_has_counted(stores: Stores) -> None:
    with_funnels = await stores.open(FUNNELS)
    await do(with_funnels, "anna", "view", "01 10:00")
    bare = await stores.open(BARE)
    await do(bare, "anna", "view", "01 12:00", policy=BARE)
    assert await passed(bare, 1) == ((0, 0, 0), (0, 0, 0))
    assert not tally_in({name.decode(): words.decode() for name, words in (await stores.hash_of("anna")).items()})
