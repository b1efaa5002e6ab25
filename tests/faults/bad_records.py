"""Records that can never be scored, one kind for each reason of a dead letter."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

Body = dict[str, Any]
MakeBad = Callable[[Body], bytes | None]


def _with(**changes: Any) -> MakeBad:
    return lambda body: json.dumps({**body, **changes}).encode()


def _without(name: str) -> MakeBad:
    return lambda body: json.dumps({field: value for field, value in body.items() if field != name}).encode()


#: The reason, and what makes such a value out of a good event.
BAD_VALUES: list[tuple[str, MakeBad]] = [
    ("empty_value", lambda _body: None),
    ("empty_value", lambda _body: b""),
    ("invalid_utf8", lambda body: json.dumps(body).encode().replace(b"open", b"op\xffen")),
    ("not_json", lambda body: json.dumps(body).encode()[:-1]),
    ("not_json", lambda body: json.dumps({**body, "type": float("nan")}).encode()),
    ("nested_too_deep", lambda _body: b"[" * 5_000 + b"]" * 5_000),
    ("not_an_object", lambda body: json.dumps([body]).encode()),
    ("customer_id_missing", _without("customer_id")),
    ("customer_id_empty", _with(customer_id="")),
    ("customer_id_not_a_string", _with(customer_id=7)),
    ("customer_id_too_long", _with(customer_id="x" * 257)),
    ("type_missing", _without("type")),
    ("type_not_a_string", _with(type=["open"])),
    ("timestamp_missing", _without("timestamp")),
    ("timestamp_invalid", _with(timestamp="yesterday")),
    ("timestamp_invalid", _with(timestamp="2024-01-01T00:00:00")),
    ("timestamp_invalid", _with(timestamp="0001-01-01T00:00:00Z")),
    ("timestamp_invalid", _with(timestamp=-1)),
    ("timestamp_invalid", _with(timestamp="NaN")),
    ("timestamp_invalid", _with(timestamp={"seconds": 1})),
    ("timestamp_in_future", _with(timestamp="2099-12-31T23:59:59Z")),
    ("timestamp_in_future", _with(timestamp="9999-12-31T23:59:59-14:00")),
    ("timestamp_in_future", lambda body: json.dumps({**body, "timestamp": time.time() + 3_600}).encode()),
    ("event_id_not_a_string", _with(event_id=[1])),
]
