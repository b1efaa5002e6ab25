"""Why a value is not JSON, in a sentence for those who have sent it."""

from __future__ import annotations

import codecs

import orjson

_SHOWN = 20
#: How a value begins that is something else altogether.
_STARTS = (
    (b"\x1f\x8b", "is compressed with gzip; let the Kafka client compress (compression.type), or send the JSON itself"),
    (b"\x28\xb5\x2f\xfd", "is compressed with zstd; let the Kafka client compress (compression.type)"),
    (b"\x04\x22\x4d\x18", "is compressed with lz4; let the Kafka client compress (compression.type)"),
    (b"\x82SNAPPY\0", "is compressed with snappy; let the Kafka client compress (compression.type)"),
    (b"\xff\x06\0\0sNaPpY", "is compressed with snappy; let the Kafka client compress (compression.type)"),
    (b"PK\x03\x04", "is a zip archive"),
    (b"Obj\x01", "is an Avro file"),
    (codecs.BOM_UTF8, "begins with a byte order mark (EF BB BF), which JSON must not have"),
    (codecs.BOM_UTF16_LE, "is UTF-16; JSON has to be sent as UTF-8"),
    (codecs.BOM_UTF16_BE, "is UTF-16; JSON has to be sent as UTF-8"),
    (b"<", "looks like XML or HTML"),
)
_NOT_IN_JSON = ("NaN", "Infinity", "-Infinity", "None", "True", "False", "undefined")


def explained(value: bytes | None, error: orjson.JSONDecodeError) -> str:
    """Say what a value is that cannot be decoded.

    Args:
        value: of the record.
        error: of decoding it.

    Returns:
        A sentence that says what was read and what is wanted.
    """
    if value is None:
        return "the record has no value (a tombstone), and a JSON object is wanted"
    if not value.strip(b" \t\r\n"):
        return f"the value is {'blank' if value else 'empty'}, and a JSON object is wanted"
    for start, what in _STARTS:
        if value.startswith(start):
            return f"the value {what}"
    if b"\0" in value[:2]:
        return f"the value {_with_zeros(value)}"
    try:
        text = value.decode()
    except UnicodeDecodeError as wrong:
        return _latin(value, wrong)
    return _wrong_text(text, error)


def _with_zeros(value: bytes) -> str:
    if len(value) > 2 and (not any(value[1::2]) or not any(value[::2])):  # noqa: PLR2004 - a character and more
        return "is UTF-16 without a byte order mark; JSON has to be sent as UTF-8"
    return "begins with a zero byte, as what is serialized with a schema registry does; plain JSON is wanted"


def not_utf8(value: bytes, wrong: UnicodeDecodeError) -> str:
    """Say where a value is not UTF-8.

    Args:
        value: that should be.
        wrong: the error of decoding it.
    """
    return f"the value is not UTF-8: byte {value[wrong.start]:02X} at position {wrong.start}"


def _latin(value: bytes, wrong: UnicodeDecodeError) -> str:
    found = not_utf8(value, wrong)
    try:
        orjson.loads(value.decode("cp1252"))
    except (UnicodeDecodeError, orjson.JSONDecodeError):
        return found
    meant = value[wrong.start : wrong.start + 1].decode("cp1252")
    return f"{found}; it is JSON in Latin-1 or Windows-1252, where this is {meant!r}"


def _wrong_text(text: str, error: orjson.JSONDecodeError) -> str:
    if "recursion" in str(error).lower() or "depth" in str(error).lower():
        return "the value has more than 1,024 arrays and objects inside each other"
    at, rest = error.pos, text[error.pos :]
    if at >= len(text.rstrip()):
        return f"the value ends after {len(text)} characters in the middle of its JSON: it has been cut off"
    foreign = [word for word in _NOT_IN_JSON if text.startswith(word, at) or text.startswith(word, at - 1)]
    if foreign:
        hint = f": {foreign[0]} is not in JSON; send null, true, false, or leave the field out"
    elif "surrogate" in error.msg:
        hint = ": half of a surrogate pair (\\ud800 to \\udfff) stands alone in a string"
    elif rest.startswith("'"):
        hint = ": strings stand in double quotes"
    elif _decodes(text[:at]):
        hint = ": something follows the first JSON value; send each as a record of its own"
    else:
        hint = f", before {rest[:_SHOWN]!r}"
    return f"the value is not JSON: {error.msg} at character {at}{hint}"


def _decodes(text: str) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True
