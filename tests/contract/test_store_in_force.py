"""The policy in force: one for all writers, followed by all customers, once for each change."""

from __future__ import annotations

import pytest

from scoring.policy.policy import Policy
from streams.errors import FenceMoved
from streams.store.policies import IN_FORCE, MOVED, SUPERSEDED, TAKEN, StoredPolicy, SweepPlace, offered
from streams.store.protocol import CustomerRecord, Store
from tests.contract.conftest import Stores
from tests.contract.records import WALL, engaged, group_write, write, write_all
from tests.unit.scoring.customers import Customer, policy_with

FIRST = policy_with()
SECOND = policy_with(('"by-hand"', '"second"'), ("post = 2", "post = 3"))
OTHER_SECOND = policy_with(('"by-hand"', '"second"'), ("post = 2", "post = 4"))


def offer(policy: Policy) -> StoredPolicy:
    """Offer a policy."""
    return offered(policy, WALL)


async def test_nothing_is_in_force_in_the_beginning(store: Store) -> None:
    assert await store.policies.in_force() is None
    assert await store.policies.state() == (0, "")


async def test_what_is_put_in_force_is_read_back(store: Store) -> None:
    assert await store.policies.propose(offer(FIRST), None) == IN_FORCE

    record = await store.policies.in_force()
    assert record == offer(FIRST)._replace(number=1)
    assert record.text == FIRST.text
    assert await store.policies.state() == (1, record.digest)


async def test_the_same_again_changes_nothing(store: Store) -> None:
    await store.policies.propose(offer(FIRST), None)
    for seen in (None, 1, 7):
        assert await store.policies.propose(offer(FIRST), seen) == IN_FORCE
    assert (await store.policies.state())[0] == 1


async def test_a_worker_that_starts_puts_a_new_policy_in_force_but_none_that_was_superseded(store: Store) -> None:
    await store.policies.propose(offer(FIRST), None)
    assert await store.policies.propose(offer(SECOND), None) == IN_FORCE
    assert await store.policies.propose(offer(FIRST), None) == SUPERSEDED

    assert await store.policies.state() == (2, offer(SECOND).digest)


async def test_a_worker_that_runs_may_go_back_to_a_former_policy(store: Store) -> None:
    await store.policies.propose(offer(FIRST), None)
    await store.policies.propose(offer(SECOND), 1)
    assert await store.policies.propose(offer(FIRST), 2) == IN_FORCE

    assert await store.policies.state() == (3, offer(FIRST).digest)


async def test_who_takes_another_policy_to_be_in_force_is_refused(store: Store) -> None:
    await store.policies.propose(offer(FIRST), None)
    assert await store.policies.propose(offer(SECOND), 0) == MOVED
    assert (await store.policies.state())[0] == 1


async def test_a_version_has_one_content_for_good(store: Store) -> None:
    await store.policies.propose(offer(SECOND), None)
    await store.policies.propose(offer(FIRST), None)
    for seen in (None, 2):
        assert await store.policies.propose(offer(OTHER_SECOND), seen) == TAKEN
    assert await store.policies.state() == (2, offer(FIRST).digest)


async def test_what_a_store_has_forgotten_is_put_in_force_under_its_number_at_least(store: Store) -> None:
    await store.policies.propose(offer(FIRST), None)
    assert await store.policies.propose(offer(SECOND)._replace(number=9), 1) == IN_FORCE
    assert (await store.policies.state())[0] == 9


async def test_what_was_judged_by_another_policy_is_refused(store: Store) -> None:
    record = engaged()[1]
    await write(store, anna=record)
    await store.policies.propose(offer(FIRST), None)
    store.follow(FIRST, offer(FIRST).digest)
    await write(store, anna=record)
    await store.policies.propose(offer(SECOND), 1)

    [refusal] = await store.apply([group_write(store, "anna", record)], WALL)
    assert isinstance(refusal, FenceMoved)
    assert "another policy is in force" in str(refusal)
    [stored] = await store.load(["anna"])
    assert stored.version == record.version


async def test_who_has_followed_may_write(stores: Stores) -> None:
    store = await stores.open()
    await store.policies.propose(offer(FIRST), None)
    await store.policies.propose(offer(SECOND), 1)
    store.follow(SECOND, offer(SECOND).digest)
    anna = Customer(SECOND)
    anna.do("post", "01 09:00", 5)
    await write(store, anna=CustomerRecord(anna.state))

    record = await store.read("anna")
    assert record is not None
    assert (record.fields["score"], record.fields["policy_version"]) == ("15", "second")


async def test_each_customer_tells_the_version_that_has_judged_last(store: Store) -> None:
    await write(store, anna=engaged()[1], eve=engaged()[1])
    bob = Customer(SECOND)
    bob.do("post", "01 09:00")
    await write(store, bob=CustomerRecord(bob.state), nobody=CustomerRecord())

    versions = await store.policies.versions(["anna", "bob", "nobody", "gone", "eve"])
    assert versions == [("by-hand", ""), ("second", ""), ("", ""), ("", ""), ("by-hand", "")]
    assert await store.policies.versions([]) == []


async def test_pages_hold_every_customer(store: Store) -> None:
    names = {f"customer {number}:*" for number in range(300)}
    await write_all(store, {name: engaged()[1] for name in names})
    found: list[str] = []
    cursor = pages = 0
    while True:
        some, cursor = await store.policies.page(cursor, 50)
        found += some
        pages += 1
        if not cursor:
            break

    assert set(found) == names
    assert pages > 2


async def test_one_worker_at_a_time_walks(store: Store) -> None:
    await store.policies.propose(offer(FIRST), None)
    assert await store.policies.sweep("one") == (True, SweepPlace())
    assert await store.policies.sweep("two") == (False, SweepPlace())

    place = SweepPlace(1, "run", 17, 500, 1200)
    assert not await store.policies.swept("two", place)
    assert await store.policies.swept("one", place)
    assert await store.policies.sweep("one") == (True, place)
    assert await store.policies.place() == place
    assert await store.policies.sweep("two") == (False, place)


async def test_a_walk_for_a_policy_that_is_in_force_no_more_is_not_noted(store: Store) -> None:
    await store.policies.propose(offer(FIRST), None)
    await store.policies.sweep("one")
    await store.policies.propose(offer(SECOND), 1)

    assert not await store.policies.swept("one", SweepPlace(1))
    assert await store.policies.swept("one", SweepPlace(2))


@pytest.mark.parametrize("kind", ["redis", "embedded redis"])
async def test_a_server_has_a_name_for_its_run(kind: str, request: pytest.FixtureRequest, namespace: str) -> None:
    stores = Stores(request.getfixturevalue(kind.replace(" ", "_") + "_url"), namespace)
    store = await stores.open()
    assert len(await store.policies.server()) == 40
    await stores.close()
