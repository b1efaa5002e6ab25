"""Which records are decoded by their fields, which as a whole, and what of properties is read."""

from __future__ import annotations

import orjson
import pytest

from scoring.mapping.fields import fields_of
from scoring.mapping.outcomes import Bad, MappedEvent, Outcome
from streams.cli.source_lines import WrittenRecord
from streams.ingest.field_decoding import FieldLoader
from streams.ingest.source_reading import SourceReader
from tests.unit.scoring.mapping.reading import EVENT, LATEST, source
from tests.unit.streams.ingest.test_source_decoding import Decoding, event


def refused(*_: object) -> list[Outcome]:
    """Stand where a record is decoded as a whole."""
    raise AssertionError("decoded whole")


def loader(text: str = "", *names: str) -> FieldLoader:
    """Make the loader of what a source reads."""
    return FieldLoader(fields_of(source(text), names or None))


def read(value: bytes, text: str = "") -> list[Outcome]:
    """Read one value."""
    return SourceReader(source(text)).read(WrittenRecord(None, value), LATEST)


def test_only_the_fields_on_the_paths_are_decoded() -> None:
    text = 'id = "deep[1].id"\nproperties = { a = "more.a", b = "list[kind=x].b" }'
    value = {
        **EVENT,
        "context": {"a": [1, 2]},
        "deep": [{"x": 1}, {"id": 7, "x": 2}],
        "more": {"a": {"all": 1}, "z": 1},
        "list": [{"kind": "x", "b": 3, "c": 4}, "text"],
    }
    assert loader(text).load(orjson.dumps(value)) == {
        **EVENT,
        "deep": [{}, {"id": 7}],
        "more": {"a": {"all": 1}},
        "list": [{"kind": "x", "b": 3}, "text"],
    }


def test_of_properties_those_are_decoded_that_are_asked_for() -> None:
    value = orjson.dumps({**EVENT, "more": {"a": 1, "b": {"c": 2}, "d": 3}})
    assert loader('properties = "more"', "b", "z").load(value)["more"] == {"b": {"c": 2}}
    assert loader('properties = "more"').load(value)["more"] == {"a": 1, "b": {"c": 2}, "d": 3}
    assert "more" not in FieldLoader(fields_of(source('properties = "more"'), frozenset())).load(value)


def test_an_event_is_read_without_decoding_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SourceReader, "_read_whole", refused)
    (outcome,) = read(orjson.dumps({**EVENT, "more": {"x": "é"}}))
    assert isinstance(outcome, MappedEvent)


@pytest.mark.parametrize(
    "value",
    [
        b'{"who": 18446744073709551616, "what": "click", "when": 5}',
        b'{"who": "maria", "what": "click", "when": 5, "more": "\xff"}',
        b'{"who": "maria", "what": "click", "when": 5, "more": ' + b"[" * 1_025 + b"]" * 1_025 + b"}",
        b'{"who": "maria", "what": "click", "when": 5',
        b'{"what": "click", "when": 5}',
    ],
)
def test_what_is_wrong_or_read_otherwise_is_decoded_whole(value: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    (outcome,) = read(value)
    assert isinstance(outcome, Bad)
    monkeypatch.setattr(SourceReader, "_read_whole", refused)
    with pytest.raises(AssertionError, match="decoded whole"):
        read(value)


def test_a_number_beyond_all_doubles_passes_where_nobody_reads_it() -> None:
    (outcome,) = read(b'{"who": "maria", "what": "click", "when": 5, "more": 1e999}')
    assert isinstance(outcome, MappedEvent)


def test_what_a_channel_asks_of_properties_counts_however_the_rest_looks() -> None:
    by_hand, by_machine = (
        Decoding(
            '[sources.feed]\nchannel = "email"\ncustomer = "who"\ntype = "what"\ntime = "when"\nproperties = "all"\n'
        ).decode(event(what="open", all={"machine_open": machine, "rest": {"a": [1] * 9}}))
        for machine in (False, True)
    )
    assert [each.code for _, _, each in by_hand.events] != [each.code for _, _, each in by_machine.events]
