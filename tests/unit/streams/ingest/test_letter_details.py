"""What dead letters tell the people who sent the record: what was read, and what is wanted, in the words of JSON."""

from __future__ import annotations

import gzip
import json
import re

import orjson
import pytest

from scoring.events.event import MOST_AHEAD, EventReader
from scoring.mapping.outcomes import Bad
from scoring.rules.segments import Profiles
from streams.ingest.event_decoding import Decoder
from streams.ingest.link_decoding import LinkDecoder
from streams.ingest.profile_decoding import ProfileDecoder
from streams.ingest.schemas import SchemaFile
from streams.ingest.source_reading import SourceReader
from streams.metrics import Metrics
from streams.policy_file.document import parse_policy
from streams.records import DeadLetter, Partition, RecordBatch
from tests.unit.scoring.customers import POLICY, at
from tests.unit.streams.bench import Record

NOW = at("10 12:00")
CHANNEL = parse_policy(POLICY).channels[0]
GOOD = {"customer_id": "anna", "type": "view", "timestamp": "2024-01-10T11:00:00Z"}
#: Words of Python, of its libraries, and of this program.
FOREIGN_WORDS = re.compile(
    r"\b(str|int|float|bool|dict|list|NoneType|None|True|False|bytes, bytearray|memoryview|timedelta|must be in|codec|"
    r"out of range|surrogates not allowed|[A-Z]\w+Error)\b"
)


