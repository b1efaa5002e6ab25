"""The scorer: stored, then published, then taken out of the outbox; and what it keeps in memory."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from scoring.customer.objects import MOST_OBJECTS
from scoring.events.event import Event, EventReader
from scoring.judging.moment import Moment
from streams.errors import BrokerUnavailable, FenceMoved, StoreUnavailable, VersionMoved
from streams.rounds.work import Work
from streams.store.memory.store import MemoryStore
from streams.store.protocol import CustomerRecord, Fence, FenceMove, GroupWrite
from streams.topic_names import ALERTS, BAND_CHANGES
from tests.unit.scoring.customers import POLICY, at
from tests.unit.streams.bench import WEB, Bench, did

NOW = at("01 12:00")


@pytest.fixture
def bench() -> Bench:
    """Give a scorer and its neighbours."""
    return Bench()


def events_of(bench: Bench, kind: str, time: str, count: int = 1) -> list[Event]:
    """Read some events."""
    reader = EventReader(bench.policy.channels[0])
    return [reader.read(did("anna", kind, time), at("09 00:00"))[1]] * count


def work(bench: Bench, now: int = NOW, /, **events: list[Event]) -> Work:
    """Make work of customers and their events, without fences."""
    groups: dict[int, dict[str, list[Event]]] = {}
    for customer, some in events.items():
        groups.setdefault(bench.store.group_of(customer), {})[customer] = some
    return Work(groups, {}, Moment(now))


async def test_what_is_raised_goes_to_its_topic_with_the_customer_as_key(bench: Bench) -> None:
    await bench.scorer.apply(work(bench, anna=events_of(bench, "buy", "01 09:00", 3)))
    await bench.scorer.apply(work(bench, anna=events_of(bench, "quit", "01 10:00")))

    told = [(customer, message.topic, message.body["band"]) for customer, message in bench.publisher.messages]
    assert told == [
        ("anna", BAND_CHANGES, "engaged"),
        ("anna", BAND_CHANGES, "at_risk"),
        ("anna", ALERTS, "at_risk"),
    ]
    assert bench.publisher.messages[0][1].body["detected_at"] == "2024-01-20T00:00:00Z"
    assert {kind: bench.count("engagement_transitions_total", kind=kind) for kind in ("band_change", "churn_risk")} == {
        "band_change": 2,
        "churn_risk": 1,
    }


async def test_what_is_forgotten_of_objects_for_want_of_room_is_counted(bench: Bench) -> None:
    paired = Bench(text=POLICY.replace("[channels.social]", 'retracts = { quit = "buy" }\n[channels.social]'))
    reader = EventReader(paired.policy.channels[0])
    bought = [
        reader.read({**did("anna", "buy", "01 09:00"), "properties": {"object_id": number}}, NOW)[1]
        for number in range(MOST_OBJECTS + 1)
    ]
    await paired.scorer.apply(work(paired, anna=bought))

    assert paired.count("engagement_scored_events_total", outcome="taken") == MOST_OBJECTS + 1
    assert paired.count("engagement_scored_events_total", outcome="crowded") > 0
    await bench.scorer.apply(work(bench, anna=bought))
    assert bench.count("engagement_scored_events_total", outcome="crowded") == 0


async def test_messages_leave_the_outbox_once_they_are_out(bench: Bench) -> None:
    await bench.scorer.apply(work(bench, anna=events_of(bench, "buy", "01 09:00", 3)))

    assert bench.journal == ["store", "publish", "published"]
    assert await bench.waiting("anna") == []


async def test_a_message_that_could_not_be_published_waits_and_goes_first_the_next_time(bench: Bench) -> None:
    bench.publisher.faults = [BrokerUnavailable("gone")]
    with pytest.raises(BrokerUnavailable):
        await bench.scorer.apply(work(bench, anna=events_of(bench, "buy", "01 09:00", 3)))
    assert len(await bench.waiting("anna")) == 1
    bench.journal.clear()

    await bench.scorer.apply(work(bench, ben=events_of(bench, "buy", "01 09:00")))
    assert bench.journal == ["publish", "published", "store"]
    assert len(bench.publisher.messages) == 1
    assert await bench.waiting("anna") == []


async def test_what_another_worker_left_behind_is_published_and_taken_out(bench: Bench) -> None:
    bench.publisher.faults = [BrokerUnavailable("gone")]
    with pytest.raises(BrokerUnavailable):
        await bench.scorer.apply(work(bench, anna=events_of(bench, "buy", "01 09:00", 3)))
    other = Bench(store=bench.store)
    await other.scorer.republish(bench.store.group_of("anna"), await bench.waiting("anna"))

    assert other.publisher.kinds() == ["band_change"]
    assert await bench.waiting("anna") == []


async def test_a_message_that_cannot_be_published_for_long_is_published_once(bench: Bench) -> None:
    group = bench.store.group_of("anna")
    bench.publisher.faults = [BrokerUnavailable("gone")] * 4
    with pytest.raises(BrokerUnavailable):
        await bench.scorer.apply(work(bench, anna=events_of(bench, "buy", "01 09:00", 3)))
    for _ in range(3):
        with pytest.raises(BrokerUnavailable):
            await bench.scorer.republish(group, await bench.waiting("anna"))
    await bench.scorer.republish(group, await bench.waiting("anna"))

    assert bench.publisher.kinds() == ["band_change"]


async def test_a_customer_is_read_once_and_then_kept(bench: Bench) -> None:
    for minute in range(3):
        await bench.scorer.apply(work(bench, anna=events_of(bench, "view", f"01 09:0{minute}")))

    assert (bench.store.loads, await bench.field("anna", "score")) == (1, "3")
    bench.scorer.forget()
    await bench.scorer.apply(work(bench, anna=events_of(bench, "buy", "01 09:05")))
    assert (bench.store.loads, await bench.field("anna", "score")) == (2, "7.5")


async def test_events_that_were_not_stored_are_not_counted_when_they_come_again(bench: Bench) -> None:
    buys = work(bench, anna=events_of(bench, "buy", "01 09:00", 3), ben=events_of(bench, "buy", "01 09:00"))
    bench.store.faults = [StoreUnavailable("gone")]
    with pytest.raises(StoreUnavailable):
        await bench.scorer.apply(buys)
    await bench.scorer.apply(buys)

    assert (await bench.field("anna", "score"), await bench.field("ben", "score")) == ("13.5", "4.5")
    assert bench.publisher.kinds() == ["band_change"]


async def test_a_refused_fence_is_told_after_the_other_groups_are_done(bench: Bench) -> None:
    buys = work(bench, anna=events_of(bench, "buy", "01 09:00", 3), ben=events_of(bench, "buy", "01 09:00", 3))
    groups = dict(buys.events)
    refused = bench.store.group_of("anna")
    assert refused != bench.store.group_of("ben")
    with pytest.raises(FenceMoved):
        await bench.scorer.apply(Work(groups, {refused: [FenceMove(WEB, 3, Fence(9, 0))]}, Moment(NOW)))

    assert (await bench.field("anna", "score"), await bench.field("ben", "score")) == ("", "13.5")
    assert [customer for customer, _ in bench.publisher.messages] == ["ben"]
    await bench.scorer.apply(buys)
    assert (await bench.field("anna", "score"), await bench.field("ben", "score")) == ("13.5", "27")


async def test_a_customer_who_keeps_being_written_is_judged_anew_until_it_works(bench: Bench) -> None:
    await bench.scorer.apply(work(bench, anna=events_of(bench, "buy", "01 09:00", 3)))

    async def meanwhile() -> None:
        [record] = await bench.store.load(["anna"])
        write = GroupWrite(bench.store.group_of("anna"), customers={"anna": record})
        assert await MemoryStore.apply(bench.store, [write], 0) == [None]

    bench.store.before_apply = [meanwhile, meanwhile, meanwhile]
    await bench.scorer.apply(work(bench, anna=events_of(bench, "complain", "01 10:00")))

    assert await bench.field("anna", "score") == "9.5"
    assert bench.publisher.kinds() == ["band_change", "band_change", "churn_risk"]
    assert bench.count("engagement_refused_writes_total", what="version") == 3


async def test_only_the_customers_who_were_refused_are_read_again(bench: Bench) -> None:
    group = bench.store.group_of("anna")
    others = [name for name in (f"customer-{number}" for number in range(200)) if bench.store.group_of(name) == group]
    everybody = {name: events_of(bench, "buy", "01 09:00") for name in ("anna", *others)}
    await bench.scorer.apply(work(bench, **everybody))
    loads = bench.store.loads

    async def meanwhile() -> None:
        [record] = await MemoryStore.load(bench.store, ["anna"])
        assert await MemoryStore.apply(bench.store, [GroupWrite(group, customers={"anna": record})], 0) == [None]

    bench.store.before_apply = [meanwhile]
    await bench.scorer.apply(work(bench, **everybody))

    assert bench.store.loads == loads + 1
    assert {await bench.field(name, "score") for name in everybody} == {"9"}


async def test_customers_are_judged_because_of_time_alone(bench: Bench) -> None:
    await bench.scorer.apply(work(bench, anna=events_of(bench, "buy", "01 09:00", 3)))
    await bench.scorer.evaluate(bench.store.group_of("anna"), ["anna"], Moment(at("04 00:00")))
    assert (await bench.field("anna", "score"), bench.publisher.kinds()[-1]) == ("0", "churn_risk")


async def test_a_customer_who_was_deleted_is_taken_off_the_schedule_and_not_made_again(bench: Bench) -> None:
    await bench.scorer.apply(work(bench, anna=events_of(bench, "buy", "01 09:00", 3)))
    group = bench.store.group_of("anna")
    del bench.store.hashes["anna"]
    bench.scorer.forget()
    await bench.scorer.evaluate(group, ["anna"], Moment(NOW))

    assert bench.store.hashes == {}
    assert await bench.store.due(group, crossing=False, until=at("30 00:00"), limit=9, worker="w") == []


async def test_a_customer_who_was_deleted_while_a_worker_kept_it_is_taken_off_the_schedule_too(bench: Bench) -> None:
    await bench.scorer.apply(work(bench, anna=events_of(bench, "buy", "01 09:00", 3)))
    group = bench.store.group_of("anna")
    del bench.store.hashes["anna"]
    for _ in range(2):
        await bench.scorer.evaluate(group, ["anna"], Moment(NOW))

    assert bench.store.hashes == {}
    assert await bench.store.due(group, crossing=False, until=at("30 00:00"), limit=9, worker="w") == []


async def test_outcomes_are_counted(bench: Bench) -> None:
    [bought] = events_of(bench, "buy", "01 09:00")
    repeated = Event(bought.time, bought.code, "0123456789")
    ahead = events_of(bench, "view", "01 13:00")[0]
    await bench.scorer.apply(work(bench, anna=[repeated, repeated, ahead]))
    await bench.scorer.apply(work(bench, anna=events_of(bench, "view", "01 10:00")))

    outcomes = ("taken", "duplicates", "ahead", "late", "outdated")
    assert [bench.count("engagement_scored_events_total", outcome=outcome) for outcome in outcomes] == [2, 1, 1, 1, 0]
    assert bench.count("engagement_cached_customers") == 1


async def test_no_more_customers_are_kept_than_there_is_room_for(bench: Bench) -> None:
    small = Bench(store=bench.store)
    small.scorer._cache._most = 2
    names = {name: events_of(bench, "buy", "01 09:00") for name in ("a", "b", "c", "d")}
    await small.scorer.apply(work(bench, **names))

    assert len(small.scorer._cache) == 2
    await small.scorer.apply(work(bench, **names))
    assert await small.field("a", "score") == "9"


@pytest.mark.parametrize(
    ("limit", "loaded_before"),
    [
        # A round of many customers is done in parts: the next are loaded when those before are stored.
        ("_MOST_AT_ONCE", [1, 2, 3]),
        # Within a part, a group is stored while the next is loaded.
        ("_LOADED_TOGETHER", [2, 3, 3]),
    ],
)
async def test_customers_are_loaded_in_portions(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, limit: str, loaded_before: list[int]
) -> None:
    monkeypatch.setattr(f"streams.rounds.work.{limit}", 1)
    monkeypatch.setattr("streams.rounds.scorer._STORED_TOGETHER", 1)
    loaded = []

    async def note() -> None:
        loaded.append(bench.store.loads)

    bench.store.before_apply = [note] * 3
    names = ("a", "b", "c")
    assert len({bench.store.group_of(name) for name in names}) == 3
    await bench.scorer.apply(work(bench, **{name: events_of(bench, "buy", "01 09:00") for name in names}))

    assert loaded == loaded_before
    assert [await bench.field(name, "score") for name in names] == ["4.5"] * 3


async def test_groups_with_few_newcomers_are_loaded_in_one_call(bench: Bench) -> None:
    calls = []

    async def load(customers: Sequence[str]) -> list[CustomerRecord]:
        calls.append(list(customers))
        return await MemoryStore.load(bench.store, customers)

    bench.store.load = load  # type: ignore[method-assign]
    await bench.scorer.apply(work(bench, **{name: events_of(bench, "buy", "01 09:00") for name in ("a", "b", "c")}))
    await bench.scorer.apply(work(bench, **{name: events_of(bench, "buy", "01 09:01") for name in ("a", "b", "d")}))

    assert [sorted(some) for some in calls] == [["a", "b", "c"], ["d"]]


@pytest.mark.parametrize(("stored_together", "before"), [(1, ["4.5", ""]), (100, ["", ""])])
async def test_what_cannot_be_loaded_leaves_the_groups_before_whole_and_is_done_the_next_time(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, stored_together: int, before: list[str]
) -> None:
    monkeypatch.setattr("streams.rounds.work._LOADED_TOGETHER", 1)
    monkeypatch.setattr("streams.rounds.scorer._STORED_TOGETHER", stored_together)
    faults = [None, StoreUnavailable("gone")]

    async def load(customers: Sequence[str]) -> list[CustomerRecord]:
        fault = faults.pop(0)
        if fault:
            raise fault
        return await MemoryStore.load(bench.store, customers)

    bench.store.load = load  # type: ignore[method-assign]
    with pytest.raises(StoreUnavailable):
        await bench.scorer.apply(work(bench, **{name: events_of(bench, "buy", "01 09:00") for name in ("a", "b")}))

    assert [await bench.field(name, "score") for name in ("a", "b")] == before
    faults += [None, None]
    left = [name for name, score in zip(("a", "b"), before, strict=True) if not score]
    await bench.scorer.apply(work(bench, **{name: events_of(bench, "buy", "01 09:00") for name in left}))
    assert [await bench.field(name, "score") for name in ("a", "b")] == ["4.5", "4.5"]


async def test_small_groups_are_written_in_one_exchange_and_large_ones_while_others_are_judged(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[list[str]] = []
    apply = bench.store.apply

    async def note(writes: Sequence[GroupWrite], now: int) -> list[FenceMoved | VersionMoved | None]:
        written.append(sorted(customer for write in writes for customer in write.customers))
        return await apply(writes, now)

    monkeypatch.setattr(bench.store, "apply", note)
    monkeypatch.setattr("streams.rounds.scorer._STORED_TOGETHER", 2)
    names = ("a", "b", "c")
    assert len({bench.store.group_of(name) for name in names}) == 3
    await bench.scorer.apply(work(bench, **{name: events_of(bench, "buy", "01 09:00") for name in names}))
    assert written == [["a", "b"], ["c"]]


async def test_of_groups_that_are_written_together_only_the_refused_one_is_judged_anew(bench: Bench) -> None:
    other = Bench(store=bench.store)
    everybody = {name: events_of(bench, "buy", "01 09:00") for name in ("a", "b", "c")}
    await bench.scorer.apply(work(bench, **everybody))
    await other.scorer.apply(work(bench, b=events_of(bench, "buy", "01 09:00")))
    loads = bench.store.loads
    await bench.scorer.apply(work(bench, **everybody))

    assert [await bench.field(name, "score") for name in ("a", "b", "c")] == ["9", "13.5", "9"]
    assert bench.store.loads == loads + 1
    assert bench.count("engagement_scored_events_total", outcome="taken") == 6
    assert bench.journal.count("refused") == 1
