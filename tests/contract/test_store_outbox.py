"""The outbox: messages that are stored with the customer and not known to be published."""

from __future__ import annotations

from scoring.instants import SECOND
from streams.records import Message
from streams.store.protocol import CustomerRecord, Store
from tests.contract.conftest import Stores
from tests.contract.records import WALL, engaged, group_write, raised, write, write_all

AFTER = WALL + SECOND


async def waiting(store: Store, before: int = AFTER, limit: int = 9) -> list[str]:
    """List the customers of all messages that wait, of all groups."""
    return [name for group in range(store.groups) for name, _ in await store.unpublished(group, before, limit)]


async def outbox(store: Store, customer: str = "anna") -> list[Message]:
    """Give the messages of one customer that wait."""
    found = await store.unpublished(store.group_of(customer), WALL * 2, 99)
    return [message for name, message in found if name == customer]


async def with_message(store: Store, time: str = "01 10:00") -> CustomerRecord:
    """Store a customer with a message that has to be published."""
    [record] = await store.load(["anna"])
    if not record.version:
        record = engaged()[1]
    record.raised = [raised("anna", time)]
    await write(store, anna=record)
    return record


async def test_nothing_waits_at_first(store: Store) -> None:
    await write(store, anna=engaged()[1])

    assert await waiting(store) == []
    assert await outbox(store) == []


async def test_a_raised_message_waits_with_the_customer(store: Store) -> None:
    record = await with_message(store)
    [message] = record.raised

    assert await waiting(store) == ["anna"]
    assert await outbox(store) == [message]


async def test_only_what_has_waited_since_before_a_time_is_listed(store: Store) -> None:
    await with_message(store)

    assert await waiting(store, WALL) == ["anna"]
    assert await waiting(store, WALL - SECOND) == []


async def test_no_more_are_listed_than_asked_for_and_the_first_first(store: Store) -> None:
    group = store.group_of("anna")
    names = [name for name in map(str, range(2000)) if store.group_of(name) == group][:5]
    for index, name in enumerate(names):
        record = engaged()[1]
        record.raised = [raised(name, "01 10:00")]
        await write(store, now=WALL - index * SECOND, **{name: record})

    assert [name for name, _ in await store.unpublished(group, AFTER, 3)] == names[::-1][:3]


async def test_a_published_message_is_taken_out_and_the_customer_with_the_last(store: Store) -> None:
    record = await with_message(store)
    record.raised = [raised("anna", "01 11:00"), raised("anna", "01 12:00")]
    await write(store, anna=record)
    first, second, third = (raised("anna", f"01 {hour}:00") for hour in (10, 11, 12))
    assert await outbox(store) == sorted([first, second, third], key=lambda message: message.name)

    await store.published({store.group_of("anna"): {"anna": [first.name, third.name]}})
    assert await outbox(store) == [second]
    assert await waiting(store) == ["anna"]

    await store.published({store.group_of("anna"): {"anna": [second.name]}})
    assert await outbox(store) == []
    assert await waiting(store) == []


async def test_what_is_not_there_is_passed_over(store: Store) -> None:
    record = await with_message(store)
    [message] = record.raised
    await store.published({store.group_of("anna"): {"anna": ["other", message.name], "nobody": ["other"]}})
    await store.published({store.group_of("anna"): {"anna": [message.name]}})

    assert await waiting(store) == []
    assert await store.read("nobody") is None


async def test_publishing_does_not_touch_what_another_worker_has_added(store: Store) -> None:
    record = await with_message(store)
    [published] = record.raised
    rival = await with_message(store, "02 10:00")
    await store.published({store.group_of("anna"): {"anna": [published.name]}})

    [loaded] = await store.load(["anna"])
    assert loaded.version == rival.version
    assert await outbox(store) == rival.raised
    assert await waiting(store) == ["anna"]


async def test_publishing_is_no_write_of_the_customer(store: Store) -> None:
    record = await with_message(store)
    await store.published({store.group_of("anna"): {"anna": [record.raised[0].name]}})
    record.raised = ()

    assert await store.apply([group_write(store, "anna", record)], WALL) == [None]


async def test_a_message_survives_writes_that_raise_nothing(store: Store) -> None:
    record = await with_message(store)
    [message] = record.raised
    record.raised = ()
    await write(store, now=WALL + 100 * SECOND, anna=record)

    assert await outbox(store) == [message]
    assert await waiting(store) == ["anna"]


async def test_a_refused_write_adds_no_message(store: Store) -> None:
    await write(store, anna=engaged()[1])
    stale = engaged()[1]
    stale.raised = [raised("anna", "01 10:00")]
    await store.apply([group_write(store, "anna", stale)], WALL)

    assert await waiting(store) == []
    assert await outbox(store) == []


async def test_messages_are_read_by_customer_and_name(store: Store) -> None:
    [message] = (await with_message(store)).raised
    group = store.group_of("anna")

    assert await store.waiting(group, {"anna": ["other", message.name], "nobody": [message.name]}) == [
        ("anna", message)
    ]
    assert await store.waiting(group, {}) == []


async def test_messages_wait_beside_the_customer_whose_hash_stays_small(store: Store, stores: Stores) -> None:
    """One value of more than 64 bytes would take the hash out of Redis's compact form for ever."""
    [message] = (await with_message(store)).raised

    assert len(str(message.body)) > 64
    assert max(len(value) for value in (await stores.hash_of("anna")).values()) <= 64
    assert not stores.url or await stores.encoding_of("anna") == "listpack"


async def test_the_messages_of_one_customer_are_erased_and_no_other(store: Store) -> None:
    await with_message(store)
    other = next(name for name in map(str, range(2000)) if store.group_of(name) == store.group_of("anna"))
    record = engaged()[1]
    record.raised = [raised(other, "01 10:00")]
    await write_all(store, {other: record})
    await store.erase("anna", "digest", WALL, 0)

    assert await waiting(store) == [other]
