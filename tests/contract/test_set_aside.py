"""A customer whose key holds what no worker writes is set aside and named; all others go on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from scoring.events.event import EventReader
from scoring.events.links import Link
from scoring.judging.moment import Moment
from streams.metrics import Metrics
from streams.policy_file.document import parse_policy
from streams.records import DeadLetter, Partition, SentLink
from streams.rounds.linker import Linker
from streams.rounds.scorer import Scorer
from streams.rounds.work import Work
from streams.store.protocol import Store
from tests.contract.conftest import Stores
from tests.contract.records import CLICKS, move
from tests.unit.scoring.customers import at
from tests.unit.streams.bench import RecordingPublisher

POLICY = parse_policy(
    """
version = "objects"
[window]
length = "3d"
pane = "1d"
trend = "1d"
[bands]
engaged = 5
highly_engaged = 50
power = 90
[identities]
[channels.web]
weights = { like = 2, unlike = 0, view = 1 }
retracts = { unlike = "like" }
"""
)
EVENTS = EventReader(POLICY.channels[0])
NOW = at("01 12:00")


class Worker:
    """A scorer and a linker on a store, with nothing remembered."""

    def __init__(self, store: Store) -> None:
        """Wire the parts."""
        publisher: Any = RecordingPublisher([])
        self.store = store
        self.metrics = Metrics()
        self.scorer = Scorer(POLICY, store, publisher, self.metrics, lambda: NOW)
        self.linker = Linker(POLICY, store, self.scorer, self.metrics, lambda: NOW)

    async def apply(self, *customers: str, kind: str = "like", hour: int = 9, fences: Sequence[Any] = ()) -> None:
        """Apply an event of each customer."""
        groups: dict[int, dict[str, list[Any]]] = {}
        for customer in customers:
            value = {
                "customer_id": customer,
                "type": kind,
                "timestamp": f"2024-01-01T{hour:02}:00:00Z",
                "event_id": f"{customer}{kind}{hour}",
                "properties": {"object_id": "post"},
            }
            events = groups.setdefault(self.store.group_of(customer), {})
            events[customer] = [EVENTS.read(value, NOW)[1]]
        moves = dict.fromkeys(groups, fences)
        await self.scorer.apply(Work(groups, moves, Moment(NOW)))

    async def evaluate(self, customer: str, now: int) -> None:
        """Judge a customer because of time alone."""
        group = self.store.group_of(customer)
        await self.scorer.evaluate(group, [customer], Moment(now))

    async def link(self, name: str, customer: str) -> list[DeadLetter]:
        """Apply a link."""
        sent = SentLink(SimpleNamespace(offset=0), Link(name, customer), Partition("identities", 0))
        return await self.linker.apply([sent], Moment(NOW))

    async def score(self, customer: str) -> str:
        """Read a score; '' for none."""
        record = await self.store.read(customer)
        return record.fields["score"] if record else ""

    def count(self, metric: str, **labels: str) -> float:
        """Give the value of a metric."""
        return self.metrics.registry.get_sample_value(metric, labels) or 0.0


@pytest.fixture
async def store(stores: Stores) -> Store:
    """Open a store by the policy of these tests."""
    return await stores.open(POLICY)


async def due_by(store: Store, until: int) -> list[str]:
    """List who is due in any group."""
    asked = [(group, crossing) for group in range(store.groups) for crossing in (True, False)]
    return [
        name
        for group, crossing in asked
        for name in await store.due(group, crossing=crossing, until=until, limit=9, worker="w")
    ]


async def plant(stores: Stores) -> None:
    """Put a string in the place of the hash."""
    await stores.plant("anna")


def spoil(field: str, value: str = "nonsense") -> Callable[[Stores], Any]:
    """Change a field; of one that ends with an asterisk, the first that begins so."""

    async def spoil_field(stores: Stores) -> None:
        names = [name.decode() for name in await stores.hash_of("anna")]
        name = next(each for each in names if each.startswith(field[:-1])) if field.endswith("*") else field
        await stores.spoil("anna", name, value)

    return spoil_field


async def without_version(stores: Stores) -> None:
    """Remove the version."""
    await stores.spoil("anna", "_v", None)


BROKEN = {
    "a string": plant,
    "no version": without_version,
    "judged": spoil("_s"),
    "judged in the year 40000": spoil("_s", "1200000000000000000;;-1;0"),
    "counts": spoil("_p*"),
    "a pane of the year 40000": spoil("_p20000000", "abcd4"),
    "objects": spoil("_k*", "!!!!,!!!"),
    "the band": spoil("band"),
    "since when": spoil("band_since"),
}
#: What is read when it is needed.
READ_LATE = {"ids": spoil("_inonsense.0"), "what counted": spoil("_mnonsense.0")}
broken = pytest.mark.parametrize("spoiling", BROKEN.values(), ids=BROKEN)


@broken
async def test_others_go_on_and_the_customer_is_named_once(
    store: Store, stores: Stores, spoiling: Callable[[Stores], Any], caplog: pytest.LogCaptureFixture
) -> None:
    await Worker(store).apply("anna", "ben")
    await spoiling(stores)
    before = await stores.hash_of("anna") if spoiling is not plant else None

    worker = Worker(store)
    with caplog.at_level(logging.INFO):
        await worker.apply("anna", "ben", kind="unlike", hour=10, fences=[move(CLICKS, None, 9)])
        await worker.apply("anna", "ben", hour=11, fences=[move(CLICKS, 9, 12)])

    told = [each.getMessage() for each in caplog.records if "set aside" in each.getMessage()]
    assert len(told) == 1
    assert "'anna' is set aside" in told[0]
    assert await worker.score("ben") == "2"
    assert worker.count("engagement_customers_set_aside") == 1
    assert worker.count("engagement_scored_events_total", outcome="set_aside") == 2
    fences = (await store.fences([CLICKS]))[CLICKS]
    assert fences[store.group_of("anna")] == fences[store.group_of("ben")]
    assert before is None or await stores.hash_of("anna") == before


@pytest.mark.parametrize("spoiling", [plant, spoil("_s")], ids=["a string", "a field"])
async def test_one_who_becomes_unreadable_while_a_worker_keeps_her_is_set_aside_too(
    store: Store, stores: Stores, spoiling: Callable[[Stores], Any]
) -> None:
    if stores.in_memory:
        pytest.skip("there is nobody else who could write")
    worker = Worker(store)
    await worker.apply("anna", "ben")
    await spoiling(stores)
    if spoiling is not plant:
        await stores.spoil("anna", "_v", "another")
    await worker.apply("anna", "ben", hour=10)

    assert await worker.score("ben") == "4"
    assert worker.count("engagement_scored_events_total", outcome="set_aside") == 1


async def test_one_who_can_be_read_again_is_counted_again(
    store: Store, stores: Stores, caplog: pytest.LogCaptureFixture
) -> None:
    await stores.plant("anna")
    worker = Worker(store)
    await worker.apply("anna", "ben")
    await stores.delete("anna")
    with caplog.at_level(logging.INFO):
        await worker.apply("anna", hour=10)

    assert await worker.score("anna") == "2"
    assert worker.count("engagement_customers_set_aside") == 0
    assert "customer 'anna' can be read again" in caplog.text


@pytest.mark.parametrize("spoiling", [plant, spoil("_s")], ids=["a string", "a field"])
async def test_the_timer_lets_go_of_the_customer(
    store: Store, stores: Stores, spoiling: Callable[[Stores], Any]
) -> None:
    await Worker(store).apply("anna", "ben")
    await spoiling(stores)
    worker, later = Worker(store), at("09 00:00")
    await worker.evaluate("anna", later)
    await worker.evaluate("ben", later)

    assert await worker.score("ben") == "0"
    assert await due_by(store, later) == []


@pytest.mark.parametrize("spoiling", READ_LATE.values(), ids=READ_LATE)
async def test_what_is_read_late_sets_the_customer_aside_when_it_is_read(
    store: Store, stores: Stores, spoiling: Callable[[Stores], Any]
) -> None:
    await Worker(store).apply("anna", "ben")
    await spoiling(stores)
    worker, later = Worker(store), at("09 00:00")
    await worker.evaluate("anna", later)
    await worker.evaluate("ben", later)

    assert (await worker.score("anna"), await worker.score("ben")) == ("2", "0")
    assert worker.count("engagement_customers_set_aside") == 1
    assert await due_by(store, later) == []


@broken
async def test_a_link_of_the_customer_is_passed_over(
    store: Store, stores: Stores, spoiling: Callable[[Stores], Any]
) -> None:
    await Worker(store).apply("anna", "cookie")
    await spoiling(stores)
    worker = Worker(store)

    assert await worker.link("cookie", "anna") == await worker.link("anna", "ben") == []
    assert worker.count("engagement_links_total", outcome="set_aside") == 2
    assert await worker.score("cookie") == "2"


@broken
async def test_the_customer_can_be_erased(store: Store, stores: Stores, spoiling: Callable[[Stores], Any]) -> None:
    await Worker(store).apply("anna", "ben")
    await spoiling(stores)

    assert await store.erase("anna", "digest", NOW, 3) is not None
    [record] = await store.load(["anna"])
    assert (record.version, record.unreadable) == ("", "")
    assert await stores.band("disengaged") == {"ben": at("01 09:00") // 1_000_000}


async def test_a_fault_that_is_none_of_the_customer_is_not_taken_for_one(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = Worker(store)
    await worker.apply("anna")

    def fails(*_: object) -> None:
        raise ValueError("a bug")

    monkeypatch.setattr("streams.rounds.judging.advance", fails)
    with pytest.raises(ValueError, match="a bug"):
        await worker.apply("anna", hour=10)
