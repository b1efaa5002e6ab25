"""The limit on the share of bad records: where it stops, and where it does not."""

from __future__ import annotations

import logging

import orjson
import pytest

from scoring.events.event import EventReader
from scoring.instants import HOUR, MILLISECOND, MINUTE, SECOND
from streams.ingest.dead_letter_limit import Consumption, DeadLetterLimit
from streams.ingest.event_decoding import Decoder
from streams.metrics import Metrics
from streams.policy_file.document import parse_policy
from streams.records import DecodedBatch, Partition, RecordBatch
from tests.unit.streams.bench import Record

START = 1_700_000_000 * SECOND
GOOD = orjson.dumps({"customer_id": "anna", "type": "open", "timestamp": START // SECOND})
BAD = b"no json"
POLICY = '[channels.email]\nweights = { open = 1 }\n[dead_letters]\nstop_above = 0.9\nover = "1m"\nat_least = 20\n'


class Reading:
    """Reads batches of one channel, a second of the log after another."""

    def __init__(self, policy: str = POLICY) -> None:
        """Begin at the start of the log."""
        parsed = parse_policy(policy)
        self.metrics = Metrics()
        self.consumption = Consumption(self.metrics)
        self.now = START + 24 * HOUR
        self._at = START
        limit = DeadLetterLimit(parsed.channels[0], parsed, lambda: self.now, self.consumption)
        self._decoder = Decoder("email", EventReader(parsed.channels[0]), self.metrics, 0, limit)
        self._next: dict[int, int] = {}

    def read(self, *values: bytes, after: int = SECOND, partition: int = 0, gap: int = 0) -> DecodedBatch:
        """Read a batch, appended some time after the one before."""
        self._at += after
        base = self._next.get(partition, 0) + gap
        self._next[partition] = base + len(values)
        records = [Record(offset, self._at // MILLISECOND, None, value) for offset, value in enumerate(values, base)]
        return self._decoder.decode(RecordBatch(Partition("email", partition), base, records), START + HOUR)

    @property
    def stopped(self) -> bool:
        """Whether consumption is stopped, as the reason and the metric tell alike."""
        shown = self.metrics.registry.get_sample_value("engagement_stopped", {"channel": "email"})
        assert shown == bool(self.consumption.stopped_because)
        return bool(shown)

    def counts(self) -> tuple[float, ...]:
        """Give the counts of read and dead."""
        value = self.metrics.registry.get_sample_value
        return tuple(
            value("engagement_events_total", {"channel": "email", "outcome": outcome}) or 0
            for outcome in ("read", "dead_letter")
        )


@pytest.fixture
def reading() -> Reading:
    """Give a reading."""
    return Reading()


def test_a_batch_ends_before_the_record_that_goes_over_the_limit(reading: Reading) -> None:
    batch = reading.read(*[GOOD] * 2, *[BAD] * 30)

    # At the 20th record 18 of 20 are bad, which is the limit; the 21st would be above it.
    assert reading.stopped
    assert [letter.record.offset for letter in batch.dead_letters] == list(range(2, 20))
    assert [offset for offset, _, _ in batch.events] == [0, 1]
    assert (len(batch.raw.records), batch.raw.next_offset) == (20, 20)
    assert reading.counts() == (20, 18)


def test_good_records_after_the_limit_stay_in_the_log_too(reading: Reading) -> None:
    batch = reading.read(*[BAD] * 25, GOOD)

    assert (len(batch.dead_letters), batch.events, batch.raw.next_offset) == (19, [], 19)


def test_a_batch_that_begins_over_the_limit_is_empty_and_counted_nowhere(reading: Reading) -> None:
    reading.read(*[BAD] * 19)
    batch = reading.read(*[BAD] * 5)

    assert reading.stopped
    assert (batch.raw.records, batch.dead_letters, batch.events, batch.raw.next_offset) == ([], [], [], 19)
    assert reading.counts() == (19, 19)


def test_gaps_in_the_offsets_belong_to_what_stays_in_the_log(reading: Reading) -> None:
    reading.read(*[BAD] * 19)

    assert reading.read(*[BAD] * 5, gap=7).raw.next_offset == 26


def test_a_few_bad_records_alone_on_a_quiet_topic_do_not_stop_it(reading: Reading) -> None:
    for _ in range(19):
        assert len(reading.read(BAD, after=HOUR).dead_letters) == 1
    assert not reading.stopped


def test_a_quiet_topic_is_judged_by_its_last_records(reading: Reading) -> None:
    reading.read(*[GOOD] * 1_000)
    for _ in range(18):
        reading.read(BAD, after=HOUR)
        assert not reading.stopped
    # Two of the last twenty records were good, which is the limit; with this one it is one.
    reading.read(BAD, after=HOUR)
    assert reading.stopped


def test_a_share_at_the_limit_does_not_stop_and_one_above_does() -> None:
    reading = Reading(POLICY.replace("0.9", "0.29").replace("at_least = 20", "at_least = 100"))
    reading.read(*[GOOD] * 71, *[BAD] * 29)
    assert not reading.stopped
    reading.read(BAD)
    assert reading.stopped


def test_what_is_older_than_the_time_of_the_limit_does_not_count(reading: Reading) -> None:
    reading.read(*[GOOD] * 10_000)
    batch = reading.read(*[BAD] * 20, after=MINUTE + SECOND)

    assert (reading.stopped, len(batch.dead_letters)) == (True, 19)


def test_what_is_younger_than_the_time_of_the_limit_counts(reading: Reading) -> None:
    reading.read(*[GOOD] * 10_000)
    batch = reading.read(*[BAD] * 5_000, after=MINUTE - SECOND)

    assert (reading.stopped, len(batch.dead_letters)) == (False, 5_000)


def test_half_of_all_records_may_be_bad_for_ever(reading: Reading) -> None:
    for _ in range(200):
        reading.read(*[BAD, GOOD] * 50)
    assert not reading.stopped


def test_a_backlog_is_judged_by_the_time_in_the_log_in_whatever_order_its_partitions_come(reading: Reading) -> None:
    # Partition 1 has good records of an hour later; they say nothing of this minute.
    reading.read(*[GOOD] * 10_000, after=HOUR, partition=1)
    batch = reading.read(*[BAD] * 30, after=-HOUR)

    assert (reading.stopped, len(batch.dead_letters)) == (True, 19)


def test_a_record_from_the_future_counts_as_one_of_now(reading: Reading) -> None:
    reading.read(*[GOOD] * 10_000, after=1_000 * HOUR)
    reading.read(*[BAD] * 10, after=HOUR)
    reading.now += 2 * MINUTE
    batch = reading.read(*[BAD] * 30, after=HOUR)

    assert (reading.stopped, len(batch.dead_letters)) == (True, 19)


def test_a_limit_of_one_never_stops() -> None:
    reading = Reading(POLICY.replace("0.9", "1"))
    batch = reading.read(*[BAD] * 5_000)

    assert (reading.stopped, len(batch.dead_letters)) == (False, 5_000)


def test_the_reason_names_what_a_person_needs_and_the_log_has_it_once(
    reading: Reading, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="streams"):
        reading.read(*[GOOD] * 2, *[BAD] * 30)
        reading.read(*[BAD] * 30)

    assert reading.consumption.stopped_because == (
        "of the last 21 records of channel email 19 are bad, more than the 90 % that the policy allows over 1m; "
        "the last is email[0] at offset 20: not_json"
    )
    assert [record.getMessage().startswith("stopped consuming: of the last 21 ") for record in caplog.records] == [True]


def test_the_memory_of_a_log_that_jumps_about_is_bounded(reading: Reading) -> None:
    for minute in range(5_000):
        reading.read(GOOD, after=MINUTE if minute % 2 else -HOUR)
    limit = reading._decoder._limit
    assert limit is not None
    assert len(limit._counts) <= 2_000
