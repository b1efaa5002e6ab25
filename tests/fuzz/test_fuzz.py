"""A short run of the fuzzer, and proof that it would notice."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import pytest

import scoring.events.event
import scoring.instants
import scoring.judging.steps
import scoring.mapping.values
import streams.ingest.event_decoding
import streams.store.fields.customer_writing
import streams.store.fields.number_fields
import streams.store.memory.store
from scoring.customer.seen import SeenIds
from scoring.errors import InvalidEvent
from scoring.events.event import EventReader
from streams.ingest.field_decoding import FieldLoader
from streams.rounds.round import Round
from streams.store.fields.alert_fields import EventsAhead
from streams.store.fields.customer_fields import PASSING
from tests.fuzz import mappings
from tests.fuzz.accounts import DifferenceError
from tests.fuzz.contract import EVENT, OUTDATED, judge
from tests.fuzz.epoch import Epoch
from tests.fuzz.json_grammar import NotJSONError, parse
from tests.fuzz.reproduction import difference, shrunk
from tests.unit.docs.reading import MANUAL

_RECORDS = 3_000
_WALL = 1_767_312_000_000_000


def run(seed: int, number: int, records: int = _RECORDS) -> Epoch:
    """Run one epoch."""
    epoch = Epoch(seed, number)
    asyncio.run(epoch.run(records))
    return epoch


def run_many(seed: int, numbers: Iterable[int]) -> list[Epoch]:
    """Run epochs."""
    return [run(seed, number) for number in numbers]


def test_every_mutated_record_comes_to_its_one_right_end() -> None:
    outcomes: Counter[str] = Counter()
    scored: Counter[str] = Counter()
    for epoch in run_many(3, range(4)):
        outcomes += epoch.outcomes
        scored += epoch.scored

    # None of the ends is there by name only.
    table = MANUAL.table("`dlq.reason`", "")
    reasons = {reason.strip("`") for reason, meaning, *_ in table if not meaning.startswith("in a profile")}
    assert set(outcomes) == {EVENT, OUTDATED, *reasons}
    assert min(scored[name] for name in ("taken", "late", "duplicates", "outdated", "transitions")) > 50


def test_the_same_seed_draws_the_same_records() -> None:
    first, again, other = run(1, 0, 500), run(1, 0, 500), run(2, 0, 500)

    assert (first.outcomes, first.scored) == (again.outcomes, again.scored)
    assert first.outcomes != other.outcomes


def reads_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let times before 1970 pass."""
    monkeypatch.setattr(scoring.instants, "_from_1970", abs)


