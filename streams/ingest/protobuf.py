"""Protobuf: messages by a set of descriptors."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Callable, Sequence
from typing import Any

from scoring.errors import InvalidEvent
from streams.errors import ExtraMissing
from streams.ingest.schemas import Schema

try:
    from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
    from google.protobuf.descriptor import Descriptor, FieldDescriptor
    from google.protobuf.message import DecodeError, Message
except ImportError as error:  # pragma: no cover - the extra is installed where tests run
    raise ExtraMissing("encodings", "reading Protobuf") from error

_WELL_KNOWN = "google.protobuf."
_NOT_AS_JSON = (json_format.Error, TypeError, ValueError)


def protobuf_reader(schema: Schema) -> Callable[[Sequence[int], bytes], Any]:
    """Make the reader of the messages of a schema.

    Args:
        schema: whose text is a set of descriptors in base64, the file of the message last in it.

    Returns:
        A function from the indexes of the message and its bytes to an object with the fields that are set, under their
        names in the schema; it raises InvalidEvent, `not_protobuf`.

    Raises:
        InvalidEvent: `schema_unknown`, if the text holds no descriptors.
    """
    pool, last = _pool(schema)
    file = pool.FindFileByName(last)
    kinds: dict[tuple[int, ...], type[Message]] = {}

    def read(path: Sequence[int], body: bytes) -> Any:
        at = tuple(path)
        if at not in kinds:
            descriptor = pool.FindMessageTypeByName(schema.message) if schema.message else _message_at(file, at)
            kinds[at] = message_factory.GetMessageClass(descriptor)
        try:
            return _object(kinds[at].FromString(body))
        except DecodeError as error:
            raise InvalidEvent("not_protobuf", f"the value does not fit its schema: {error}") from None

    return read


def _pool(schema: Schema) -> tuple[descriptor_pool.DescriptorPool, str]:
    try:
        files = descriptor_pb2.FileDescriptorSet.FromString(base64.b64decode(schema.text, validate=True)).file
        pool = descriptor_pool.DescriptorPool()
        for each in files:
            pool.Add(each)
        last = files[-1].name
        if schema.message:
            pool.FindMessageTypeByName(schema.message)
    except (DecodeError, ValueError, TypeError, KeyError, IndexError) as error:
        why = "the schema is not a set of descriptors; give one with the file of schemas"
        raise InvalidEvent("schema_unknown", f"{why}: {error}") from None
    return pool, last


def _message_at(file: Any, path: Sequence[int]) -> Descriptor:
    kinds = list(file.message_types_by_name.values())
    try:
        found: Descriptor = kinds[path[0]]
        for index in path[1:]:
            found = found.nested_types[index]
    except IndexError:
        raise InvalidEvent("not_protobuf", f"the schema has no message {list(path)}") from None
    return found


def _object(message: Message) -> Any:
    kind = message.DESCRIPTOR
    if kind.full_name.startswith(_WELL_KNOWN):
        # Not all that can be written has a form in JSON: an Any of a type that the schema does not have, a time beyond
        # the year 9999. The fields are then read as those of any message.
        with contextlib.suppress(*_NOT_AS_JSON):
            return json_format.MessageToDict(message, descriptor_pool=kind.file.pool)
    found: dict[str, Any] = {}
    for field, value in message.ListFields():
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            of_value = field.message_type.fields_by_name["value"]
            found[field.name] = {str(key): _scalar(of_value, each) for key, each in value.items()}
        elif field.is_repeated:
            found[field.name] = [_scalar(field, each) for each in value]
        else:
            found[field.name] = _scalar(field, value)
    return found


def _scalar(field: FieldDescriptor, value: Any) -> Any:
    if field.message_type is not None:
        return _object(value)
    if field.enum_type is not None:
        known = field.enum_type.values_by_number.get(value)
        return value if known is None else known.name
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value
