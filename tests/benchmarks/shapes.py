"""The events of the benchmarks in the shapes of other systems: what those systems send, with all that nobody reads."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import fastavro
import orjson

Event = Mapping[str, Any]
#: The schema of the records in Avro, by its id.
SCHEMAS: Final = {
    "5": {
        "type": "record",
        "name": "Event",
        "fields": [
            {"name": "event_uuid", "type": "string"},
            {"name": "user_id", "type": ["null", "string"]},
            {"name": "event_name", "type": "string"},
            {"name": "occurred_at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
            {"name": "app_version", "type": ["null", "string"]},
            {"name": "attributes", "type": {"type": "map", "values": "string"}},
        ],
    }
}
_AVRO: Final = fastavro.parse_schema(SCHEMAS["5"])
_AVRO_FRAME: Final = b"\0\0\0\0\x05"
_PHONE: Final = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 "
    "Mobile/15E148 Safari/604.1"
)


@dataclass(frozen=True)
class Shape:
    """How events are written: so many `together` in a record, for sources with these keys.

    Where there are no keys, it is the product's own shape. `alone` is what decodes a record and does nothing else.
    """

    title: str
    keys: str
    write: Callable[[Sequence[Event]], bytes]
    alone: Callable[[bytes], Any] = orjson.loads
    together: int = 1

    def source(self, topic: str, channel: str) -> str:
        """Write a source in the notation of a policy.

        Args:
            topic: where the records are.
            channel: that they feed.
        """
        return f'[sources."{topic}"]\nchannel = "{channel}"\n{self.keys}\n'


def _own(events: Sequence[Event]) -> bytes:
    return orjson.dumps(events[0])


def _segment(events: Sequence[Event]) -> bytes:
    """Write a track call with the context that Segment's libraries gather on a phone, of about 1,500 bytes."""
    event, properties = events[0], events[0]["properties"]
    url = f"https://shop.example{properties['page']}"
    context = {
        "app": {"name": "Shop", "version": "5.11.2", "build": "3.0.1.545"},
        "campaign": {"name": properties["campaign"], "source": "newsletter", "medium": "email", "term": "boots"},
        "device": {"id": event["event_id"], "manufacturer": "Apple", "model": "iPhone14,2", "type": "ios"},
        "ip": "203.0.113.92",
        "library": {"name": "analytics.js", "version": "2.1.0"},
        "locale": "en-GB",
        "network": {"bluetooth": False, "carrier": "Example Mobile", "cellular": True, "wifi": False},
        "os": {"name": "iOS", "version": "18.1"},
        "page": {"path": properties["page"], "referrer": url, "search": "?q=boots", "title": "Boots", "url": url},
        "screen": {"width": 390, "height": 844, "density": 3},
        "timezone": "Europe/London",
        "userAgent": _PHONE,
    }
    return orjson.dumps(
        {
            "anonymousId": f"{event['event_id']}-4d2f-{event['event_id']}",
            "channel": "client",
            "context": context,
            "event": event["type"],
            "integrations": {"All": True},
            "messageId": f"ajs-next-{event['event_id']}",
            "originalTimestamp": _iso(event["timestamp"] - 1),
            "projectId": "p_example",
            "properties": {"name": "Winter boots", "category": "shoes", "price": 89.5, "quantity": 1, **properties},
            "receivedAt": _iso(event["timestamp"] + 1),
            "sentAt": _iso(event["timestamp"]),
            "timestamp": _iso(event["timestamp"]),
            "type": "track",
            "userId": event["customer_id"],
            "version": 2,
            "writeKey": "wk_example",
        }
    )


def _sendgrid(events: Sequence[Event]) -> bytes:
    return orjson.dumps(
        [
            {
                "email": f"{event['customer_id']}@example.net",
                "timestamp": int(event["timestamp"]),
                "smtp-id": f"<{event['event_id']}@ismtpd-5>",
                "event": event["type"],
                "category": ["newsletter", "autumn"],
                "sg_event_id": f"{event['event_id']}-0",
                "sg_message_id": f"{event['event_id']}.filter0001.16648",
                "useragent": _PHONE,
                "ip": "203.0.113.92",
                "sg_machine_open": False,
            }
            for event in events
        ]
    )


def _cloudevent(events: Sequence[Event]) -> bytes:
    event = events[0]
    return orjson.dumps(
        {
            "specversion": "1.0",
            "type": event["type"],
            "source": "/shop/web",
            "id": event["event_id"],
            "time": _iso(event["timestamp"]),
            "subject": event["customer_id"],
            "datacontenttype": "application/json",
            "data": event["properties"],
        }
    )


def _avro(events: Sequence[Event]) -> bytes:
    event = events[0]
    written = io.BytesIO(_AVRO_FRAME)
    written.seek(len(_AVRO_FRAME))
    fields = {
        "event_uuid": event["event_id"],
        "user_id": event["customer_id"],
        "event_name": event["type"],
        "occurred_at": round(event["timestamp"] * 1_000),
        "app_version": None,
        "attributes": event["properties"],
    }
    fastavro.schemaless_writer(written, _AVRO, fields)
    return written.getvalue()


def _avro_alone(value: bytes) -> Any:
    return fastavro.schemaless_reader(io.BytesIO(value[len(_AVRO_FRAME) :]), _AVRO, None)


def _iso(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


OWN: Final = Shape("the product's own", "", _own)
#: In the order of the table.
SHAPES: Final = (
    OWN,
    Shape("Segment", 'format = "segment"', _segment),
    Shape("SendGrid, arrays of 4", 'format = "sendgrid"', _sendgrid, together=4),
    Shape("CloudEvents", 'format = "cloudevents"', _cloudevent),
    Shape("Avro", 'format = "confluent_avro"', _avro, alone=_avro_alone),
)


def schema_file() -> str:
    """Write the schemas as the setting ENGAGEMENT_SCHEMA_FILE takes them."""
    return json.dumps(SCHEMAS)