def letter_of(value: bytes | None, decoder: str = "event") -> DeadLetter:
    """Decode a record that is bad."""
    batch = RecordBatch(Partition("web", 0), 0, [Record(0, NOW // 1000, None, value)])
    if decoder == "link":
        part = LinkDecoder(Metrics()).decode(batch, 0)
    elif decoder == "profile":
        part = ProfileDecoder(Profiles(), Metrics()).decode(batch, NOW + MOST_AHEAD)
    else:
        part = Decoder("web", EventReader(CHANNEL), Metrics(), 0).decode(batch, NOW + MOST_AHEAD)
    [letter] = part.dead_letters
    return letter


BYTES = {
    "tombstone": (None, "empty_value", "no value (a tombstone)"),
    "empty": (b"", "empty_value", "the value is empty"),
    "blank": (b" \n", "not_json", "the value is blank"),
    "gzip": (gzip.compress(json.dumps(GOOD).encode()), "invalid_utf8", "is compressed with gzip"),
    "zstd": (b"\x28\xb5\x2f\xfd\x24\x07", "invalid_utf8", "is compressed with zstd"),
    "zip": (b"PK\x03\x04\x14\x00", "not_json", "is a zip archive"),
    "utf-16": (json.dumps(GOOD).encode("utf-16"), "invalid_utf8", "is UTF-16; JSON has to be sent as UTF-8"),
    "utf-16-le": (json.dumps(GOOD).encode("utf-16-le"), "not_json", "is UTF-16 without a byte order mark"),
    "utf-16-be": (json.dumps(GOOD).encode("utf-16-be"), "not_json", "is UTF-16 without a byte order mark"),
    "byte order mark": (json.dumps(GOOD).encode("utf-8-sig"), "not_json", "a byte order mark (EF BB BF)"),
    "latin-1": (
        '{"customer_id": "Jos\xe9"}'.encode("latin-1"),
        "invalid_utf8",
        "byte E9 at position 20; it is JSON in",
    ),
    "schema registry": (b"\x00\x00\x00\x00\x07\x0aanna", "not_json", "as what is serialized with a schema registry"),
    "cut off": (json.dumps(GOOD).encode()[:40], "not_json", "ends after 40 characters in the middle of its JSON"),
    "NaN": (b'{"customer_id": "anna", "timestamp": NaN}', "not_json", "NaN is not in JSON"),
    "minus infinity": (b'{"x": -Infinity}', "not_json", "Infinity is not in JSON"),
    "single quotes": (b"{'customer_id': 'anna'}", "not_json", "strings stand in double quotes"),
    "two values": (b'{"a": 1}\n{"b": 2}', "not_json", "send each as a record of its own"),
    "half a pair": (b'{"a": "\\ud800"}', "not_json", "half of a surrogate pair"),
    "too deep": (b"[" * 1_025 + b"]" * 1_025, "nested_too_deep", "more than 1,024 arrays and objects"),
    "xml": (b"<event/>", "not_json", "looks like XML"),
    "text": (b"anna,view", "not_json", "before 'anna,view'"),
}


@pytest.mark.parametrize("decoder", ["event", "link", "profile"])
@pytest.mark.parametrize(("value", "reason", "told"), BYTES.values(), ids=BYTES)
def test_what_is_no_json_is_told_for_what_it_is(value: bytes | None, reason: str, told: str, decoder: str) -> None:
    if value is None and decoder == "profile":
        return  # it says nothing, and is none
    letter = letter_of(value, decoder)
    assert letter.reason == reason
    assert told in letter.detail
    assert "surrogates not allowed" not in letter.detail
    assert len(letter.detail) <= 500


FIELDS = {
    "array": (["a"], "not_an_object", "the value is an array, and a JSON object is wanted"),
    "array of objects": ([GOOD], "not_an_object", "send each of its objects as a record of its own"),
    "number": (7, "not_an_object", "the value is the number 7, and"),
    "null": (None, "not_an_object", "the value is null, and"),
    "twice": (json.dumps(GOOD), "not_an_object", "it has been encoded as JSON twice"),
    "no customer": ({"a": 1}, "customer_id_missing", "there is no customer_id, and a string is wanted"),
    "customerId": ({"customerId": "anna"}, "customer_id_missing", 'there is "customerId"'),
    "customer null": ({"customer_id": None}, "customer_id_missing", "customer_id is null, and a string is wanted"),
    "customer number": ({"customer_id": 7}, "customer_id_not_a_string", "customer_id is the number 7, and a string"),
    "customer true": ({"customer_id": True}, "customer_id_not_a_string", "customer_id is true, and a string"),
    "customer object": ({"customer_id": {}}, "customer_id_not_a_string", "customer_id is an object, and a string"),
    "customer empty": ({"customer_id": ""}, "customer_id_empty", "a string with at least one character is wanted"),
    "customer long": ({"customer_id": "x" * 257}, "customer_id_too_long", "customer_id has 257 bytes of UTF-8"),
    "type null": (GOOD | {"type": None}, "type_missing", "type is null, and a string is wanted"),
    "type empty": (GOOD | {"type": ""}, "type_missing", "type is the string"),
    "type array": (GOOD | {"type": ["view"]}, "type_not_a_string", "type is an array, and a string is wanted"),
    "type false": (GOOD | {"type": False}, "type_not_a_string", "type is false, and a string is wanted"),
    "no time": ({"customer_id": "anna", "type": "view"}, "timestamp_missing", "there is no timestamp, and an RFC 3339"),
    "time null": (GOOD | {"timestamp": None}, "timestamp_missing", "timestamp is null"),
    "time true": (GOOD | {"timestamp": True}, "timestamp_invalid", "timestamp is true"),
    "time empty": (GOOD | {"timestamp": ""}, "timestamp_invalid", 'timestamp is ""'),
    "time without an offset": (GOOD | {"timestamp": "2024-01-10 11:00"}, "timestamp_invalid", "with an offset"),
    "digits": (GOOD | {"timestamp": "1704884400"}, "timestamp_invalid", "stands without quotes"),
    "before 1970": (GOOD | {"timestamp": -5}, "timestamp_invalid", "timestamp is the number -5: before 1970"),
    "text before 1970": (GOOD | {"timestamp": "1969-12-31T23:00:00Z"}, "timestamp_invalid", "00Z' is before 1970"),
    "hour 25": (GOOD | {"timestamp": "2024-01-10T25:00:00Z"}, "timestamp_invalid", "'2024-01-10T25:00:00Z' has a day"),
    "February 30": (GOOD | {"timestamp": "2024-02-30T11:00:00Z"}, "timestamp_invalid", "'2024-02-30T11:00:00Z' has a"),
    "offset of a day": (GOOD | {"timestamp": "2024-01-10T11:00:00+24:00"}, "timestamp_invalid", "that there is not"),
    "microseconds": (GOOD | {"timestamp": 1704884400000000}, "timestamp_in_future", "looks like microseconds"),
    "microseconds as float": (GOOD | {"timestamp": 1.7048844e15}, "timestamp_in_future", "looks like microseconds"),
    "nanoseconds": (GOOD | {"timestamp": 1704884400000000000}, "timestamp_in_future", "so divide by 1,000,000"),
    "tomorrow": (GOOD | {"timestamp": "2024-01-11T13:00:00Z"}, "timestamp_in_future", "25 hours ahead of the"),
    "year 2099": (GOOD | {"timestamp": 4070908800}, "timestamp_in_future", "which is 2099-01-01T00:00:00Z: "),
    "year 40000": (GOOD | {"timestamp": 12 * 10**14}, "timestamp_in_future", "looks like microseconds"),
    "huge": (GOOD | {"timestamp": 10**17}, "timestamp_in_future", "after the year 9999"),
    "id true": (GOOD | {"event_id": True}, "event_id_not_a_string", "event_id is true, and a string or a whole number"),
    "id float": (GOOD | {"event_id": 1.5}, "event_id_not_a_string", "event_id is the number 1.5, and a string or a"),
    "id object": (GOOD | {"event_id": {"a": 1}}, "event_id_not_a_string", "event_id is an object, and a string or a"),
}


@pytest.mark.parametrize(("value", "reason", "told"), FIELDS.values(), ids=FIELDS)
def test_a_field_is_told_as_it_was_read_and_as_it_is_wanted(value: object, reason: str, told: str) -> None:
    letter = letter_of(json.dumps(value).encode())
    assert letter.reason == reason
    assert told in letter.detail
    assert not FOREIGN_WORDS.search(letter.detail), letter.detail


@pytest.mark.parametrize(
    ("value", "decoder", "told"),
    [
        ({"id": 7, "customer_id": "anna"}, "link", "id is the number 7, and a string is wanted"),
        ({"id": "", "customer_id": "anna"}, "link", "id is the string"),
        ({"id": "cookie"}, "link", "there is no customer_id, and a string is wanted"),
        (["cookie"], "link", "the value is an array"),
        ({"customer_id": "anna", "segment": ["a"]}, "profile", "the segment is an array, and a string is wanted"),
        ({"customer_id": "anna", "segment": True}, "profile", "the segment is true, and a string is wanted"),
        ({"customer_id": "anna", "segment": "a\nb"}, "profile", "cannot be printed"),
        ({"customer_id": "anna", "timestamp": 1704884400000000}, "profile", "looks like microseconds"),
        ({"customer_id": "anna", "timestamp": "soon"}, "profile", "timestamp 'soon' is not an RFC 3339 time"),
    ],
)
def test_links_and_profiles_are_told_likewise(value: object, decoder: str, told: str) -> None:
    detail = letter_of(json.dumps(value).encode(), decoder).detail
    assert told in detail
    assert not FOREIGN_WORDS.search(detail), detail


SHAPE = """
[channels.web]
weights = { view = 1 }
[sources.feed]
channel = "web"
customer = "who"
type = "what"
time = "when"
time_format = "FORMAT"
"""


def source_detail(value: bytes, encoding: str = "json", time_format: str = "auto", schema: str = "") -> str:
    """Read a record of a foreign shape that is bad."""
    text = SHAPE.replace("FORMAT", time_format) + f'encoding = "{encoding}"\n'
    schemas = SchemaFile({"1": orjson.loads(schema)}) if schema else None
    [outcome] = SourceReader(parse_policy(text).sources[0], schemas).read(Record(0, 0, None, value), NOW + MOST_AHEAD)
    assert isinstance(outcome, Bad)
    return outcome.detail


def at_time(when: object) -> bytes:
    return json.dumps({"who": "anna", "what": "view", "when": when}).encode()


AVRO = '{"type": "record", "name": "View", "fields": [{"name": "who", "type": "string"}]}'


@pytest.mark.parametrize(
    ("value", "options", "told"),
    [
        (b"\xff\xfe", {}, "the value is UTF-16"),
        ('{"who": "Jos\xe9"}'.encode("latin-1"), {}, "it is JSON in Latin-1"),
        (b"Jos\xe9\tview", {"encoding": "tsv"}, "the value is not UTF-8: byte E9 at position 3"),
        (at_time("2024-01-10T25:00:00Z"), {}, "when: '2024-01-10T25:00:00Z' has a day, an hour or an offset that"),
        (at_time(-5), {}, "when is the number -5: before 1970"),
        (at_time([5]), {}, "when is an array: neither an RFC 3339 string nor"),
        (at_time({"at": True}), {"time_format": "ms"}, "when is an object: not a number of ms"),
        (at_time(-5), {"time_format": "ms"}, "when is the number -5: before 1970 or after the year 9999"),
        (at_time("soon"), {"time_format": "s"}, "when: 'soon' is not a number of s"),
        (at_time([True]), {"time_format": "us"}, "when is an array: not a number of us"),
        (b"\0\0\0\0\x01", {"encoding": "avro", "schema": AVRO}, "does not fit its schema: reading it came as far as"),
        (b"\0\0\0\0\x01\x02\xff", {"encoding": "avro", "schema": AVRO}, "does not fit its schema: reading it came"),
        (
            b"\0\0\0\0\x01\x02",
            {"encoding": "avro", "schema": '{"fields": []}'},
            "what the registry has is no Avro schema",
        ),
    ],
)
def test_records_of_foreign_shapes_are_told_likewise(value: bytes, options: dict[str, str], told: str) -> None:
    detail = source_detail(value, **options)
    assert told in detail
    assert not FOREIGN_WORDS.search(detail), detail


def test_a_whole_number_is_an_id() -> None:
    batch = RecordBatch(Partition("web", 0), 0, [Record(0, 0, None, json.dumps(GOOD | {"event_id": 7}).encode())])
    assert not Decoder("web", EventReader(CHANNEL), Metrics(), 0).decode(batch, NOW).dead_letters
