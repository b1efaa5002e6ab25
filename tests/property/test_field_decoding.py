"""What is read of the fields alone is what is read of the whole record, whatever the record looks like."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scoring.mapping.outcomes import Outcome
from scoring.mapping.source import Source
from streams.cli.source_lines import WrittenRecord, read_lines
from streams.ingest.schemas import SchemaFile
from streams.ingest.source_reading import SourceReader
from tests.property.mappings import LATEST, NAMES, TEXTS, likely, several, source_of, tables
from tests.reference.mappings import Table
from tests.unit.streams.ingest import shapes

#: As they stand in a record; the last ones stand in none.
NUMBERS = (
    *(
        "0",
        "-0",
        "-0.0",
        "1.0",
        "1e3",
        "0.1",
        "1E-400",
        "5e-324",
        "1790000000",
        "1790000000.123",
        "12345678901234567890.5",
    ),
    *("9223372036854775807", "9223372036854775808", "18446744073709551615", "18446744073709551616"),
    *("-9223372036854775808", "-9223372036854775809", "1" + "0" * 60, "01", "1.", "-", "NaN", "Infinity", "+1"),
)
STRINGS = (
    *(json.dumps(text) for text in TEXTS),
    *(
        '"é"',
        '"\\u00e9"',
        '"\\ud83d\\ude00"',
        '"😀"',
        '"\\""',
        '"a\\u0000b"',
        '"{\\"a\\": 1}"',
        '"[18446744073709551616]"',
    ),
    *('"\\ud800"', '"\\ud83dx"', '"\\x"', '"\\u00zz"', '"\t"', '"', "'a'", "tru", "null", "true", "false", ""),
)
spaces = st.sampled_from(["", "", "", " ", "\n\t", "\x00"])
keys = st.sampled_from([*(json.dumps(name) for name in NAMES), '"\\u0061"', '"é"', '""', "a", "1", '"\\ud800"'])
leaves = st.sampled_from([*NUMBERS, *STRINGS])
right_keys = st.sampled_from([json.dumps(name) for name in NAMES])
right_leaves = st.sampled_from([*NUMBERS[:17], *STRINGS[: len(TEXTS) + 8], "null", "true"])


FEEDS = sorted(path.name.removesuffix(".expected.jsonl") for path in shapes.FEEDS.glob("*.expected.jsonl"))
CONSTANT: Table = {"channel": "email", "type": {"is": "click"}, "time": {"is": 5}}


def written(leaf: st.SearchStrategy[str], key: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Write values, in which keys may come again."""

    def around(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        arrays = st.lists(inner, max_size=3).map(lambda values: f"[{','.join(values)}]")
        pairs = st.builds(lambda space, name, value: f"{space}{name}:{space}{value}", spaces_in(key), key, inner)
        return arrays | st.lists(pairs, max_size=6).map(lambda members: f"{{{','.join(members)}}}")

    return st.recursive(leaf, around, max_leaves=25)


def spaces_in(key: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Give white space; what is none only among keys that are none."""
    return spaces if key is keys else st.sampled_from(["", " ", "\n\t"])


values = (written(right_leaves, right_keys) | written(leaves, keys)).map(
    lambda text: text.encode("utf-8", "surrogatepass")
)
damages: st.SearchStrategy[Callable[[bytes], bytes]] = st.sampled_from(
    [
        *[bytes] * 6,
        lambda value: value[:-1],
        lambda value: value + b" x",
        lambda value: b"\xef\xbb\xbf" + value,
        lambda value: value.replace(b'"', b'"\xff', 1),
        lambda value: value.replace(b"e", b"\xed\xa0\x80", 1),
        lambda value: b"[" * 1_100 + value + b"]" * 1_100,
        lambda value: b'{"zz":' * 1_022 + value + b"}" * 1_022,
        lambda value: b"\x00\x00\x00\x00\x05" + value,
    ]
)


def read_twice(source: Source, record: object) -> tuple[list[Outcome], list[Outcome]]:
    """Read a record by its fields, and as a whole."""
    return SourceReader(source).read(record, LATEST), SourceReader(source)._read_whole(record, LATEST)


@settings(max_examples=300, deadline=None)
@given(likely | tables | several, values, damages)
@example({**CONSTANT, "customer": "a"}, b'{"a": 18446744073709551616}', bytes)
@example({**CONSTANT, "customer": "b.c"}, b'{"b": {"a": 1}, "b": {"c": "2"}}', bytes)
@example({**CONSTANT, "customer": ['"\xe9"', {"is": "maria"}]}, '{"\xe9": "x"}'.encode(), bytes)
@example({**CONSTANT, "customer": "a"}, b'{"a": "x", "b": "\xff"}', bytes)
@example({**CONSTANT, "customer": "a"}, b'{"a": "x", "b": "\\ud800"}', bytes)
def test_a_random_source_reads_a_random_text_as_if_it_were_decoded_whole(
    table: Table, value: bytes, damage: Callable[[bytes], bytes]
) -> None:
    record = WrittenRecord(None, damage(value))
    for encoding in ("json", "cloudevents"):
        found, wanted = read_twice(source_of({**table, "encoding": encoding}), record)
        assert repr(found) == repr(wanted)


@settings(max_examples=100, deadline=None)
@given(likely | tables | several, values)
def test_the_data_of_a_cloudevent_in_binary_mode_may_be_decoded_by_its_fields(table: Table, value: bytes) -> None:
    headers = (("ce_a", b"click"), ("ce_type", b"x"), ("content-type", b"application/json"))
    record = WrittenRecord(None, value, headers)
    found, wanted = read_twice(source_of({**table, "encoding": "cloudevents"}), record)
    assert repr(found) == repr(wanted)


@pytest.mark.parametrize("name", FEEDS)
def test_the_records_of_a_feed_are_read_alike(name: str) -> None:
    schemas = shapes.FEEDS / f"{name}.schemas.json"
    known = SchemaFile.read(schemas) if schemas.exists() else None
    reader = SourceReader(shapes.source_of(name, {"format": name, **shapes.OWN.get(name, {})}), known)
    for _, record in read_lines(shapes.FEEDS / f"{name}.jsonl"):
        if record.value is not None:
            assert repr(reader.read(record, LATEST)) == repr(reader._read_whole(record, LATEST))
