"""Streams of strange shapes: copies, disorder, gaps, poison, crowds, silence."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from tests.faults.conftest import MakeRun
from tests.faults.producers import BURST, aborted_transaction, burst, evaluated, garbage, silence, year_2099
from tests.faults.run import POLICY, FaultRun
from tests.faults.stream import HOUR, Mixture
from tests.polling import wait_until
from tests.services.kafka import KafkaBroker
from tests.services.kafka_client import log_ends, set_topic
from tests.services.log_reader import read_topic
from tests.services.system import metric

pytestmark = [pytest.mark.timeout(540), pytest.mark.faults]
# A copy could come although the event itself was left out in the silence.
_NO_COPIES = Mixture(repeated=0)
_TEXT = POLICY.read_text(encoding="utf-8")


def policy(lateness: str = "10m", idle_after: str = "10s") -> str:
    """Write the policy of the suite with another clock."""
    return _TEXT.replace('lateness = "10m"', f'lateness = "{lateness}"').replace('"10s"', f'"{idle_after}"')


def test_each_event_delivered_1_to_46_times_over_29_hours_counts_once(fault_run: MakeRun) -> None:
    mixture = Mixture(named=1.0, repeated=1.0, copies=(1, 46), once=0.3)
    with fault_run("each event 1-46 times over 29 h", mixture=mixture, events=450_000, pace=9_000) as run:
        wait_until(lambda: run.feeder.sent >= 450_000, 300)
        run.injected = run.feeder.sent


def test_a_day_in_any_order_and_a_channel_a_day_behind_change_nothing(fault_run: MakeRun) -> None:
    mixture = Mixture(late=1.0, late_within=24 * HOUR, channel_behind={"email": 24 * HOUR})
    with fault_run("a day in any order, a channel a day behind", mixture=mixture, policy=policy("25h", "10m")) as run:
        run.injected = 1


def test_gaps_of_compaction_and_of_aborted_transactions_lose_nothing(fault_run: MakeRun) -> None:
    mixture = Mixture(own_keys=True, bad=0, repeated=0.3, copies=(2, 6), copies_within=HOUR)
    compacted = {"cleanup.policy": "compact", "segment.ms": "200", "min.cleanable.dirty.ratio": "0.001"}
    with (
        KafkaBroker({"log.cleaner.backoff.ms": "100", "log.cleaner.min.compaction.lag.ms": "0"}) as kafka,
        fault_run("compacted topics, aborted transactions", mixture=mixture, kafka=kafka.bootstrap) as run,
    ):
        for topic in run.system.topics:
            asyncio.run(set_topic(kafka.bootstrap, topic, compacted))
        for _ in run.faults(3):
            # While nobody reads, the cleaner takes away what a worker had still to read.
            for worker in run.workers.running:
                worker.kill()
            for _ in range(3):
                aborted_transaction(run)
            sent, gone = run.feeder.sent, gaps(run)
            wait_until(lambda: run.feeder.sent >= sent + 5_000, 60)  # noqa: B023 - called at once
            wait_until(lambda: gaps(run) > gone + 500, 60)  # noqa: B023
            run.workers.start_ready(2)


def gaps(run: FaultRun) -> int:
    """Count the offsets of the source topics that hold no record any more, or never held one that may be seen."""
    bootstrap, topics = run.system.kafka, run.system.topics
    records = sum(len(asyncio.run(read_topic(bootstrap, topic))) for topic in topics)
    return sum(asyncio.run(log_ends(bootstrap, topics)).values()) - records


def test_half_of_all_records_bad_become_as_many_dead_letters(fault_run: MakeRun) -> None:
    with fault_run("half of all records bad", mixture=Mixture(bad=0.5)) as run:
        for _ in run.faults(10):
            garbage(run)
        wait_until(lambda: run.feeder.sent >= run.plan.events, 200)
        run.injected = len(run.feeder.bad)


def test_one_customer_with_half_of_all_events_is_exact(fault_run: MakeRun) -> None:
    with fault_run("one customer with half of all events", mixture=Mixture(half_by_one=True)) as run:
        run.injected = 1


def test_10_000_events_of_one_customer_in_one_batch_are_exact(fault_run: MakeRun) -> None:
    with fault_run(f"{BURST:,} events of one customer in one batch") as run:
        for _ in run.faults(5, apart=5_000):
            burst(run)


def test_a_record_of_the_year_2099_does_not_carry_the_clock_off(fault_run: MakeRun) -> None:
    with fault_run("a record of the year 2099") as run:
        for _ in run.faults(5):
            year_2099(run)
            run.wait_for_progress(2_000)
            assert evaluated(run) <= run.feeder.newest


def test_a_topic_that_falls_idle_neither_holds_the_clock_nor_is_lost(fault_run: MakeRun) -> None:
    with fault_run(
        "a topic falls idle and comes back", policy=policy(lateness="3h"), mixture=_NO_COPIES, pace=1_000
    ) as run:
        for _ in run.faults(2):
            silence(run, [("social", number) for number in range(run.plan.partitions)], 10)


def test_a_partition_that_falls_idle_neither_holds_the_clock_nor_is_lost(fault_run: MakeRun) -> None:
    with fault_run(
        "a partition falls idle and comes back", policy=policy(lateness="3h"), mixture=_NO_COPIES, pace=1_000
    ) as run:
        for number in run.faults(2):
            silence(run, [("clickstream", number)], 10)


def test_a_clock_that_steps_by_an_hour_changes_nothing(fault_run: MakeRun, tmp_path: Path) -> None:
    off = tmp_path / "off"
    off.write_text("0")
    options = {"module": ("tests.faults.stepping_worker",), "environment": {"CLOCK_OFF": str(off)}}
    with fault_run("the machine's clock steps by an hour", **options) as run:
        for number in run.faults(20, apart=1_000):
            # Ahead by an hour the workers wait for a while, an hour back they go on.
            off.write_text("3600")
            time.sleep(run.dice.uniform(0.2, 1))
            off.write_text("-3600" if number % 2 else "0")
        off.write_text("0")
        jumps = sum("clock has jumped" in worker.log.read_text() for worker in run.workers.running)
        assert jumps == len(run.workers.running)
        assert all(metric(worker, "engagement_ready") for worker in run.workers.running)
