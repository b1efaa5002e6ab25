"""Frames before a value, and the encodings behind them."""

from __future__ import annotations

import base64
import io
import json
import struct
import uuid
import zlib
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import fastavro
import orjson
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from scoring.errors import InvalidEvent
from streams.cli.source_lines import WrittenRecord
from streams.errors import SettingsError
from streams.ingest.avro import avro_reader
from streams.ingest.encodings import decoder_of, schemas_of
from streams.ingest.framing import SCHEMA_HEADER, unframe
from streams.ingest.schemas import Schema, SchemaFile
from streams.ingest.snowplow import COLUMNS

#: By number or GUID, what a registry gives.
Schemas = Mapping[str, object]

GUID = uuid.UUID("1b4e28ba-2fa1-11d2-883f-0016d3cca427")
SCHEMA = {
    "type": "record",
    "name": "Event",
    "fields": [
        {"name": "who", "type": "string"},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "seen", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 8, "scale": 2}},
        {"name": "raw", "type": "bytes"},
        {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["A", "B"]}},
        {"name": "more", "type": ["null", {"type": "array", "items": {"type": "map", "values": "int"}}]},
    ],
}
EVENT: dict[str, Any] = {
    "who": "maria",
    "at": 1_793_923_334_841_000,
    "seen": 1_793_923_334_841,
    "price": Decimal("24.50"),
    "raw": b"\xff\x00",
    "kind": "B",
    "more": [{"n": 1}],
}


def avro(value: dict[str, Any] = EVENT) -> bytes:
    """Write an event without a frame."""
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, fastavro.parse_schema(SCHEMA), value)
    return stream.getvalue()


def by_number(body: bytes, schema: int = 7) -> bytes:
    """Put Confluent's frame before a value."""
    return b"\x00" + struct.pack(">I", schema) + body


def read(encoding: str, value: bytes, headers: dict[str, bytes] | None = None, schemas: Schemas | None = None) -> Any:
    """Decode one value."""
    known = SchemaFile({"7": SCHEMA, str(GUID): SCHEMA, **(schemas or {})})
    return decoder_of(encoding, known)(WrittenRecord(None, value, tuple((headers or {}).items())))


def reason(encoding: str, value: bytes, headers: dict[str, bytes] | None = None, schemas: Schemas | None = None) -> str:
    """Return why a value cannot be decoded."""
    with pytest.raises(InvalidEvent) as refused:
        read(encoding, value, headers, schemas)
    return refused.value.reason


@pytest.mark.parametrize(
    ("value", "headers"),
    [
        (by_number(avro()), {}),
        (b"\x01" + GUID.bytes + avro(), {}),
        (b"\x03\x00" + GUID.bytes + avro(), {}),
        (b"\x03\x05" + GUID.bytes + zlib.compress(avro()), {}),
        (avro(), {SCHEMA_HEADER: b"\x01" + GUID.bytes}),
        (avro(), {SCHEMA_HEADER: b"\x00\x00\x00\x00\x07"}),
    ],
)
def test_a_value_in_any_frame_is_the_same(value: bytes, headers: dict[str, bytes]) -> None:
    found = read("avro", value, headers)
    assert found["at"].timestamp() == 1_793_923_334.841
    assert {name: content for name, content in found.items() if name != "at"} == {
        "who": "maria",
        "seen": 1_793_923_334_841,
        "price": 24.5,
        "raw": base64.b64encode(b"\xff\x00").decode(),
        "kind": "B",
        "more": [{"n": 1}],
    }


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (b"", "not_framed"),
        (b"{}", "not_framed"),
        (b"\x00\x00\x00\x00", "not_framed"),
        (b"\x01" + GUID.bytes[:-1], "not_framed"),
        (b"\x03\x02" + GUID.bytes + avro(), "not_framed"),
        (b"\x03\x00" + GUID.bytes[:-1], "not_framed"),
        (b"\x03\x05" + GUID.bytes + b"no zlib", "not_framed"),
        (b"\x03\x05" + GUID.bytes + zlib.compress(avro())[:-5], "not_framed"),
        (by_number(avro(), 8), "schema_unknown"),
        (by_number(avro()[:-1]), "not_avro"),
        (by_number(avro() + b"\x00"), "not_avro"),
        (by_number(b"\xff" * 40), "not_avro"),
        (by_number(b""), "not_avro"),
    ],
)
def test_what_is_not_framed_known_or_avro_says_so(value: bytes, why: str) -> None:
    assert reason("avro", value) == why


