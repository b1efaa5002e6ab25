"""Framings: how the bytes before a value say by which schema it was written."""

from __future__ import annotations

import struct
import uuid
import zlib
from collections.abc import Iterable
from typing import Final, NamedTuple

from scoring.errors import InvalidEvent

#: The header in which newer clients of Confluent's write the schema's id instead.
SCHEMA_HEADER: Final = "__value_schema_id"
_BY_NUMBER: Final = 0
_BY_GUID: Final = 1
_GLUE: Final = 3
_NUMBER_BYTES, _GUID_BYTES, _GLUE_BYTES = 5, 17, 18
_PLAIN, _ZLIB = 0, 5
#: No record is larger than a broker takes; what unpacks to more is no record.
_MOST_UNPACKED: Final = 64 << 20


class Framed(NamedTuple):
    """A value with the id of its schema: a number, or the text of a GUID."""

    schema: str
    body: bytes


def unframe(value: bytes, headers: Iterable[tuple[str, bytes]] = ()) -> Framed:
    """Take a value out of its frame: Confluent's (a number or a GUID, before the value or in a header) or AWS Glue's.

    Args:
        value: of the record.
        headers: of the record.

    Returns:
        The id of the schema, and the bytes that it describes.

    Raises:
        InvalidEvent: `not_framed`, if there is no frame.
    """
    for name, content in headers:
        if name == SCHEMA_HEADER and content:
            return Framed(_identity(content)[0], value)
    if value[:1] == b"\x03":
        return _glue(value)
    schema, size = _identity(value)
    return Framed(schema, value[size:])


def is_framed(value: bytes) -> bool:
    """Return whether a value that should be JSON has a frame before it: no JSON begins with such a byte.

    Args:
        value: of the record.
    """
    return len(value) > 0 and value[0] in (_BY_NUMBER, _BY_GUID, _GLUE)


def message_path(body: bytes) -> tuple[list[int], bytes]:
    """Read which message of a Protobuf schema was written: the indexes that stand before it.

    Args:
        body: of the frame.

    Returns:
        The indexes from the outer message to the inner one, and the message.

    Raises:
        InvalidEvent: `not_framed`, if there are none.
    """
    count, at = _varint(body, 0)
    if not count:
        return [0], body[at:]
    path = []
    for _ in range(count):
        index, at = _varint(body, at)
        path.append(index)
    return path, body[at:]


def _identity(value: bytes) -> tuple[str, int]:
    magic = value[0] if value else None
    if magic == _BY_NUMBER and len(value) >= _NUMBER_BYTES:
        return str(struct.unpack_from(">I", value, 1)[0]), _NUMBER_BYTES
    if magic == _BY_GUID and len(value) >= _GUID_BYTES:
        return str(uuid.UUID(bytes=bytes(value[1:_GUID_BYTES]))), _GUID_BYTES
    begins = "is empty" if magic is None else f"begins with the byte {magic}"
    raise InvalidEvent("not_framed", f"the value {begins}, not with the id of a schema")


def _glue(value: bytes) -> Framed:
    if len(value) < _GLUE_BYTES or value[1] not in (_PLAIN, _ZLIB):
        raise InvalidEvent("not_framed", "the value begins as AWS Glue's frame does, but does not go on so")
    body = value[_GLUE_BYTES:]
    if value[1] == _ZLIB:
        try:
            unpacker = zlib.decompressobj()
            body = unpacker.decompress(body, _MOST_UNPACKED)
        except zlib.error:
            raise InvalidEvent("not_framed", "the value in AWS Glue's frame is not compressed with zlib") from None
        if unpacker.unconsumed_tail or not unpacker.eof:
            raise InvalidEvent("not_framed", "the value in AWS Glue's frame is cut short or too large")
    return Framed(str(uuid.UUID(bytes=bytes(value[2:_GLUE_BYTES]))), body)


def _varint(body: bytes, at: int) -> tuple[int, int]:
    """Read a zigzag number."""
    raw = shift = 0
    while at < len(body) and shift < 32:  # noqa: PLR2004 - more bits than an index has
        byte = body[at]
        raw |= (byte & 0x7F) << shift
        shift += 7
        at += 1
        if not byte & 0x80:
            number = (raw >> 1) ^ -(raw & 1)
            if not 0 <= number <= 1000:  # noqa: PLR2004 - no schema has more messages
                break
            return number, at
    raise InvalidEvent("not_framed", "the indexes of the Protobuf message cannot be read")
