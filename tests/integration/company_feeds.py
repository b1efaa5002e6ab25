"""Records as vendors write them: those fields that tell something, and a few that do not."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from tests.services.kafka_client import Record


def record(body: Any, **headers: str) -> Record:
    """Write a record as JSON."""
    return Record(json.dumps(body).encode(), None, [(name, text.encode()) for name, text in headers.items()])


def utc(at: float, mark: str = "Z") -> str:
    """Write a time in UTC to the millisecond."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + mark


def link(one: str, customer: str) -> Record:
    """Say that an id stands for a customer."""
    return record({"id": one, "customer_id": customer})


def own(customer: str, kind: str, at: float, **properties: Any) -> Record:
    """Write an event in the product's own shape."""
    return record({"customer_id": customer, "type": kind, "timestamp": at, "properties": properties})


def segment(user: str, event: str, at: float, *, kind: str = "track", **properties: Any) -> Record:
    """Write a call of Segment or RudderStack; of a `page`, the event is its name, and of no account."""
    said = {"event": event} if kind == "track" else {"name": event}
    ids = {"userId": user, "anonymousId": f"{user}-cookie"}
    times = {"timestamp": utc(at), "originalTimestamp": utc(at + 40), "receivedAt": utc(at + 1)}
    return record({**ids, **said, **times, "type": kind, "messageId": f"{user}-{event}-{at}", "properties": properties})


def identify(user: str, cookie: str, at: float) -> Record:
    """Write Segment's call that says who a browser is."""
    body = {"type": "identify", "userId": user, "anonymousId": cookie, "timestamp": utc(at)}
    return record({**body, "messageId": f"identify-{cookie}", "traits": {}})


def sendgrid(*events: tuple[str, str, float], **more: Any) -> Record:
    """Write an array of SendGrid's events, each of an address, its type and its time."""
    written = [
        {"email": address.upper(), "event": kind, "timestamp": int(at), "sg_message_id": "m.filter0001", **more}
        for address, kind, at in events
    ]
    return record(written)


def ses(address: str, kind: str, at: float) -> Record:
    """Write an event of Amazon SES."""
    mail = {"timestamp": utc(at - 5), "messageId": f"ses-{address}", "destination": [address]}
    inner = {kind.lower(): {"timestamp": utc(at), **({"recipients": [address]} if kind == "Delivery" else {})}}
    return record({"eventType": kind, "mail": mail, **inner})


def postmark(address: str, kind: str, at: float, **more: Any) -> Record:
    """Write an event of Postmark."""
    time = {"Delivery": "DeliveredAt", "SubscriptionChange": "ChangedAt"}.get(kind, "ReceivedAt")
    body = {"RecordType": kind, "MessageID": f"pm-{address}-{int(at) // 86_400}", "Metadata": {}, "Recipient": address}
    return record({**body, "Tag": "autumn", time: utc(at, "0000Z"), **more})


def braze(user: str, kind: str, *times: float) -> Record:
    """Write an array of events of Braze Currents."""
    events = [
        {"event_type": kind, "id": f"{user}-{kind}-{at}", "time": int(at), "user": {"external_user_id": user}}
        for at in times
    ]
    return record({"events": events})


def stripe(customer: str, kind: str, at: float, **more: Any) -> Record:
    """Write an event of Stripe."""
    body = {"id": f"evt-{customer}-{kind}-{at}", "object": "event", "type": kind, "created": int(at)}
    return record({**body, "data": {"object": {"customer": customer, **more}}})


def shopify(customer: int, topic: str, at: float, **more: Any) -> Record:
    """Write a webhook of Shopify."""
    headers = {"X-Shopify-Topic": topic, "X-Shopify-Event-Id": f"{topic}-{customer}-{at}"}
    return record({"created_at": utc(at, "+00:00"), "customer": {"id": customer}, **more}, **headers)


def intercom(contact: str, topic: str, at: float, conversation: str, **more: Any) -> Record:
    """Write a notification of Intercom."""
    item = {"id": conversation, "contacts": {"contacts": [{"id": "c", "external_id": contact}]}, **more}
    body = {"type": "notification_event", "topic": topic, "id": f"{conversation}-{topic}", "created_at": int(at)}
    return record({**body, "data": {"item": item}})


def zendesk(requester: str, at: float, ticket: str, **comment: bool) -> Record:
    """Write an event of Zendesk: a ticket that was opened, or a comment on it, public or not, by staff or not."""
    kind = "comment_added" if comment else "created"
    told = (
        {"comment": {"id": 5, "is_public": comment["public"], "author": {"is_staff": comment["staff"]}}}
        if comment
        else {}
    )
    body = {"id": f"zen-{ticket}-{kind}-{at}", "type": f"zen:event-type:ticket.{kind}", "time": utc(at, "000000Z")}
    detail = {"id": ticket, "requester_id": 1, "requester_external_id": requester}
    return record({**body, "detail": detail, "event": told})


def typeform(customer: str, at: float, question: str, number: int) -> Record:
    """Write an answered form of Typeform."""
    answers = [{"type": "number", "number": number, "field": {"ref": question}}]
    form = {"submitted_at": utc(at), "hidden": {"customer_id": customer}, "answers": answers}
    return record({"event_id": f"{customer}-{question}-{at}", "event_type": "form_response", "form_response": form})


def meta(person: str, item: str, verb: str, at: float) -> Record:
    """Write a change of a page of Meta's."""
    value = {"from": {"id": person}, "item": item, "verb": verb, "post_id": "p1", "created_time": int(at)}
    changes = [{"field": "feed", "value": value}]
    return record({"object": "page", "entry": [{"id": "page", "time": int(at), "changes": changes}]})


def snowplow(user: str, path: str, at: float) -> Record:
    """Write a page view of Snowplow."""
    times = {"collector_tstamp": utc(at + 1), "derived_tstamp": utc(at)}
    body = {"user_id": user, "domain_userid": "d", "event": "page_view", "event_name": "page_view"}
    return record({**body, **times, "event_id": f"{user}-{path}-{at}", "page_urlpath": path})


def posthog(person: str, event: str, at: float, **properties: Any) -> Record:
    """Write an event of PostHog, whose properties are a text and whose times do not say that they are UTC."""
    body = {"uuid": f"{person}-{event}-{at}", "event": event, "distinct_id": person}
    time = utc(at, "").replace("T", " ")
    return record({**body, "timestamp": time, "properties": json.dumps({"$session_id": "s", **properties})})


def appsflyer(person: str, event: str, at: float, value: dict[str, Any] | None = None) -> Record:
    """Write an event of AppsFlyer."""
    body = {"appsflyer_id": f"device-{person}", "customer_user_id": person, "event_name": event}
    return record(
        {**body, "event_time": utc(at, "").replace("T", " "), "event_value": json.dumps(value) if value else ""}
    )


def debezium(account: str, kind: str, at: float, number: int, **columns: Any) -> Record:
    """Write an insert into a table of a CRM."""
    row = {"id": number, "customer_ref": account, "kind": kind, "created_at": int(at * 1_000_000), **columns}
    return record({"before": None, "after": row, "op": "c", "ts_ms": int(at * 1_000)})