def reads_less(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse an id of 256 bytes."""
    monkeypatch.setattr(scoring.ids, "MOST_ID_BYTES", 255)


def reads_wrongly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take milliseconds for seconds from another number on."""
    monkeypatch.setattr(scoring.instants, "_MILLISECONDS_FROM", 99_999_999_999)


def lets_the_future_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take an event that is a microsecond too far ahead."""
    read = EventReader.read
    monkeypatch.setattr(EventReader, "read", lambda self, value, latest: read(self, value, latest + 1))


def names_another_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """Say `not_json` of what is not UTF-8."""
    monkeypatch.setattr(
        streams.ingest.event_decoding, "why_not_json", lambda value, _: "not_json" if value else "empty_value"
    )


def crashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail on a text that hardly ever comes."""
    read = EventReader.read

    def failing(self: EventReader, value: Any, latest: int) -> Any:
        if type(value) is dict and value.get("customer_id") == "\u202e":
            raise KeyError(value)
        return read(self, value, latest)

    monkeypatch.setattr(EventReader, "read", failing)


def counts_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the ids."""
    monkeypatch.setattr(SeenIds, "__contains__", lambda *_: False)


def counts_less(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lose what is too late to score, but not for the trend."""
    monkeypatch.setattr(scoring.judging.steps, "keep_for_trend", lambda *_: None)


def stores_less(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not store events that are kept aside."""
    written = [field for field in PASSING if not isinstance(field, EventsAhead)]
    monkeypatch.setattr(streams.store.fields.customer_writing, "PASSING", written)


def stores_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not store a score that has changed by less than a point."""

    def text(points: int) -> str:
        return str(points // 1_000_000)

    monkeypatch.setattr(streams.store.fields.number_fields, "text", text)


def loses_a_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Publish all dead letters but one."""
    new = Round._new_dead_letters
    monkeypatch.setattr(Round, "_new_dead_letters", lambda self, batches: new(self, batches)[:-1])


def hides_a_record(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count no event of an unknown type."""
    monkeypatch.setattr(EventReader, "scores", lambda *_: True)


def mixes_up_types(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give an unknown type the code of a known one."""
    monkeypatch.setattr(EventReader, "_code_of_unknown", lambda self, _: next(iter(self._scoring)))


def refuses_at_random(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse an event that is right."""
    read = EventReader.read

    def refusing(self: EventReader, value: Any, latest: int) -> Any:
        customer, event = read(self, value, latest)
        if event.time % 1_000 == 999:
            raise InvalidEvent("timestamp_invalid", "an odd number")
        return customer, event

    monkeypatch.setattr(EventReader, "read", refusing)


@pytest.mark.parametrize(
    "broken",
    [
        reads_more,
        reads_less,
        reads_wrongly,
        lets_the_future_in,
        names_another_reason,
        crashes,
        counts_twice,
        counts_less,
        stores_less,
        stores_late,
        loses_a_letter,
        hides_a_record,
        mixes_up_types,
        refuses_at_random,
    ],
)
def test_a_broken_product_is_noticed(
    broken: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken(monkeypatch)

    with pytest.raises(DifferenceError):
        run_many(7, range(10))


def test_random_sources_read_random_records_as_the_rules_say() -> None:
    ends = mappings.run(200, seed=5)

    assert min(ends[end] for end in ("customer_id", "skipped", "customer_id_missing")) > 5


def stops_at_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at the first value of a list only."""
    monkeypatch.setattr(scoring.mapping.values._FirstOf, "get", lambda self, levels: self._values[0].get(levels))


def skips_what_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lose a field, where another value may take its place."""
    load = FieldLoader.load

    def losing(self: FieldLoader, value: bytes) -> Any:
        found = load(self, value)
        if type(found) is dict:
            found.pop("a", None)
        return found

    monkeypatch.setattr(FieldLoader, "load", losing)


@pytest.mark.parametrize("broken", [stops_at_the_first, skips_what_is_read])
def test_a_source_that_is_read_wrongly_is_noticed(
    broken: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken(monkeypatch)

    with pytest.raises(AssertionError):
        mappings.run(500, seed=5, shrink=False)


def test_a_record_that_shows_it_is_told_and_made_small(monkeypatch: pytest.MonkeyPatch) -> None:
    reads_more(monkeypatch)
    event = {"customer_id": "anna", "type": "open", "timestamp": -77, "properties": {"page": "/" * 100}}
    value = json.dumps(event).encode()
    assert "should be timestamp_invalid" in difference(value, "email", _WALL, "stream")

    small = shrunk(value, lambda part: bool(difference(part, "email", _WALL, "stream")))

    assert len(small) < 70
    assert difference(small, "email", _WALL, "stream")
    assert b"-" in small


def test_the_oracle_reads_json_as_the_standard_library_does() -> None:
    for text in ('{"a": [1, -2.5e3, "\\u00e9\\n", {}, [], true, null], "b": {"c": ""}, "a": 7}', " 12 ", '"x"'):
        assert parse(text) == json.loads(text)
    for text in ("", "[1,]", "{,}", '{"a" 1}', "01", "1.", "NaN", '"\x01"', "[1", "{} x", '"\\ud800"', "'a'", "-"):
        with pytest.raises(NotJSONError):
            parse(text)


@pytest.mark.parametrize(
    ("timestamp", "time"),
    [
        (1_700_000_000, 1_700_000_000_000_000),
        (1_700_000_000_123, 1_700_000_000_123_000),
        ("2026-01-01T01:30:00.25+01:30", 1_767_225_600_250_000),
        ("2016-12-31T23:59:60Z", 1_483_228_799_000_000),
        ("2024-02-29T00:00:00Z", 1_709_164_800_000_000),
    ],
)
def test_the_oracle_reads_times_as_the_contract_says(timestamp: object, time: int) -> None:
    value = json.dumps({"customer_id": "anna", "type": "open", "timestamp": timestamp}).encode()

    assert judge(value, _WALL, _WALL, 0).time == time
