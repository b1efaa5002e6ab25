"""How a customer is written: only what has changed, in values that Redis keeps compact."""

from __future__ import annotations

import pytest

from streams.store.encoding import decode_fence, encode, encode_fence, settle
from streams.store.memory import MemoryStore
from streams.store.protocol import CustomerRecord, Fence, GroupWrite
from tests.unit.scoring.customers import POLICY, Customer, policy_with

COMPACT = 64
"""Bytes up to which Redis keeps a hash compact."""


async def stored(anna: Customer, record: CustomerRecord | None = None) -> CustomerRecord:
    """Write a customer's record."""
    record = record or CustomerRecord(anna.state)
    assert await MemoryStore(anna.policy).apply([GroupWrite(0, customers={"anna": record})], 0) == [None]
    return record


def written(anna: Customer, record: CustomerRecord) -> dict[str, str]:
    """Give the fields that the next write sets."""
    words, _ = encode(anna.policy, record, "v")
    return dict(zip(words[::2], words[1::2], strict=True))


async def test_what_has_not_changed_is_not_written_again() -> None:
    anna = Customer()
    anna.do("post", "01 09:00", 5, event_id=None)
    anna.do("view", "01 10:00", event_id="x")
    record = await stored(anna)

    assert set(written(anna, record)) == {"_v", "_s", "last_event_at", "updated_at"}


async def test_of_the_panes_and_ids_only_those_that_changed_are_written() -> None:
    anna = Customer()
    anna.do("post", "01 09:00", event_id="a")
    for number in range(6):
        anna.do("view", "02 09:00", event_id=str(number))
    record = await stored(anna)
    anna.do("view", "02 10:00", event_id="b")

    fields = written(anna, record)
    assert [name for name in fields if name.startswith("_p")] == ["_p19724"]
    assert [name for name in fields if name.startswith("_i")] == ["_i19724.1"]


async def test_only_numbers_that_changed_are_written() -> None:
    anna = Customer()
    anna.do("post", "01 09:00", 2)
    record = await stored(anna)
    anna.do("buy", "01 10:00")

    fields = written(anna, record)
    assert (fields["score"], fields["trend"], fields["web"]) == ("8.5", "8.5", "4.5")
    assert not {"social", "band", "band_since", "previous_band", "policy_version"} & set(fields)


def test_a_customer_with_little_traffic_has_small_values() -> None:
    anna = Customer()
    for day in range(1, 4):
        for hour in range(1, 9):
            anna.do("post", f"{day:02} {hour:02}:00", event_id=f"{day}-{hour}")
            anna.do("view", f"{day:02} {hour:02}:30", event_id=f"{day}-{hour}-view")

    fields = written(anna, CustomerRecord(anna.state))
    assert fields["score"] == "57"
    assert max(len(value.encode()) for value in fields.values()) <= COMPACT


@pytest.mark.parametrize("fence", [Fence(1, 0), Fence(2**60, 2**60)])
def test_a_fence_comes_back_as_it_was_written(fence: Fence) -> None:
    assert decode_fence(encode_fence(fence)) == fence
    assert decode_fence(None) is None


async def test_only_measures_and_visits_that_changed_are_written() -> None:
    anna = Customer(
        policy_with(
            ('topic = "web"', 'topic = "web"\nsessions = "30m"'),
            text=f"""{POLICY}
[measures.visits]
kind = "sessions"
channel = "web"
[measures.posts]
kind = "count"
of = ["social.post"]
[measures.buys]
kind = "count"
of = ["web.buy"]
""",
        )
    )
    anna.do("view", "01 09:00")
    anna.do("post", "01 09:00")
    record = await stored(anna)
    anna.do("post", "01 10:00")
    fields = written(anna, record)
    assert fields["posts"] == "2"
    assert not {"visits", "buys"} & set(fields)
    assert not [name for name in fields if name.startswith("_w")]

    settle(record, "v")
    anna.do("view", "02 09:00")
    fields = written(anna, record)
    assert fields["visits"] == "2"
    assert "posts" not in fields
    assert [name.partition(".")[0] for name in fields if name.startswith("_w")] == ["_w19724"]