def test_a_schema_that_is_none_is_unknown() -> None:
    assert reason("avro", by_number(avro(), 9), schemas={"9": {"type": "no type"}}) == "schema_unknown"


def test_schemas_may_be_written_as_a_registry_gives_them() -> None:
    as_registry = {"schema": orjson.dumps(SCHEMA).decode(), "schemaType": "AVRO"}
    assert read("avro", by_number(avro(), 9), schemas={"9": as_registry})["who"] == "maria"


@pytest.mark.parametrize("content", [{"x": {}}, {"7": 5}])
def test_a_file_of_schemas_is_by_numbers_and_guids(content: Any) -> None:
    with pytest.raises(ValueError, match=r"schema"):
        SchemaFile(content)


def test_a_file_that_is_none_is_a_wrong_setting(tmp_path: Any) -> None:
    path = tmp_path / "schemas.json"
    for content in ("[", "[]"):
        path.write_text(content)
        with pytest.raises(SettingsError):
            SchemaFile.read(path)
    with pytest.raises(SettingsError):
        SchemaFile.read(tmp_path / "none.json")


def test_the_schemas_of_a_batch_are_named_once_each() -> None:
    values = [by_number(b"", 7), by_number(b"", 7), by_number(b"", 9), b"\x01" + GUID.bytes, b"{}", b"", None]
    assert schemas_of(WrittenRecord(None, value) for value in values) == {"7", "9", str(GUID)}


def test_json_may_be_framed_and_json_schema_must_be() -> None:
    assert read("json", b'{"a": 1}') == read("json", by_number(b'{"a": 1}')) == {"a": 1}
    assert read("json_schema", by_number(b'{"a": 1}')) == {"a": 1}
    assert reason("json_schema", b'{"a": 1}') == "not_framed"
    assert reason("json", b"{") == reason("json_schema", by_number(b"{")) == "not_json"
    assert reason("json", b"") == "empty_value"
    assert reason("json", b'"\xff"') == "invalid_utf8"
    assert reason("json", b"[" * 2_000) == "nested_too_deep"


def test_a_line_of_snowplow_has_131_columns_of_which_the_filled_ones_are_read() -> None:
    line = ["x" if name in ("app_id", "true_tstamp", "event_name") else "" for name in COLUMNS]
    value = "\t".join(line).encode()
    assert (
        read("tsv", value) == read("tsv", value + b"\n") == dict.fromkeys(("app_id", "event_name", "true_tstamp"), "x")
    )
    assert (COLUMNS[12], COLUMNS[124], COLUMNS[130]) == ("user_id", "derived_tstamp", "true_tstamp")
    assert reason("tsv", value + b"\t") == reason("tsv", b"{}") == "not_tsv"
    assert reason("tsv", value.replace(b"x", b"\xff")) == "invalid_utf8"


BINARY = {
    "ce_id": b"1",
    "ce_source": b"/shop",
    "ce_type": b"t",
    "ce_specversion": b"1.0",
    "content-type": b"application/json",
}


