"""Dead letters read back: which headers are the worker's, which are the producer's, and who is chosen."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from streams.dead_letters.ledger import ReplayLedger, written
from streams.dead_letters.letter import Letter, LetterFilter, read_letter
from streams.kafka.publisher import _dead_letter
from streams.records import DeadLetter, Partition
from tests.unit.streams.bench import Record

ORIGINAL = (("trace", b"\xff"), ("dlq.reason", b"an earlier life"), ("trace", b"again"), ("empty", None))


def dead(headers: Any = ORIGINAL, *, offset: int = 7) -> SimpleNamespace:
    """Give the record that the worker writes for a bad one."""
    record = Record(41, 0, b"key", b"value", headers)
    letter = DeadLetter(record, "not_json", "no JSON", Partition("clickstream", 3))
    _, key, value, written_headers = _dead_letter(letter)
    return SimpleNamespace(
        partition=2, offset=offset, timestamp=1_700_000_000_000, key=key, value=value, headers=tuple(written_headers)
    )


def letter(headers: Any = ORIGINAL, *, offset: int = 7) -> Letter:
    found = read_letter(dead(headers, offset=offset))
    assert found is not None
    return found


def test_a_letter_is_read_back_with_the_headers_that_the_producer_set() -> None:
    found = letter()

    assert (found.reason, found.detail, found.place) == ("not_json", "no JSON", "2:7")
    assert (found.topic, found.source_partition, found.source_offset) == ("clickstream", 3, 41)
    assert (found.key, found.value, found.headers) == (b"key", b"value", ORIGINAL)
    assert (found.time, found.replays) == (1_700_000_000_000_000, 0)


def test_each_replay_counts_one_more_in_a_header_and_changes_no_other() -> None:
    found = letter()
    for number in (1, 2, 3):
        assert found.marked_headers == [*ORIGINAL, ("dlq.replays", str(number).encode())]
        found = letter(tuple(found.marked_headers))
        assert (found.replays, found.headers) == (number, ORIGINAL)


@pytest.mark.parametrize("lacking", ["dlq.reason", "dlq.detail", "dlq.topic", "dlq.partition", "dlq.offset"])
def test_a_record_that_lacks_one_of_the_headers_was_not_written_by_a_worker(lacking: str) -> None:
    record = dead(())
    record.headers = tuple(header for header in record.headers if header[0] != lacking)

    assert read_letter(record) is None


@pytest.mark.parametrize(
    ("name", "content"),
    [("dlq.partition", b"x"), ("dlq.offset", b"-1"), ("dlq.offset", b""), ("dlq.offset", b"9" * 5_000)],
)
def test_a_place_that_is_no_number_was_not_written_by_a_worker(name: str, content: bytes) -> None:
    record = dead()
    record.headers = (*record.headers, (name, content))

    assert read_letter(record) is None


@pytest.mark.parametrize("content", [b"often", b"9" * 5_000])
def test_a_strange_mark_of_a_replay_counts_as_none(content: bytes) -> None:
    assert letter((("dlq.replays", content),)).replays == 0


@pytest.mark.parametrize(
    ("choice", "takes"),
    [
        (LetterFilter(), True),
        (LetterFilter(reasons=["not_json", "x"]), True),
        (LetterFilter(reasons=["x"]), False),
        (LetterFilter(topics=["clickstream"]), True),
        (LetterFilter(topics=["email"]), False),
        (LetterFilter(since=1_700_000_000_000_000), True),
        (LetterFilter(since=1_700_000_000_000_001), False),
        (LetterFilter(until=1_700_000_000_000_001), True),
        (LetterFilter(until=1_700_000_000_000_000), False),
    ],
)
def test_letters_are_chosen_by_reason_topic_and_time(choice: LetterFilter, *, takes: bool) -> None:
    assert choice.takes(letter()) == takes


def test_what_has_been_replayed_is_known_by_its_place() -> None:
    replayed = ReplayLedger()
    replayed.note(written([letter(offset=7), letter(offset=9)]))
    replayed.note(b"nonsense")
    replayed.note(b'{"replayed": [1]}')
    replayed.note(None)

    assert letter(offset=7) in replayed
    assert letter(offset=9) in replayed
    assert letter(offset=8) not in replayed
    assert len(replayed) == 2


def test_places_in_another_log_under_the_same_name_are_those_of_other_letters() -> None:
    replayed = ReplayLedger("b2")
    replayed.note(written([letter(offset=7)], "a1"))
    # An earlier version, or a broker that tells no ids.
    replayed.note(written([letter(offset=8)]))
    replayed.note(written([letter(offset=9)], "b2"))

    assert [letter(offset=offset) in replayed for offset in (7, 8, 9)] == [False, True, True]
