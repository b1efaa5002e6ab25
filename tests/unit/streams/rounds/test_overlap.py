"""What a round raises goes out while the next one is applied; nothing is acknowledged before it is out."""

from __future__ import annotations

import asyncio

import pytest

from streams.errors import BrokerUnavailable
from streams.rounds.round_queue import Submission
from tests.polling import poll_until
from tests.unit.streams.bench import Bench, Hook, did


@pytest.fixture
def bench() -> Bench:
    """Give a pipeline."""
    return Bench()


class Gate:
    """Keeps what comes next until it is opened."""

    def __init__(self, hooks: list[Hook]) -> None:
        """Close it before what takes the next of the hooks."""
        self.reached, self.opened = asyncio.Event(), asyncio.Event()
        hooks.append(self._wait)

    async def _wait(self) -> None:
        self.reached.set()
        await self.opened.wait()


async def held_back(bench: Bench, first: Submission) -> Gate:
    """Let a round be stored, and keep back what it raises."""
    gate = Gate(bench.publisher.before_publish)
    await bench.pipeline.submit(first)
    await gate.reached.wait()
    return gate


async def still_waits(task: asyncio.Task[None]) -> bool:
    """Give a task some time, and tell whether it has not ended."""
    done, _ = await asyncio.wait([task], timeout=0.05)
    return not done


def rises_and_falls(bench: Bench) -> tuple[Submission, Submission]:
    """Make a round that raises a change of band, and one that raises another, with an alert."""
    rises = bench.submission(0, *[did("anna", "buy", "01 09:00")] * 3)
    return rises, bench.submission(3, did("anna", "complain", "01 10:00"))


KINDS = ["band_change", "band_change", "churn_risk"]


async def test_a_round_is_applied_while_what_the_one_before_raised_is_on_its_way(bench: Bench) -> None:
    first, second = rises_and_falls(bench)
    async with bench.pipeline:
        gate = await held_back(bench, first)
        await bench.pipeline.submit(second)
        await poll_until(lambda: bench.pipeline.positions.has_applied(second.batch.raw.partition, 4))
        assert await bench.field("anna", "score") == "9.5"
        assert (first.event.acks, second.event.acks, bench.publisher.messages) == (0, 0, [])
        assert (first.batch.raw.applied, second.batch.raw.applied) == (False, False)
        gate.opened.set()
        await poll_until(lambda: second.event.acks)

    assert [entry for entry in bench.journal if entry.startswith("ack")] == ["ack web/0@0", "ack web/0@3"]
    assert bench.publisher.kinds() == KINDS
    assert await bench.waiting("anna") == []


async def test_while_kafka_is_gone_no_more_than_one_more_round_is_applied(bench: Bench) -> None:
    first, second = rises_and_falls(bench)
    third = bench.submission(4, did("ben", "buy", "01 11:00"))
    bench.publisher.faults = [BrokerUnavailable("Kafka is gone")] * 1000
    async with bench.pipeline:
        for submission in (first, second):
            await bench.pipeline.submit(submission)
            await poll_until(lambda: bench.pipeline.fault == "Kafka is gone")
        await poll_until(lambda: bench.pipeline.positions.has_applied(second.batch.raw.partition, 4))
        await bench.pipeline.submit(third)
        # Partitions may change hands meanwhile.
        await asyncio.wait_for(bench.pipeline.rest(), 5)
        before = bench.count("engagement_retries_total", what="BrokerUnavailable")
        await poll_until(lambda: bench.count("engagement_retries_total", what="BrokerUnavailable") > before)
        assert await bench.field("ben", "score") == ""
        assert [submission.event.acks for submission in (first, second, third)] == [0, 0, 0]
        bench.publisher.faults.clear()
        await poll_until(lambda: third.event.acks)
        assert bench.pipeline.fault == ""

    assert [submission.event.acks for submission in (first, second, third)] == [1, 1, 1]
    assert bench.publisher.kinds() == KINDS
    assert await bench.field("ben", "score") == "4.5"


async def test_partitions_are_kept_until_what_was_raised_is_out(bench: Bench) -> None:
    first, _ = rises_and_falls(bench)
    async with bench.pipeline:
        gate = await held_back(bench, first)
        resting = asyncio.create_task(bench.pipeline.rest())
        assert await still_waits(resting)
        gate.opened.set()
        await resting
        assert first.event.acks == 1


async def test_partitions_are_kept_until_the_last_round_in_hand_is_out(bench: Bench) -> None:
    first, second = rises_and_falls(bench)
    async with bench.pipeline:
        gate = await held_back(bench, first)
        writing = Gate(bench.store.before_apply)
        await bench.pipeline.submit(second)
        await writing.reached.wait()
        resting = asyncio.create_task(bench.pipeline.rest())
        gate.opened.set()
        await poll_until(lambda: first.event.acks)
        assert await still_waits(resting)
        writing.opened.set()
        await resting
        assert second.event.acks == 1


async def test_a_bug_in_publishing_fails_the_pipeline_though_nothing_comes_any_more(bench: Bench) -> None:
    first, _ = rises_and_falls(bench)
    bench.publisher.faults = [ZeroDivisionError()]
    async with bench.pipeline:
        await bench.pipeline.submit(first)
        await poll_until(lambda: bench.pipeline.crashed)
        assert isinstance(bench.pipeline.crash_reason, ZeroDivisionError)
    assert first.event.acks == 0


async def test_a_pipeline_that_stops_acknowledges_nothing_that_is_not_out(bench: Bench) -> None:
    first, _ = rises_and_falls(bench)
    async with bench.pipeline:
        await held_back(bench, first)
        publishing = bench.pipeline._publishing
    assert publishing is not None
    await poll_until(publishing.done)
    assert (first.event.acks, bench.publisher.messages) == (0, [])
    assert len(await bench.waiting("anna")) == 1


async def test_what_is_stored_while_others_go_out_is_published_once(bench: Bench) -> None:
    first, second = rises_and_falls(bench)
    gate = Gate(bench.publisher.before_publish)
    await bench.pipeline._apply([first])
    publishing = asyncio.create_task(bench.scorer.outbox.publish())
    await gate.reached.wait()
    await bench.pipeline._apply([second])
    others = [asyncio.create_task(bench.scorer.outbox.publish()) for _ in range(2)]
    gate.opened.set()
    await asyncio.gather(publishing, *others)

    assert bench.publisher.kinds() == KINDS
    assert bench.count("engagement_transitions_total", kind="band_change") == 2
    assert await bench.waiting("anna") == []
