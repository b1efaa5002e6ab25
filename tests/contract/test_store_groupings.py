"""Events by the value of a property: exact while there are few values, short by no more than is told with many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from scoring.events.profiles import event_reader
from scoring.instants import DAY
from scoring.judging.moment import Moment
from scoring.judging.walk import advance
from scoring.policy.policy import Policy
from scoring.rules.groupings import GroupingDay, join_days
from streams.errors import FenceMoved
from streams.store.protocol import Store
from streams.store.sums.gains import largest_name
from tests.contract.conftest import Stores
from tests.contract.records import CLICKS, WALL, group_write, move, write_all
from tests.unit.scoring.customers import POLICY, at, policy_with

_GROUPS = """
[kpi.groups.campaign]
property = "campaign"
of = ["social.post", "social.impression"]
largest = %d
"""
FIRST = at("01 00:00") // DAY


def grouped(largest: int) -> Policy:
    """Make a policy with a group."""
    return policy_with(text=POLICY + _GROUPS % largest)


async def let(
    store: Store, policy: Policy, customer: str, now: str, *done: tuple[str, object], event_id: str = ""
) -> None:
    """Let a customer do something about campaigns, and store it."""
    [record] = await store.load([customer])
    reader = event_reader(next(channel for channel in policy.channels if channel.name == "social"), policy)
    events = [
        reader.read(
            {
                "customer_id": customer,
                "type": kind,
                "timestamp": at(now) / 10**6,
                "event_id": event_id,
                "properties": {"campaign": campaign},
            },
            1 << 60,
        )[1]
        for kind, campaign in done
    ]
    advance(policy, record.state, events, Moment(at(now)))
    await write_all(store, {customer: record})


async def counted(store: Store, policy: Policy, day: int = FIRST) -> GroupingDay:
    """Read what is counted of the campaigns of a day."""
    [group] = policy.figures.groupings
    days = await store.kpi.grouping(largest_name(group, ""), day, day)
    return days.get(day, GroupingDay({}, {}))


def by_name(policy: Policy, counted: GroupingDay) -> dict[str, dict[str, int]]:
    """Give counts by value and the name of the type."""
    names = dict(policy.figures.groupings[0].types)
    return {value: {names[code]: count for code, count in some.items()} for value, some in counted.counts.items()}


async def test_events_are_counted_by_value_and_day(stores: Stores) -> None:
    policy = grouped(10)
    store = await stores.open(policy)
    await let(store, policy, "anna", "01 09:00", ("post", "spring"), ("impression", "spring"), ("post", "fall.2: é@"))
    await let(store, policy, "bob", "01 10:00", ("post", "spring"), ("post", ""), ("post", None), ("post", 7))
    await let(store, policy, "bob", "02 10:00", ("post", "spring"))

    found = await counted(store, policy)
    assert by_name(policy, found) == {
        "spring": {"social.post": 2, "social.impression": 1},
        "fall.2: é@": {"social.post": 1},
        "7": {"social.post": 1},
    }
    assert found.missing == 0
    assert sorted(found.totals.values()) == [1, 4]
    assert by_name(policy, await counted(store, policy, FIRST + 1)) == {"spring": {"social.post": 1}}


async def test_what_comes_again_or_is_refused_counts_once(stores: Stores) -> None:
    policy = grouped(10)
    store = await stores.open(policy)
    for _ in range(3):
        await let(store, policy, "anna", "01 09:00", ("post", "spring"), event_id="one")
    [record] = await store.load(["bob"])
    reader = event_reader(policy.channels[1], policy)
    event = reader.read(
        {"customer_id": "bob", "type": "post", "timestamp": at("01 09:00") / 10**6, "properties": {"campaign": "x"}},
        1 << 60,
    )[1]
    advance(policy, record.state, [event], Moment(at("01 09:00")))
    assert record.state.grouped is not None
    [refused] = await store.apply([group_write(store, "bob", record, move(CLICKS, 5, 6))], WALL)
    assert isinstance(refused, FenceMoved)
    assert by_name(policy, await counted(store, policy)) == {"spring": {"social.post": 1}}
    assert await store.apply([group_write(store, "bob", record, move(CLICKS, None, 6))], WALL) == [None]
    assert record.state.grouped is None
    assert by_name(policy, await counted(store, policy)) == {"spring": {"social.post": 1}, "x": {"social.post": 1}}


def campaigns() -> Iterable[str]:
    """Name campaigns: some often, and many once, in an order in which the rare ones push each other out."""
    for number in range(60):
        yield "large"
        if number % 2:
            yield "middle"
        yield f"small-{number}"


async def test_with_more_values_than_are_kept_no_count_is_short_by_more_than_is_told(stores: Stores) -> None:
    policy = grouped(4)
    store = await stores.open(policy)
    for campaign in campaigns():
        await let(store, policy, "anna", "01 09:00", ("post", campaign))

    found, right = await counted(store, policy), Counter(campaigns())
    names = by_name(policy, found)
    assert len(names) == 4
    assert 0 < found.missing <= right.total() / 4
    assert {"large", "middle"} <= names.keys()
    for value, count in right.items():
        told = names.get(value, {}).get("social.post", 0)
        assert told <= count <= told + found.missing, value
    assert list(found.totals.values()) == [right.total()]


async def test_days_that_are_too_old_are_forgotten(stores: Stores) -> None:
    policy = grouped(10)
    store = await stores.open(policy)
    await let(store, policy, "anna", "01 09:00", ("post", "spring"))
    await let(store, policy, "anna", "02 09:00", ("post", "spring"))
    [group] = policy.figures.groupings
    name = largest_name(group, "")
    await store.kpi.fold_grouping(name, FIRST + 1)
    assert set(await store.kpi.grouping(name, 0, 1 << 31)) == {FIRST + 1}
    await let(store, policy, "anna", "02 09:00", ("post", "spring"))
    assert by_name(policy, await counted(store, policy, FIRST + 1)) == {"spring": {"social.post": 2}}


async def test_a_long_value_is_cut_and_a_truth_value_is_a_word(stores: Stores) -> None:
    policy = grouped(10)
    store = await stores.open(policy)
    await let(store, policy, "anna", "01 09:00", ("post", "x" * 101), ("post", "x" * 200), ("post", True))
    await let(store, policy, "anna", "01 09:00", ("post", False), ("post", 1.5), ("post", ["spring"]))
    assert by_name(policy, await counted(store, policy)) == {
        "x" * 100: {"social.post": 2},
        "true": {"social.post": 1},
        "false": {"social.post": 1},
    }


async def test_an_event_counts_when_it_is_let_in_unless_its_pane_is_kept_no_more(stores: Stores) -> None:
    policy = grouped(10)
    store = await stores.open(policy)
    await let(store, policy, "anna", "09 09:00", ("post", "spring"))
    [record] = await store.load(["anna"])
    reader = event_reader(policy.channels[1], policy)
    for day in ("05", "06", "12"):
        value = {"customer_id": "anna", "type": "post", "timestamp": at(f"{day} 10:00") / 10**6}
        event = reader.read(value | {"properties": {"campaign": "other"}}, 1 << 60)[1]
        advance(policy, record.state, [event], Moment(at("09 10:00")))
    await write_all(store, {"anna": record})
    # Window and trend are four days: from the 6th on. What is ahead counts at once.
    days = {day: by_name(policy, await counted(store, policy, FIRST + day)) for day in (4, 5, 8, 11)}
    other = {"other": {"social.post": 1}}
    assert days == {4: {}, 5: other, 8: {"spring": {"social.post": 1}}, 11: other}


async def test_neither_a_retraction_nor_an_erasure_takes_anything_back(stores: Stores) -> None:
    text = POLICY.replace("impression = 0 }", 'impression = 0 }\nretracts = { impression = "post" }')
    policy = policy_with(text=text + _GROUPS % 10)
    store = await stores.open(policy)
    await let(store, policy, "anna", "01 09:00", ("post", "spring"))
    [record] = await store.load(["anna"])
    reader = event_reader(policy.channels[1], policy)
    for hour, kind in ((9, "post"), (10, "impression")):
        value = {"customer_id": "anna", "type": kind, "timestamp": at(f"01 {hour:02}:30") / 10**6}
        event = reader.read(value | {"properties": {"campaign": "spring", "object_id": "one"}}, 1 << 60)[1]
        advance(policy, record.state, [event], Moment(at("01 11:00")))
    await write_all(store, {"anna": record})
    # Of two posts the score has lost one.
    assert record.state.score == 2_000_000
    kept = {"spring": {"social.post": 2, "social.impression": 1}}
    assert by_name(policy, await counted(store, policy)) == kept
    await store.erase("anna", "digest", at("01 12:00"), 0)
    assert (await store.kpi.figures(), await store.read("anna")) == ({}, None)
    assert by_name(policy, await counted(store, policy)) == kept


def test_what_may_be_missing_adds_up_over_days_and_parts() -> None:
    one = GroupingDay({"spring": {"abcd": 3}}, {"abcd": 5}, 2)
    other = GroupingDay({"spring": {"abcd": 1}, "fall": {"abcd": 4}}, {"abcd": 9}, 4)
    assert join_days([one, other]) == GroupingDay({"spring": {"abcd": 4}, "fall": {"abcd": 4}}, {"abcd": 14}, 6)
