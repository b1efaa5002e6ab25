"""Open transactions: how long they have been in the way, and when that is reported."""

from __future__ import annotations

import logging

import pytest

from scoring.instants import MINUTE, SECOND
from streams.metrics import Metrics
from streams.records import Partition
from streams.upkeep.open_transactions import OpenTransactions

WEB, MAIL = Partition("web", 0), Partition("mail", 3)
NOON = 1_704_110_400 * SECOND


class Bench:
    """The watch, with a clock that is set by hand."""

    def __init__(self) -> None:
        """Start without transactions."""
        self.now = 5 * MINUTE
        self.metrics = Metrics()
        self.watch = OpenTransactions(self.metrics, lambda: self.now)

    def note(self, **held: int) -> None:
        """Note the offsets of open transactions by topic."""
        places = {"web": WEB, "mail": MAIL}
        self.watch.note({places[name]: (offset, NOON) for name, offset in held.items()})

    def seconds(self, partition: Partition) -> float | None:
        """Read the metric."""
        labels = {"topic": partition.topic, "partition": str(partition.number)}
        return self.metrics.registry.get_sample_value("engagement_open_transaction_seconds", labels)


def test_the_metric_tells_how_long_a_transaction_has_been_open() -> None:
    bench = Bench()
    bench.note(web=7)
    bench.now += 20 * SECOND
    bench.note(web=7, mail=1)

    assert (bench.seconds(WEB), bench.seconds(MAIL)) == (20, 0)
    bench.note()
    assert (bench.seconds(WEB), bench.seconds(MAIL)) == (None, None)


def test_transactions_that_follow_each_other_are_none_that_hangs() -> None:
    bench = Bench()
    for offset in range(100):
        bench.note(web=offset)
        bench.now += 30 * SECOND

    assert bench.watch.reports == []


def test_one_that_hangs_is_reported_once_and_once_more_when_it_has_ended(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    bench = Bench()
    for _ in range(10):
        bench.note(web=7)
        bench.now += 30 * SECOND

    (report,) = bench.watch.reports
    assert "web[0]: a transaction that begins at offset 7 does not end" in report
    assert "no silence is judged after 2024-01-01T12:00:00Z" in report
    assert [record.getMessage() for record in caplog.records] == [report]
    bench.note(web=9)
    assert bench.watch.reports == []
    assert "the transaction has ended" in caplog.records[-1].getMessage()