def test_a_cloudevent_in_binary_mode_reads_as_if_it_were_structured() -> None:
    attributes = {"id": "1", "source": "/shop", "type": "t", "specversion": "1.0"}
    data = {"id": "data's own", "customer": {"id": "maria"}}
    assert read("cloudevents", json.dumps(data).encode(), BINARY) == {
        **attributes,
        "data": data,
        "customer": {"id": "maria"},
    }
    assert read("cloudevents", b"", BINARY) == attributes
    assert read("cloudevents", b"[5]", BINARY) == {**attributes, "data": [5]}
    structured = {**attributes, "data": data}
    for headers in ({}, {"content-type": b"application/cloudevents+json; charset=utf-8", "ce_id": b"2"}):
        assert read("cloudevents", json.dumps(structured).encode(), headers) == structured
    assert reason("cloudevents", b"{", BINARY) == "not_json"


def message_file() -> descriptor_pb2.FileDescriptorProto:
    """Describe two messages, of which the second holds a third."""
    file = descriptor_pb2.FileDescriptorProto(name="shop.proto", package="shop", syntax="proto3")
    file.message_type.add(name="Other")
    event = file.message_type.add(name="Event")
    kind = descriptor_pb2.FieldDescriptorProto
    event.enum_type.add(name="Kind").value.add(name="A", number=0)
    event.enum_type[0].value.add(name="B", number=1)
    event.field.add(name="who", number=1, type=kind.TYPE_STRING, label=kind.LABEL_OPTIONAL)
    event.field.add(name="at_ms", number=2, type=kind.TYPE_INT64, label=kind.LABEL_OPTIONAL)
    event.field.add(name="kind", number=3, type=kind.TYPE_ENUM, type_name=".shop.Event.Kind", label=kind.LABEL_OPTIONAL)
    event.field.add(
        name="items", number=4, type=kind.TYPE_MESSAGE, type_name=".shop.Event.Item", label=kind.LABEL_REPEATED
    )
    event.field.add(name="raw", number=5, type=kind.TYPE_BYTES, label=kind.LABEL_OPTIONAL)
    item = event.nested_type.add(name="Item")
    item.field.add(name="sku", number=1, type=kind.TYPE_STRING, label=kind.LABEL_OPTIONAL)
    return file


def test_a_protobuf_message_is_an_object_with_the_fields_that_are_set() -> None:
    file = message_file()
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    made = message_factory.GetMessageClass(pool.FindMessageTypeByName("shop.Event"))()
    made.who, made.at_ms, made.kind, made.raw = "maria", 1_793_923_334_841, 1, b"\x00"
    made.items.add(sku="K-07")
    text = base64.b64encode(descriptor_pb2.FileDescriptorSet(file=[file]).SerializeToString()).decode()
    wanted = {"who": "maria", "at_ms": 1_793_923_334_841, "kind": "B", "items": [{"sku": "K-07"}], "raw": "AA=="}
    body = made.SerializeToString()

    by_index = {"9": {"schemaType": "PROTOBUF", "schema": text}}
    assert read("protobuf", by_number(b"\x02\x02" + body, 9), schemas=by_index) == wanted
    assert read("protobuf", by_number(b"\x04\x02\x00" + made.items[0].SerializeToString(), 9), schemas=by_index) == {
        "sku": "K-07"
    }
    assert read("protobuf", by_number(b"\x00", 9), schemas=by_index) == {}
    by_name = {"9": {"schemaType": "PROTOBUF", "schema": text, "message": "shop.Event"}}
    assert read("protobuf", by_number(b"\x00" + body, 9), schemas=by_name) == wanted

    assert reason("protobuf", by_number(b"\x02\x0a" + body, 9), schemas=by_index) == "not_protobuf"
    assert reason("protobuf", by_number(b"\x02\x02\xff\xff", 9), schemas=by_index) == "not_protobuf"
    assert reason("protobuf", by_number(b"\xff" * 9, 9), schemas=by_index) == "not_framed"
    for wrong in ({"schema": "syntax = proto3;"}, {"schema": text, "message": "shop.Nothing"}):
        assert (
            reason("protobuf", by_number(b"\x00", 9), schemas={"9": {"schemaType": "PROTOBUF", **wrong}})
            == "schema_unknown"
        )


