"""Segment's HTTP tracking API: what a request to it says, as the calls that Segment would hand on.

Rests on decision 90.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import orjson

from scoring.instants import format_instant, parse_timestamp
from streams.errors import RequestRefused
from streams.ingest.not_json import explained
from streams.receiver.signatures import password_of

_BAD_REQUEST: Final = 400
_LATEST: Final = parse_timestamp("9999-12-31T23:59:59Z")
_CALLS: Final = ("track", "page", "screen", "identify", "group", "alias")
#: The paths below `/v1/`, with the type of the call; '' where the calls are a batch and each has its own. Libraries
#: of servers post to `batch`, analytics.js to the first letters.
METHODS: Final = {
    **{name: name for name in _CALLS},
    **{name[0]: name for name in _CALLS},
    **dict.fromkeys(("batch", "b", "import"), ""),
}


class Call(NamedTuple):
    """One call: whose it is, and the call as JSON."""

    key: bytes | None
    value: bytes


def read_document(body: bytes) -> dict[str, Any]:
    """Read the body of a request.

    Args:
        body: its bytes.

    Raises:
        RequestRefused: if it is no JSON object.
    """
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        why = explained(body, error).replace("the value", "the body", 1)
        raise RequestRefused(_BAD_REQUEST, "malformed", why) from None
    if not isinstance(document, dict):
        raise RequestRefused(_BAD_REQUEST, "malformed", "the body is not a JSON object")
    return document


def write_key_of(authorization: str, document: Mapping[str, Any]) -> str:
    """Return with which write key a request comes.

    Args:
        authorization: the header, which has the key as the user of basic authentication; '' for none.
        document: the body, which may have it as `writeKey`.

    Returns:
        The key, '' for none.
    """
    kind, _, word = authorization.partition(" ")
    user = password_of(word)[0] if kind.lower() == "basic" else ""
    return user or str(document.get("writeKey") or "")


def calls_of(method: str, document: Mapping[str, Any], now: int) -> list[Call]:
    """Make the calls that Segment would hand on.

    Each gets what the API adds: a `messageId` if it has none, `receivedAt`, and a `timestamp` that is right although
    the clock of the device may not be: `receivedAt` less the time from the call (`originalTimestamp`) to `sentAt`.

    Args:
        method: one of `METHODS`.
        document: the body.
        now: microseconds since 1970.

    Returns:
        The calls. What is no object in a batch is one as it is, for the worker to refuse.

    Raises:
        RequestRefused: if a batch has no array of calls.
    """
    kind = METHODS[method]
    if kind:
        return [_call({**document, "type": kind}, document.get("sentAt"), now)]
    batch = document.get("batch")
    if not isinstance(batch, list):
        raise RequestRefused(_BAD_REQUEST, "malformed", "the body has no array `batch`")
    return list(_batched(batch, document, now))


def _batched(batch: list[Any], document: Mapping[str, Any], now: int) -> Iterator[Call]:
    for each in batch:
        if not isinstance(each, dict):
            yield Call(None, _json(each))
            continue
        merged = dict(each)
        for name in ("context", "integrations"):
            shared, own = document.get(name), each.get(name)
            if isinstance(shared, dict) and isinstance(own, dict | None):
                merged[name] = {**shared, **(own or {})}
        yield _call(merged, each.get("sentAt") or document.get("sentAt"), now)


def _call(call: dict[str, Any], sent_at: object, now: int) -> Call:
    call.pop("writeKey", None)
    if not call.get("messageId"):
        call["messageId"] = f"receiver-{uuid.uuid4()}"
    call["receivedAt"] = format_instant(now)
    original = call.get("timestamp") or call.get("originalTimestamp")
    if not original:
        call["timestamp"] = call["receivedAt"]
    elif (happened := _instant(original)) is not None:
        sent = _instant(sent_at)
        corrected = happened + (now - sent if sent is not None else 0)
        call["originalTimestamp"] = original
        # A clock that is off by ages is not worth a correction.
        call["timestamp"] = format_instant(corrected) if 0 <= corrected <= _LATEST else original
    customer = call.get("userId") or call.get("anonymousId")
    return Call(str(customer).encode("utf-8", "replace") if customer else None, _json(call))


def _json(value: object) -> bytes:
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError as error:
        # What can be read may be nested too deeply to be written.
        raise RequestRefused(_BAD_REQUEST, "malformed", f"a call cannot be written: {error}") from None


def _instant(value: object) -> int | None:
    try:
        return parse_timestamp(value)
    except ValueError:
        return None
