"""Avro: values by the schema that they were written with."""

from __future__ import annotations

import base64
import io
import struct
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

import orjson

from scoring.errors import InvalidEvent
from streams.errors import ExtraMissing
from streams.ingest.schemas import Schema

try:
    import fastavro
    from fastavro.schema import SchemaParseException
except ImportError as error:  # pragma: no cover - the extra is installed where tests run
    raise ExtraMissing("encodings", "reading Avro") from error

# Of the logical types those stay of which the plain value would not tell the unit or the scale; the others cost time,
# and a plain number of milliseconds or a plain text says the same.
_KEPT: Final = ("decimal", "timestamp-micros", "local-timestamp-micros")
_FIELD: Final = "value"
_UNREADABLE = (EOFError, ValueError, IndexError, KeyError, TypeError, OverflowError, struct.error, RecursionError)


def avro_reader(written_by: Schema) -> Callable[[bytes], Any]:
    """Make the reader of the values of a schema.

    Args:
        written_by: the writer's schema, and those whose types it names.

    Returns:
        A function from bytes to the value; it raises InvalidEvent, `not_avro`.

    Raises:
        InvalidEvent: `schema_unknown`, if the text is no schema.
    """
    try:
        named: dict[str, Any] = {}
        texts = [*(text for _, text in written_by.references), written_by.text]
        schemas = [_plain_schema(orjson.loads(text)) for text in texts]
        for schema in schemas[:-1]:
            fastavro.parse_schema(schema, named)
        # A record carries the types that it names; what is none does not, and is read as the field of one, whose bytes
        # are the same.
        alone = not isinstance(schemas[-1], dict) or schemas[-1].get("type") != "record"
        parsed = fastavro.parse_schema(_in_record(schemas[-1]) if alone else schemas[-1], named)
    except (SchemaParseException, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        why = f": {error}" if isinstance(error, SchemaParseException) else ""
        raise InvalidEvent("schema_unknown", f"what the registry has is no Avro schema{why}") from None
    costly = _has_unplain(schemas)

    def read(body: bytes) -> Any:
        stream = io.BytesIO(body)
        try:
            value: Any = fastavro.schemaless_reader(stream, parsed, None)
        except _UNREADABLE:
            at = f"reading it came as far as byte {stream.tell():,} of {len(body):,}"
            raise InvalidEvent("not_avro", f"the value does not fit its schema: {at}") from None
        if stream.tell() != len(body):
            raise InvalidEvent("not_avro", f"{len(body) - stream.tell()} bytes are left behind the value")
        value = value[_FIELD] if alone else value
        return _plain(value) if costly else value

    return read


def _in_record(schema: Any) -> dict[str, Any]:
    return {"type": "record", "name": "engagement.Value", "fields": [{"name": _FIELD, "type": schema}]}


def _plain_schema(schema: Any) -> Any:
    """Take logical types out of a schema."""
    if isinstance(schema, list):
        return [_plain_schema(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _plain_schema(value) if key in ("type", "items", "values", "fields") else value
        for key, value in schema.items()
        if key != "logicalType" or value in _KEPT
    }


def _has_unplain(schema: Any) -> bool:
    """Return whether values may be of kinds that JSON has not."""
    if isinstance(schema, list):
        return any(_has_unplain(each) for each in schema)
    if isinstance(schema, dict):
        parts = [schema.get(key) for key in ("type", "items", "values", "fields")]
        return "logicalType" in schema or schema.get("type") == "fixed" or any(_has_unplain(part) for part in parts)
    return bool(schema == "bytes")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return plain_scalar(value)


def plain_scalar(value: Any) -> Any:
    """Give a value of a kind that JSON has, but for points in time, which stay.

    Args:
        value: out of a binary encoding.
    """
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return base64.b64encode(value).decode()
    return value
