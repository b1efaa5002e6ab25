"""Customers under a new policy, and customers who are large."""

from __future__ import annotations

from streams.store.protocol import CustomerRecord, Store
from tests.contract.conftest import Stores
from tests.contract.records import engaged, write
from tests.unit.scoring.customers import Customer, policy_with


async def fields_of(store: Store, customer: str = "anna") -> dict[str, str]:
    """Read what applications read."""
    record = await store.read(customer)
    assert record is not None
    return dict(record.fields)


async def test_scores_follow_a_new_policy_when_they_are_loaded(store: Store, stores: Stores) -> None:
    await write(store, anna=engaged()[1])
    policy = policy_with(('version = "by-hand"', 'version = "second"'), ("post = 2", "post = 3"))
    second = await stores.open(policy)
    [record] = await second.load(["anna"])
    assert record.state.score == 15_000_000

    anna = Customer(policy)
    anna.state = record.state
    anna.judge("01 10:00")
    await write(second, anna=record)
    fields = await fields_of(second)
    assert (fields["score"], fields["policy_version"], fields["band"]) == ("15", "second", "engaged")


async def test_a_change_of_band_by_policy_tells_the_score_before(store: Store, stores: Stores) -> None:
    await write(store, anna=engaged()[1])
    policy = policy_with(('version = "by-hand"', 'version = "second"'), ("post = 2", "post = 1"))
    [record] = await (await stores.open(policy)).load(["anna"])
    anna = Customer(policy)
    anna.state = record.state
    [change] = anna.judge("01 10:00").transitions

    assert (change.score, change.previous_score) == (5_000_000, 10_000_000)


async def test_a_channel_that_the_policy_has_no_more_has_no_points(store: Store, stores: Stores) -> None:
    await write(store, anna=engaged()[1])
    gone = '[channels.social]\ntopic = "social"\nweights = { post = 2, impression = 0 }\n'
    policy = policy_with(('version = "by-hand"', 'version = "second"'), (gone, ""))
    second = await stores.open(policy)
    [record] = await second.load(["anna"])
    anna = Customer(policy)
    anna.state = record.state
    anna.judge("01 10:00")
    await write(second, anna=record)

    fields = await fields_of(second)
    assert (fields["score"], fields.get("social", "0")) == ("0", "0")


async def test_a_large_customer_is_stored_whole(stores: Stores) -> None:
    policy = policy_with(('length = "3d"', 'length = "300d"'))
    large = await stores.open(policy)
    anna = Customer(policy)
    for day in range(1, 301):
        anna.do("post", f"{day:02} 12:00")
    anna.judge("300 13:00", *[anna.event("view", "300 09:00", str(number)) for number in range(5000)])
    record = CustomerRecord(anna.state)
    await write(large, anna=record)

    [loaded] = await large.load(["anna"])
    assert len(loaded.state.panes) == 300
    assert loaded.state.seen.chunks == anna.state.seen.chunks
    assert sum(map(len, loaded.state.seen.chunks.values())) == 50_000
    assert loaded.state.score == anna.state.score == 603_000_000


async def test_a_customer_with_more_fields_than_one_command_takes_is_stored_and_removed_whole(stores: Stores) -> None:
    policy = policy_with(('length = "3d"', 'length = "2500d"'))
    large = await stores.open(policy)
    anna = Customer(policy)
    anna.judge("2500 00:00", *[anna.event("view", f"{day:02} 12:00") for day in range(1, 2500)])
    record = CustomerRecord(anna.state)
    await write(large, anna=record)
    [loaded] = await large.load(["anna"])
    assert loaded.state.panes == anna.state.panes
    assert len(loaded.state.panes) == 2499

    anna.judge("6000 00:00")
    await write(large, anna=record)
    # The episode of the alert is open.
    assert {name[:2] for name in await stores.hash_of("anna") if name.startswith(b"_")} == {b"_v", b"_s", b"_a", b"_e"}
    assert (await fields_of(large))["score"] == "0"
