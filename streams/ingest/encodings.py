"""Encodings: from a Kafka record to the value that a source's paths lead through."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

import orjson

from scoring.errors import InvalidEvent
from scoring.mapping.fields import Fields
from streams.ingest.event_decoding import why_not_json
from streams.ingest.field_decoding import FieldLoader, Loader, reads_all
from streams.ingest.framing import Framed, is_framed, message_path, unframe
from streams.ingest.not_json import explained
from streams.ingest.schemas import Schema, Schemas
from streams.ingest.snowplow import read_tsv

#: Decodes the value of a record; raises InvalidEvent.
Decode = Callable[[Any], Any]
#: The encodings for which schemas are needed.
WITH_SCHEMAS: Final = frozenset(("avro", "protobuf"))
_ATTRIBUTE: Final = "ce_"
_DATA: Final = "data"
_STRUCTURED: Final = "application/cloudevents+json"


def decoder_of(encoding: str, schemas: Schemas | None) -> Decode:
    """Give the decoder of an encoding.

    Args:
        encoding: one of `ENCODINGS`.
        schemas: have been looked up for the records that are decoded; None where there are none.

    Returns:
        A function from a record, which has a value, to what it says.

    Raises:
        ExtraMissing: if the packages that it needs are not installed.
    """
    if encoding == "avro":
        from streams.ingest.avro import avro_reader  # noqa: PLC0415 - an extra

        return _Schematic(schemas, avro_reader).decode
    if encoding == "protobuf":
        from streams.ingest.protobuf import protobuf_reader  # noqa: PLC0415 - an extra

        return _Schematic(schemas, lambda schema: _by_message(protobuf_reader(schema))).decode
    if encoding == "tsv":
        return _tsv
    return _JSON[encoding](_Whole(), _Whole()).decode


def field_decoder_of(encoding: str, fields: Fields) -> JsonDecoder | None:
    """Give the decoder of an encoding that decodes only what is read.

    Args:
        encoding: one of `ENCODINGS`.
        fields: what is read of a value.

    Returns:
        One that raises ValueError or InvalidEvent where a record has to be decoded whole; None where all have to be.
    """
    make = _JSON.get(encoding)
    if make is None or reads_all(fields):
        return None
    of_record = FieldLoader(fields)
    if encoding != "cloudevents":
        return make(of_record, of_record)
    data = fields.joined(fields.named.get(_DATA, Fields()))
    return make(of_record, _Whole() if reads_all(data) else FieldLoader(data))


def schemas_of(records: Iterable[Any]) -> set[str]:
    """Name the schemas by which records were written; those without a frame have none.

    Args:
        records: of a batch.
    """
    found = set()
    for record in records:
        if record.value:
            try:
                found.add(unframe(record.value, record.headers).schema)
            except InvalidEvent:
                continue
    return found


def loads(value: bytes | str) -> Any:
    """Decode JSON.

    Args:
        value: the text.

    Raises:
        InvalidEvent: with the reason, if it is none.
    """
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raw = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
        raise InvalidEvent(why_not_json(raw, error), explained(raw, error)) from None


class _Schematic:
    """Decodes by the schema that a frame names; the reader of each schema is made once."""

    def __init__(self, schemas: Schemas | None, reader: Callable[[Schema], Callable[[bytes], Any]]) -> None:
        self._schemas, self._reader = schemas, reader
        self._readers: dict[str, Callable[[bytes], Any]] = {}

    def decode(self, record: Any) -> Any:
        framed: Framed = unframe(record.value, record.headers)
        read = self._readers.get(framed.schema)
        if read is None:
            schema = self._schemas.get(framed.schema) if self._schemas is not None else None
            if schema is None:
                raise InvalidEvent("schema_unknown", f"there is no schema {framed.schema}")
            read = self._readers[framed.schema] = self._make(framed.schema, schema)
        return read(framed.body)

    def _make(self, name: str, schema: Schema) -> Callable[[bytes], Any]:
        """Make the reader of a schema; of one that is of no use, a reader that says so each time."""
        if schema.problem:
            return _refusing(f"schema {name}: {schema.problem}")
        try:
            return self._reader(schema)
        except InvalidEvent as error:
            return _refusing(error.detail)


def _refusing(problem: str) -> Callable[[bytes], Any]:
    def refuse(_body: bytes) -> Any:
        raise InvalidEvent("schema_unknown", problem)

    return refuse


def _by_message(read: Callable[[list[int], bytes], Any]) -> Callable[[bytes], Any]:
    return lambda body: read(*message_path(body))


def _tsv(record: Any) -> Any:
    return read_tsv(record.value)


class _Whole(Loader):
    def load(self, value: bytes) -> Any:
        return loads(value)


class JsonDecoder:
    """Decodes JSON, also in a frame, as no JSON begins with the byte of a frame."""

    def __init__(self, loader: Loader, data_loader: Loader) -> None:
        """Prepare.

        Args:
            loader: of values.
            data_loader: of the values of CloudEvents in binary mode.
        """
        self._loader, self._data_loader = loader, data_loader

    def decode(self, record: Any) -> Any:
        """Decode the value of a record.

        Args:
            record: which has one.
        """
        return self._loader.load(_unframed(record))


class _FramedJson(JsonDecoder):
    def decode(self, record: Any) -> Any:
        return self._loader.load(unframe(record.value, record.headers).body)


class _CloudEvent(JsonDecoder):
    """Decodes a CloudEvent; one in binary mode as if it had been structured.

    The fields of its data may be named without `data`, too, but for those that have the name of an attribute.
    """

    def decode(self, record: Any) -> Any:
        headers = {
            name: content for name, content in record.headers if name.startswith(_ATTRIBUTE) or name == "content-type"
        }
        kind = (headers.pop("content-type", None) or b"").decode(errors="replace")
        if not headers or kind.startswith(_STRUCTURED):
            return self._loader.load(_unframed(record))
        attributes = {
            name.removeprefix(_ATTRIBUTE): content.decode(errors="replace")
            for name, content in headers.items()
            if content
        }
        if not record.value:
            return attributes
        data = self._data_loader.load(_unframed(record))
        own = data if isinstance(data, dict) else {}
        return {**own, **attributes, _DATA: data}


def _unframed(record: Any) -> bytes:
    value: bytes = record.value
    return unframe(value, record.headers).body if is_framed(value) else value


_JSON: Final[dict[str, type[JsonDecoder]]] = {
    "json": JsonDecoder,
    "json_schema": _FramedJson,
    "cloudevents": _CloudEvent,
}