WELL_KNOWN = """
syntax = "proto3";
import "google/protobuf/any.proto";
import "google/protobuf/struct.proto";
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";
message Event {
  google.protobuf.Timestamp at = 1;
  google.protobuf.Any any = 2;
  google.protobuf.Struct more = 3;
  google.protobuf.StringValue name = 4;
  google.protobuf.Value number = 5;
  map<string, int32> counts = 6;
}
"""


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (b"\x0a\x02\x08\x0a", {"at": "1970-01-01T00:00:10Z"}),
        (b"\x0a\x0a\x08" + b"\xff" * 8 + b"\x7f", {"at": {"seconds": 2**63 - 1}}),
        (b"\x12\x0a\x0a\x08x.y/None", {"any": {"type_url": "x.y/None"}}),
        (
            b"\x12\x0d\x0a\x07x/Event\x12\x02\x22\x00",
            {"any": {"@type": "x/Event", "name": ""}},
        ),
        (b"\x1a\x09\x0a\x07\x0a\x01a\x12\x02\x20\x01", {"more": {"a": True}}),
        (b"\x22\x03\x0a\x01q", {"name": "q"}),
        (b"\x2a\x09\x11" + struct.pack("<d", float("inf")), {"number": {"number_value": float("inf")}}),
        (b"\x32\x05\x0a\x01a\x10\x05", {"counts": {"a": 5}}),
    ],
)
def test_messages_of_protobuf_itself_are_as_in_json_and_those_without_such_a_form_by_their_fields(
    body: bytes, wanted: Any
) -> None:
    schema = {"9": {"schemaType": "PROTOBUF", "schema": WELL_KNOWN}}
    assert read("protobuf", by_number(b"\x00" + body, 9), schemas=schema) == wanted


def test_a_schema_may_be_a_union_or_an_array_of_types() -> None:
    union = ["null", {"type": "record", "name": "A", "fields": [{"name": "n", "type": "int"}]}, "bytes"]
    schemas = {"9": union, "10": {"type": "array", "items": SCHEMA}}
    assert read("avro", by_number(b"\x02\x0a", 9), schemas=schemas) == {"n": 5}
    assert read("avro", by_number(b"\x04\x02\xff", 9), schemas=schemas) == "/w=="
    (found,) = read("avro", by_number(b"\x02" + avro() + b"\x00", 10), schemas=schemas)
    assert found["who"] == "maria"


def test_a_schema_may_name_types_of_those_that_it_rests_on() -> None:
    inner = {"type": "record", "name": "x.Inner", "fields": [{"name": "raw", "type": "bytes"}]}
    outer = {"type": "record", "name": "x.Outer", "fields": [{"name": "inner", "type": "Inner"}]}
    below = (("inner", json.dumps(inner)), ("outer", json.dumps(outer)))
    union = Schema("AVRO", '["null", "x.Outer"]', references=below)
    alone = Schema("AVRO", json.dumps(outer), references=below[:1])
    assert avro_reader(union)(b"\x02\x02\xff") == avro_reader(alone)(b"\x02\xff") == {"inner": {"raw": "/w=="}}


def test_a_schema_of_no_use_is_not_tried_for_each_record(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def refuse(schema: Any, *_: Any) -> Any:
        tried.append(schema)
        raise ValueError("no schema")

    monkeypatch.setattr(fastavro, "parse_schema", refuse)
    decode = decoder_of("avro", SchemaFile({"7": SCHEMA}))
    for _ in range(3):
        with pytest.raises(InvalidEvent, match="schema_unknown"):
            decode(WrittenRecord(None, by_number(b"")))
    assert len(tried) == 1


def test_the_last_frame_header_of_a_record_that_is_no_id_is_refused() -> None:
    with pytest.raises(InvalidEvent, match="not_framed"):
        unframe(avro(), [(SCHEMA_HEADER, b"7")])
