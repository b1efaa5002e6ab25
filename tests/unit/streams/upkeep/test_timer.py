"""The timer: drops by silence, refreshes, marks, and what a failed worker left behind."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest

from scoring.feeds.watermark import Mark
from scoring.instants import SECOND
from streams.app import build_app
from streams.errors import BrokerUnavailable, StoreUnavailable, UnsafeStore
from streams.policy_file.document import builtin_policy
from streams.records import Partition
from streams.settings.settings import read_settings
from streams.store.memory.store import MemoryStore
from streams.store.protocol import Fence
from tests.unit.scoring.customers import POLICY, at
from tests.unit.streams.bench import SOCIAL, WEB, Bench, did

READ = {WEB: True}


async def engaged(clock: str = "stream", text: str = POLICY) -> Bench:
    """Give a worker that has applied one engaged customer."""
    bench = Bench(clock=clock, text=text)
    await bench.assign(WEB)
    bench.now = at("01 09:00")
    await bench.apply(bench.submission(0, *[did("anna", "buy", "01 09:00")] * 3))
    return bench


async def turn(bench: Bench, *, read: bool = True, end: int = 0) -> None:
    """Let the timer do one turn; the log is read up to `end`, and that may have to be applied first."""
    await bench.timer.turn(lambda: {WEB: read and bench.pipeline.positions.has_applied(WEB, end)}, 1, {WEB})


async def test_a_drop_by_silence_is_raised_by_the_wall_clock_at_the_boundary() -> None:
    bench = await engaged("wall")
    bench.now = at("03 23:59")
    await turn(bench)
    assert bench.publisher.kinds() == ["band_change"]

    bench.now = at("04 00:00") + SECOND
    await turn(bench)
    assert bench.publisher.kinds() == ["band_change", "band_change", "churn_risk"]
    assert bench.publisher.messages[-1][1].body["occurred_at"] == "2024-01-04T00:00:00Z"
    assert (await bench.field("anna", "score"), bench.timer.fault) == ("0", "")


WARNING = POLICY.replace('cooldown = "12h"', 'cooldown = "12h"\nwarn_before = "36h"')


async def test_a_coming_drop_is_warned_of_when_it_is_due_and_once_whatever_fails() -> None:
    bench = await engaged("wall", WARNING)
    for now in ("02 11:59", "02 12:00"):
        bench.now = at(now) + SECOND
        bench.publisher.faults = [BrokerUnavailable("gone")] if now == "02 12:00" else []
        await turn(bench)
        assert bench.publisher.kinds() == ["band_change"]
    assert bench.timer.fault == "gone"

    other = Bench(clock="wall", text=WARNING, store=bench.store)
    await other.assign(WEB)
    other.now = bench.now + 10 * SECOND
    for _ in range(2):
        await turn(other)
    assert other.publisher.kinds() == ["disengaging_soon"]
    body = other.publisher.messages[0][1].body
    assert (body["occurred_at"], body["disengages_at"]) == ("2024-01-02T12:00:00Z", "2024-01-04T00:00:00Z")
    assert body["detected_at"] == "2024-01-02T12:00:01Z"


async def test_silence_is_not_judged_while_the_log_has_not_been_read() -> None:
    bench = await engaged("wall")
    bench.now = at("04 00:01")
    await turn(bench, read=False)
    assert bench.publisher.kinds() == ["band_change"]
    assert bench.clock.evaluation()[0] == at("01 09:00")

    await turn(bench)
    assert bench.publisher.kinds()[-1] == "churn_risk"


async def test_silence_is_not_judged_while_a_batch_waits() -> None:
    bench = await engaged("wall")
    bench.now = at("04 00:01")
    await turn(bench, end=4)

    assert bench.publisher.kinds() == ["band_change"]


async def test_what_is_applied_while_the_timer_waits_for_its_turn_counts_as_applied() -> None:
    bench = await engaged("wall")
    bench.now = at("04 00:01")
    await bench.pipeline.lock.acquire()
    waiting = asyncio.create_task(turn(bench, end=4))
    await asyncio.sleep(0)
    bench.pipeline.lock.release()
    await bench.apply(bench.submission(3, did("anna", "buy", "03 09:00")))
    await waiting

    assert bench.publisher.kinds() == ["band_change", "band_change", "churn_risk"]


async def test_silence_is_not_judged_before_every_partition_is_known() -> None:
    bench = await engaged("wall")
    bench.now = at("04 00:01")
    await bench.timer.turn(lambda: READ, 1, {WEB, SOCIAL})

    assert bench.publisher.kinds() == ["band_change"]


async def test_a_drop_is_raised_by_the_stream_clock_when_the_watermark_passes_the_boundary() -> None:
    bench = await engaged()
    bench.now = at("09 00:00")
    await bench.apply(bench.submission(3, did("ben", "view", "04 00:00")))
    await turn(bench)

    assert bench.publisher.kinds() == ["band_change", "band_change", "churn_risk"]
    assert bench.count("engagement_evaluations_total", kind="refresh") == 1


async def test_the_trend_is_refreshed_when_it_changes() -> None:
    bench = await engaged("wall")
    assert await bench.field("anna", "trend") == "13.5"
    bench.now = at("02 00:00") + SECOND
    await turn(bench)

    assert (await bench.field("anna", "trend"), bench.publisher.kinds()) == ("0", ["band_change"])
    assert bench.count("engagement_evaluations_total", kind="refresh") == 1
    bench.now = at("04 00:00") + SECOND
    await turn(bench)
    assert bench.count("engagement_evaluations_total", kind="crossing") == 1


async def test_marks_are_reported_with_what_is_done() -> None:
    bench = await engaged("wall")
    await turn(bench)
    [mark] = (await bench.store.exchange_marks({})).values()

    assert (mark.caught_up, mark.applied_to, mark.reported_at) == (True, bench.now, bench.now)
    assert (mark.generation, mark.offset) == (1, 3)
    assert bench.clock.lags() == {WEB: 0}


async def test_what_a_failed_worker_left_behind_is_published_after_a_while() -> None:
    failed = Bench()
    failed.now = at("01 09:00")
    await failed.assign(WEB)
    await failed.pipeline._apply([failed.submission(0, *[did("anna", "buy", "01 09:00")] * 3)])
    # It dies before what it has stored is out.
    assert failed.publisher.messages == []
    bench = Bench(store=failed.store)
    bench.now = failed.now + 4 * SECOND
    await turn(bench)
    assert bench.publisher.messages == []

    bench.now += 2 * SECOND
    await turn(bench)
    assert bench.publisher.kinds() == ["band_change"]


async def test_kafka_is_asked_for_a_sign_of_life_now_and_then() -> None:
    bench = await engaged()
    for _ in range(11):
        await turn(bench)
        bench.now += SECOND

    assert bench.publisher.checks == 3


async def test_a_fault_ends_the_turn_is_told_and_goes_when_the_next_turn_works() -> None:
    bench = await engaged("wall")
    bench.now = at("04 00:01")
    bench.store.faults = [StoreUnavailable("Redis is gone")]
    await turn(bench)
    assert (bench.timer.fault, bench.publisher.kinds()) == ("Redis is gone", ["band_change"])

    await turn(bench)
    assert (bench.timer.fault, bench.publisher.kinds()[-1]) == ("", "churn_risk")


async def test_an_evaluation_is_refused_if_what_it_rests_on_was_lost_a_moment_ago() -> None:
    bench = await engaged("wall")
    bench.now = at("04 00:01")

    async def lost() -> None:
        bench.store._fences[bench.store.group_of("anna"), WEB] = Fence(1, 0)

    bench.store.before_apply = [lost]
    await turn(bench)

    assert "web/0" in bench.timer.fault
    assert bench.publisher.kinds() == ["band_change"]
    assert await bench.field("anna", "score") == "13.5"


async def test_an_error_that_will_not_pass_is_not_held() -> None:
    bench = await engaged("wall")
    bench.now = at("04 00:01")
    bench.store.faults = [ValueError("a bug")]
    with pytest.raises(ValueError, match="a bug"):
        await turn(bench)


async def test_of_two_workers_one_takes_what_is_due() -> None:
    bench = await engaged("wall")
    rival = Bench(clock="wall", store=bench.store)
    await rival.assign(WEB)
    bench.now = rival.now = at("04 00:01")
    await turn(bench)
    await turn(rival)

    assert (bench.publisher.kinds()[-1], rival.publisher.messages) == ("churn_risk", [])


async def test_more_customers_than_one_go_takes_are_all_judged() -> None:
    bench = Bench(clock="wall")
    await bench.assign(WEB)
    bench.now = at("01 09:00")
    names = [str(number) for number in range(3000)]
    await bench.apply(bench.submission(0, *[did(name, "buy", "01 09:00") for name in names for _ in range(3)]))
    bench.now = at("04 00:01")
    await turn(bench)

    assert bench.publisher.kinds().count("churn_risk") == 3000


async def test_a_store_that_is_unsafe_by_now_ends_the_turn_for_good(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = await engaged("wall")

    async def check() -> None:
        raise UnsafeStore("it evicts")

    monkeypatch.setattr(bench.store, "check", check)
    with pytest.raises(UnsafeStore, match="it evicts"):
        await turn(bench)


async def test_marks_are_exchanged_again_while_evaluations_wait_for_long_rounds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = await engaged("wall")
    reported = 0
    exchange, due = bench.store.exchange_marks, bench.store.due

    async def count(marks: Mapping[Partition, Mark]) -> dict[Partition, Mark]:
        nonlocal reported
        reported += 1
        return await exchange(marks)

    async def take_long(*args: Any, **options: Any) -> list[str]:
        bench.now += 2 * SECOND
        return await due(*args, **options)

    monkeypatch.setattr(bench.store, "exchange_marks", count)
    monkeypatch.setattr(bench.store, "due", take_long)
    await turn(bench)

    assert reported == 1 + 2 * bench.store.groups


def failing_once(bench: Bench, where: str, fault: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a method of a part of the worker fail once."""
    part, method = where.split(".")
    works, faults = getattr(getattr(bench, part), method), [fault]

    async def fail(*arguments: Any, **options: Any) -> Any:
        if faults:
            raise faults.pop()
        return await works(*arguments, **options)

    monkeypatch.setattr(getattr(bench, part), method, fail)


