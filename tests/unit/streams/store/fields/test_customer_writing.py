"""How a customer is written: only what has changed, in values that Redis keeps compact."""

from __future__ import annotations

import pytest

from streams.errors import UnreadableCustomer
from streams.store.fields.bookkeeping import decode_fence, encode_fence
from streams.store.fields.customer_reading import decode
from streams.store.fields.customer_writing import encode, settle
from streams.store.memory.store import MemoryStore
from streams.store.protocol import CustomerRecord, Fence, GroupWrite
from tests.unit.scoring.customers import POLICY, Customer, policy_with
from tests.unit.scoring.rules.test_pairing import anna as paired_customer
from tests.unit.scoring.rules.test_pairing import events as paired_events

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


def test_only_the_objects_that_were_acted_on_are_written_and_those_forgotten_removed() -> None:
    anna = paired_customer(("feed.like", "01 09:00", "a"), ("feed.like", "02 09:00", "b"))
    record = CustomerRecord(anna.state)
    first = {name for name in written(anna, record) if name.startswith("_k")}
    settle(record, "v")
    assert len(first) == 2
    assert not [name for name in written(anna, record) if name.startswith("_k")]

    anna.judge("03 09:00", *paired_events(("feed.unlike", "03 08:00", "a")))
    words, removed = encode(anna.policy, record, "v")
    fields = dict(zip(words[::2], words[1::2], strict=True))
    [name] = [name for name in fields if name.startswith("_k")]
    assert (name in first, len(fields[name]), [name for name in removed if name.startswith("_k")]) == (True, 29, [])
    assert "_p19723" in removed
    settle(record, "v")

    anna.judge("06 09:00")
    words, removed = encode(anna.policy, record, "v")
    assert [name for name in removed if name.startswith("_k")] == sorted(first - {name})


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


async def whole() -> tuple[Customer, dict[str, str]]:
    """Give a customer with every kind of field, and the fields."""
    anna = Customer()
    anna.do("post", "01 09:00", 5, event_id="a")
    anna.state.ahead = [(anna.state.judged + 1, "code", None)]
    anna.state.held = {"kind": "churn_risk"}
    anna.state.previous_band = 0
    fields = written(anna, CustomerRecord(anna.state))
    assert {name[:2] for name in fields if name[0] == "_"} == {"_v", "_s", "_p", "_i", "_a", "_q", "_h"}
    return anna, fields


BROKEN = {
    "_s": ["", "nonsense", "1;;2", "x;;-1;0", "1.5;;-1;0"],
    "_p19723": ["", "abcd", "abcdx", "abcd1,", "abcd1.5"],
    "_pnonsense": ["abcd1"],
    "_a394": ("", "x", "1,A"),
    "_ax": ("1",),
    "_q": ["", "....", "abcd1,", "abcd1;", "abcd1;$abc", "abcd1;$abcx"],
    "_h": ["", "{", "7", "null"],
    "_kAbCdEf0123": ["", "AbCd0123456789,", "AbCd0123456789AbCd0123456789", "AbCd0123456789;$abc", "AbCd012345678="],
    "band": ["", "nonsense"],
    "band_since": ["", "nonsense", "2024-13-01T00:00:00Z"],
    "last_event_at": ["yesterday"],
    "disengages_at": ["never"],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in BROKEN.items() for value in values])
async def test_a_hash_broken_by_hand_is_an_error_that_names_key_field_and_way_out(name: str, value: str) -> None:
    anna, fields = await whole()
    decode(anna.policy, fields, "engagement:customer:anna")
    with pytest.raises(UnreadableCustomer) as found:
        decode(anna.policy, {**fields, name: value}, "engagement:customer:anna")

    assert (found.value.key, found.value.name) == ("engagement:customer:anna", name)
    assert f"engagement:customer:anna cannot be read, because of its field {name}: " in str(found.value)
    assert str(found.value).endswith("The way out is: engagement rebuild")


@pytest.mark.parametrize("name", ["_s", "band_since"])
async def test_a_field_that_is_missing_is_named(name: str) -> None:
    anna, fields = await whole()
    del fields[name]
    with pytest.raises(UnreadableCustomer) as found:
        decode(anna.policy, fields)

    assert found.value.name == name


async def test_of_several_broken_fields_one_is_named() -> None:
    anna, fields = await whole()
    with pytest.raises(UnreadableCustomer) as found:
        decode(anna.policy, {**fields, "_s": "x", "_q": "x", "_p1": "x"})

    assert found.value.name in ("_s", "_q", "_p1")


@pytest.mark.parametrize(
    ("name", "value"),
    [("_w19723.ab", words) for words in ("", "1,", "1.", "1.2", "1.2.", "+", "1.2.3.4", ".1.1")]
    + [("_wnonsense.ab", "1"), ("_w19723", "1")],
)
async def test_visits_broken_by_hand_are_named(name: str, value: str) -> None:
    policy = policy_with(('topic = "web"', 'topic = "web"\nsessions = "30m"'))
    anna = Customer(policy)
    anna.do("view", "01 09:00")
    fields = written(anna, CustomerRecord(anna.state))
    assert [field for field in fields if field.startswith("_w")]
    assert decode(policy, {**fields, "_w19723.ab": "1.2.3"}).state.visits["ab"]
    with pytest.raises(UnreadableCustomer) as found:
        decode(policy, {**fields, name: value})
    assert found.value.name == name
