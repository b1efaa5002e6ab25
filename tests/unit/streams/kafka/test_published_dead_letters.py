"""Dead letters and alerts as they go to Kafka."""

from __future__ import annotations

from streams.kafka.publisher import _dead_letter
from streams.records import DeadLetter, Partition
from tests.unit.streams.bench import Record

PLACE = Partition("email", 3)
RECORD = Record(41, 0, b"\xffkey", b"\xfe no json", (("trace", b"\x00\x01"), ("dlq.reason", b"mine")))


def test_key_value_and_headers_are_untouched() -> None:
    topic, key, value, headers = _dead_letter(DeadLetter(RECORD, "not_json", "why", PLACE))

    assert (topic, key, value) == ("engagement-dead-letters", b"\xffkey", b"\xfe no json")
    assert headers[:2] == [("trace", b"\x00\x01"), ("dlq.reason", b"mine")]


def test_the_headers_say_why_and_where_from() -> None:
    *_, headers = _dead_letter(DeadLetter(RECORD, "not_json", "why", PLACE))

    assert headers[2:] == [
        ("dlq.reason", b"not_json"),
        ("dlq.detail", b"why"),
        ("dlq.topic", b"email"),
        ("dlq.partition", b"3"),
        ("dlq.offset", b"41"),
    ]


def test_a_record_without_key_and_value_is_a_dead_letter_too() -> None:
    record = RECORD._replace(key=None, value=None, headers=())
    _, key, value, headers = _dead_letter(DeadLetter(record, "empty_value", "", PLACE))

    assert (key, value, len(headers)) == (None, None, 5)


def test_a_long_or_odd_detail_is_cut_and_made_text() -> None:
    *_, headers = _dead_letter(DeadLetter(RECORD, "not_json", "é" * 10_000, PLACE))
    assert dict(headers)["dlq.detail"].decode() == "é" * 500

    *_, headers = _dead_letter(DeadLetter(RECORD, "not_json", "a\ud800b", PLACE))
    assert dict(headers)["dlq.detail"] == b"a?b"
