"""From bytes to events, and to dead letters with their reasons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import orjson
import pytest

from scoring.events.event import EventReader
from scoring.instants import DAY, HOUR, MILLISECOND, SECOND
from scoring.rules.details import SUM, amount_of
from streams.ingest.dead_letter_limit import Consumption, DeadLetterLimit
from streams.ingest.event_decoding import Decoder
from streams.metrics import Metrics
from streams.policy_file.document import builtin_policy
from streams.records import DecodedBatch, Partition, RecordBatch
from tests.unit.streams.bench import Record

NOW = 1_700_000_000 * SECOND
APPENDED = NOW // MILLISECOND
WINDOW = 30 * DAY


def value(**fields: object) -> bytes:
    """Write an event that is right but for the given fields."""
    return orjson.dumps({"customer_id": "anna", "type": "open", "timestamp": NOW // SECOND, **fields})


class Decoding:
    """A decoder of e-mail events, and what it has counted."""

    def __init__(self, window: int = 0) -> None:
        """Make the decoder."""
        self.metrics = Metrics()
        self._decoder = Decoder("email", EventReader(builtin_policy().channels[1]), self.metrics, window)

    def decode(self, *values: bytes | None, base: int = 0) -> DecodedBatch:
        """Decode a batch."""
        records = [Record(offset, APPENDED, None, content) for offset, content in enumerate(values, base)]
        return self._decoder.decode(RecordBatch(Partition("email", 2), base, records), NOW)

    def reasons(self, *values: bytes | None) -> list[str]:
        """Give the reasons of the dead letters of a batch."""
        return [letter.reason for letter in self.decode(*values).dead_letters]

    def counts(self) -> Sequence[float]:
        """Give the counts of read, dead, outdated and unknown."""
        outcomes = ("read", "dead_letter", "outdated", "unknown_type")
        return [
            self.metrics.registry.get_sample_value("engagement_events_total", {"channel": "email", "outcome": outcome})
            or 0
            for outcome in outcomes
        ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "empty_value"),
        (b"", "empty_value"),
        (b"not json", "not_json"),
        (b'{"customer_id": "anna"', "not_json"),
        (b"\x00" * 20, "not_json"),
        (b"x" * 2_000_000, "not_json"),
        (b'{"timestamp": NaN}', "not_json"),
        (b'{"timestamp": 1e999}', "not_json"),
        (b'{"customer_id": "\\ud800"}', "not_json"),
        (b"\xff\xfe\xfd", "invalid_utf8"),
        (b'{"customer_id": "\xe9"}', "invalid_utf8"),
        (b"[" * 100_000 + b"]" * 100_000, "nested_too_deep"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested_too_deep"),
        (b"[]", "not_an_object"),
        (b'"text"', "not_an_object"),
        (b"null", "not_an_object"),
        (b"{}", "customer_id_missing"),
        (value(customer_id=""), "customer_id_empty"),
        (value(customer_id=7), "customer_id_not_a_string"),
        (value(customer_id="x" * 257), "customer_id_too_long"),
        (value(type=None), "type_missing"),
        (value(type=7), "type_not_a_string"),
        (value(timestamp=None), "timestamp_missing"),
        (value(timestamp="soon"), "timestamp_invalid"),
        (value(timestamp="0001-01-01T00:00:00Z"), "timestamp_invalid"),
        (value(timestamp="9999-01-01T00:00:00Z"), "timestamp_in_future"),
        (value(timestamp=(NOW + SECOND) // SECOND), "timestamp_in_future"),
        (value(event_id=[1]), "event_id_not_a_string"),
    ],
)
def test_what_is_no_event_is_a_dead_letter_with_the_reason(content: bytes | None, reason: str) -> None:
    [letter] = Decoding().decode(content).dead_letters

    assert (letter.reason, letter.record.value) == (reason, content)
    assert letter.detail


def test_a_timestamp_beyond_all_numbers_is_a_dead_letter() -> None:
    content = b'{"customer_id": "anna", "type": "open", "timestamp": 1e308}'

    assert Decoding().reasons(content) in (["timestamp_invalid"], ["timestamp_in_future"])


def test_the_rest_of_the_batch_is_scored() -> None:
    batch = Decoding().decode(b"no", value(), b"{}", value(customer_id="ben"), base=40)

    assert [(offset, customer) for offset, customer, _ in batch.events] == [(41, "anna"), (43, "ben")]
    assert [letter.record.offset for letter in batch.dead_letters] == [40, 42]
    assert (batch.raw.base, batch.raw.next_offset) == (40, 44)


@pytest.mark.parametrize("customer", ["a:b", "{a}", "two\nlines", "😀" * 64, "\u202e", "\0"])
def test_any_other_id_is_read_as_it_was_sent(customer: str) -> None:
    [(_, found, _)] = Decoding().decode(value(customer_id=customer)).events

    assert found == customer


def test_the_newest_event_of_a_batch_is_noted_and_when_the_last_record_was_appended() -> None:
    times = [NOW - HOUR, NOW - SECOND, NOW - DAY]
    batch = Decoding().decode(*[value(timestamp=time // SECOND) for time in times], b"no")

    assert (batch.newest, batch.appended) == (NOW - SECOND, NOW)
    assert Decoding().decode(b"no").newest == 0


def test_an_event_that_was_too_old_when_it_was_appended_is_left_out() -> None:
    decoding = Decoding(WINDOW)
    oldest = (NOW - WINDOW) // SECOND
    batch = decoding.decode(value(timestamp=oldest), value(timestamp=oldest - 1), value(timestamp=1))

    assert [offset for offset, _, _ in batch.events] == [0]
    assert batch.dead_letters == []
    assert decoding.counts() == [3, 0, 2, 0]


def test_an_event_that_is_too_old_does_not_count_as_the_newest() -> None:
    assert Decoding(WINDOW).decode(value(timestamp=1)).newest == 0


def test_no_event_is_too_old_by_itself_where_the_clock_follows_the_events() -> None:
    decoding = Decoding(0)

    assert len(decoding.decode(value(timestamp=1)).events) == 1
    assert decoding.counts() == [1, 0, 0, 0]


def test_outcomes_are_counted() -> None:
    decoding = Decoding()
    decoding.decode(value(), value(type="forward"), value(type="forward"), b"no", b"{}", value(type="delivered"))

    assert decoding.counts() == [6, 2, 0, 2]


def test_a_type_that_the_policy_does_not_name_is_an_event() -> None:
    assert len(Decoding().decode(value(type="forward")).events) == 1


def test_properties_of_the_wrong_type_are_counted_once_also_where_a_batch_is_cut_short() -> None:
    email = builtin_policy().channels[1]
    kind = replace(email.types[1], amounts=(amount_of("email", "open", "seconds", SUM),))
    metrics = Metrics()
    strict = replace(builtin_policy(), most_bad=500_000, bad_records=4)
    limit = DeadLetterLimit(email, strict, lambda: NOW, Consumption(metrics))
    decoder = Decoder("email", EventReader(replace(email, types=(kind,))), metrics, 0, limit)
    wrong = value(type="open", properties={"seconds": "three"})
    values = [wrong, wrong, *[b"no json"] * 5]
    records = [Record(offset, APPENDED, None, content) for offset, content in enumerate(values)]
    decoded = decoder.decode(RecordBatch(Partition("email", 2), 0, records), NOW)
    assert (len(decoded.events), len(decoded.dead_letters)) == (2, 2)
    labels = {"channel": "email", "outcome": "property_ignored"}
    assert metrics.registry.get_sample_value("engagement_events_total", labels) == 2
