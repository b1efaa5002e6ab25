"""Customers' records to be stored, and shorthands for writing them."""

from __future__ import annotations

from collections.abc import Mapping

from scoring.instants import HOUR
from scoring.judging.alerts import Alert, message
from streams.records import Message, Partition
from streams.store.protocol import CustomerRecord, Fence, FenceMove, GroupWrite, Store
from streams.topic_names import ALERTS
from tests.unit.scoring.customers import Customer, at

WALL = at("05 12:00")
"""The wall clock when something is written."""
CLICKS = Partition("clickstream", 0)
MAILS = Partition("email", 11)


def engaged(posts: int = 5, time: str = "01 09:00") -> tuple[Customer, CustomerRecord]:
    """Give a customer with two points for each post, and the record that holds the customer's state."""
    anna = Customer()
    anna.do("post", time, posts)
    return anna, CustomerRecord(anna.state)


def move(partition: Partition, expected: int | None, offset: int, newest: int = HOUR) -> FenceMove:
    """Move a fence."""
    return FenceMove(partition, expected, Fence(offset, newest))


async def write(store: Store, *, now: int = WALL, **customers: CustomerRecord) -> None:
    """Write customers into their groups; none may be refused."""
    await write_all(store, customers, now=now)


async def write_all(store: Store, customers: Mapping[str, CustomerRecord], *, now: int = WALL) -> None:
    """Write customers into their groups; none may be refused."""
    writes = [
        GroupWrite(group, customers={name: customers[name] for name in customers if store.group_of(name) == group})
        for group in sorted({store.group_of(name) for name in customers})
    ]
    assert await store.apply(writes, now) == [None] * len(writes)


def group_write(store: Store, customer: str, record: CustomerRecord, *fences: FenceMove) -> GroupWrite:
    """Make the write of one customer."""
    return GroupWrite(store.group_of(customer), fences, {}, {customer: record})


def raised(customer: str, time: str) -> Message:
    """Make an alert that has to be published."""
    alert = Alert("churn_risk", 1, 2, 0, 0, at(time), [])
    return Message(ALERTS, message(customer, alert, WALL, "by-hand"))