REDIS, KAFKA = StoreUnavailable("Redis is gone"), BrokerUnavailable("Kafka is gone")


@pytest.mark.parametrize(
    ("where", "fault", "told_while_judging"),
    [
        pytest.param("pipeline.follow_policy", REDIS, "", id="Redis, before the marks"),
        pytest.param("store.unpublished", REDIS, "", id="Redis, after the marks"),
        pytest.param("pipeline.check_fences", KAFKA, "", id="Kafka, before who is due is judged"),
        pytest.param("publisher.check", KAFKA, "", id="Kafka, just before it"),
        pytest.param("store.due", KAFKA, "Kafka is gone", id="Kafka, while a message goes out"),
        pytest.param("store.unpublished", KAFKA, "Kafka is gone", id="Kafka, after it"),
    ],
)
async def test_a_fault_is_over_as_soon_as_the_turn_gets_past_it(
    where: str,
    fault: Exception,
    told_while_judging: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    bench = await engaged("wall")
    failing_once(bench, where, fault, monkeypatch)
    bench.now = at("02 00:00")
    await turn(bench)
    assert bench.timer.fault == str(fault)

    told: list[str] = []
    due = bench.store.due

    async def judge(*arguments: Any, **options: Any) -> list[str]:
        told.append(bench.timer.fault)
        return await due(*arguments, **options)

    monkeypatch.setattr(bench.store, "due", judge)
    bench.now += 10 * SECOND
    await turn(bench)

    assert (told[0], bench.timer.fault) == (told_while_judging, "")
    assert [line for line in caplog.messages if "gone" in line] == [
        f"{fault}; the timer tries again",
        f"over after 1 failed attempts: {fault}",
    ]


async def test_a_turn_that_takes_long_is_told_of_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    bench = await engaged("wall")

    async def long_turn(seconds: float) -> int:
        async def wait(*_: Any, **__: Any) -> list[str]:
            bench.elapsed += int(seconds * SECOND / bench.store.groups)
            return []

        bench.store.unpublished = wait  # type: ignore[method-assign, assignment]
        await turn(bench)
        return len([line for line in caplog.messages if "a turn of the timer took" in line])

    assert await long_turn(9) == 0
    assert await long_turn(20) == 1
    assert "took 20.0 s: silence is judged that much later" in caplog.messages[-1]
    assert await long_turn(39) == 1
    assert await long_turn(30) == 2


async def test_an_app_looks_for_the_timer_without_taking_its_turns_for_a_fault(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = build_app(read_settings({}), MemoryStore(builtin_policy()))
    turns = []

    async def turn_that_takes_a_while() -> None:
        turns.append(app.loop.time())
        await asyncio.sleep(0.15)
        if len(turns) == 3:
            app._stopped.set()

    monkeypatch.setattr(app, "timer_turn", turn_that_takes_a_while)
    (task,) = app._app_tasks
    await asyncio.wait_for(task(), 20)

    assert len(turns) == 3
    assert all(after - before >= 0.15 for before, after in pairwise(turns))
    assert not [record for record in caplog.records if "overlapping" in record.getMessage()]
