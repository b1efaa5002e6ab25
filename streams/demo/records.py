"""What the made-up customers do as records: clicks as Segment's calls, all else in the product's own shape."""

from __future__ import annotations

import orjson

from scoring.instants import SECOND, format_instant
from streams.demo.traffic import Happening

#: How a shop calls what its customers do, by the names of Segment's specification where it has one.
_TRACKED = {
    "click": "Button Clicked",
    "search": "Products Searched",
    "add_to_cart": "Product Added",
    "purchase": "Order Completed",
}


def record_of(happening: Happening, began: int) -> bytes:
    """Write the value of a record.

    Args:
        happening: what happened, or a bad record.
        began: when the demonstration did, in microseconds since 1970.
    """
    if happening.value:
        return happening.value
    at = format_instant(began + round(happening.at * SECOND))
    number = f"demo-{happening.number}"
    if happening.channel == "clickstream":
        return orjson.dumps(_segment_call(happening, at, number))
    return orjson.dumps(
        {"customer_id": happening.customer, "type": happening.type, "timestamp": at, "event_id": number}
    )


def _segment_call(happening: Happening, at: str, number: str) -> dict[str, object]:
    call: dict[str, object] = {"userId": happening.customer, "messageId": number, "timestamp": at}
    if happening.type == "page_view":
        return call | {"type": "page", "name": "Home", "properties": {"path": "/"}}
    return call | {"type": "track", "event": _TRACKED[happening.type], "properties": {}}
