"""Every shape that is known by name reads made-up records of its feed to the last field."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import orjson
import pytest

from scoring.mapping.presets import preset_names
from streams.cli.source_lines import WrittenRecord
from streams.ingest.snowplow import COLUMNS
from streams.ingest.source_reading import SourceReader
from streams.views.source_view import as_object
from tests.unit.streams.ingest.shapes import FEEDS, LATEST, Line, compare, expected, read_feed, source_of

NAMES = sorted(path.name.removesuffix(".expected.jsonl") for path in FEEDS.glob("*.expected.jsonl"))
#: Shapes with tests of their own below: what they share with another one is tested there.
WITHOUT_FILE = {"engagement", "jitsu", "mailgun", "snowplow", "snowplow_tsv", "zendesk"}
#: A folder with more such files, for those who have them.
MORE = os.environ.get("ENGAGEMENT_TEST_FEEDS", "")
MORE_NAMES = (
    sorted(path.name.removesuffix(".expected.jsonl") for path in Path(MORE).glob("*.expected.jsonl")) if MORE else []
)


@pytest.mark.parametrize("name", NAMES)
def test_the_records_of_a_feed_become_what_they_should(name: str) -> None:
    compare(read_feed(FEEDS, name), expected(FEEDS, name))


@pytest.mark.skipif(not MORE_NAMES, reason="ENGAGEMENT_TEST_FEEDS names no folder of more feeds")
@pytest.mark.parametrize("name", MORE_NAMES)
def test_more_records_of_a_feed_become_what_they_should(name: str) -> None:
    compare(read_feed(Path(MORE), name), expected(Path(MORE), name))


def test_every_known_shape_has_a_file_or_tests_of_its_own() -> None:
    assert set(preset_names()) == set(NAMES) | WITHOUT_FILE


def becomes(name: str, value: Mapping[str, object] | bytes, **own: object) -> list[Line]:
    """Read one value by a shape that is known by name."""
    reader = SourceReader(source_of(name, {"channel": "clickstream", **own, "format": name}))
    content = value if isinstance(value, bytes) else orjson.dumps(value)
    return [as_object(0, outcome) for outcome in reader.read(WrittenRecord(None, content), LATEST)]


def told(line: Line) -> tuple[object, ...]:
    """Return who did what and when in an event, and its id."""
    return tuple(line.get(key) for key in ("customer_id", "type", "timestamp", "event_id", "properties"))


def test_the_own_shape_is_known_by_name_too() -> None:
    value = {"customer_id": "maria", "type": "click", "timestamp": 5, "event_id": 7, "properties": {"a": 1}}
    (line,) = becomes("engagement", value)
    assert told(line) == ("maria", "click", "1970-01-01T00:00:05Z", "7", {"a": 1})


@pytest.mark.parametrize("snake", [True, False])
def test_jitsu_writes_names_in_either_way(*, snake: bool) -> None:
    names = ("user_id", "message_id") if snake else ("userId", "messageId")
    value = {"type": "page", "timestamp": "2026-11-06T00:02:14Z", names[0]: "maria", names[1]: "m"}
    (line,) = becomes("jitsu", value)
    assert told(line) == ("maria", "page_view", "2026-11-06T00:02:14Z", "m", {})


@pytest.mark.parametrize(
    ("change", "customer", "kind"),
    [
        ({"event": "opened"}, "maria@example.net", "open"),
        ({"event": "failed", "severity": "permanent"}, "maria@example.net", "bounce"),
        ({"event": "failed", "severity": "temporary"}, "maria@example.net", "deferred"),
        ({"event": "clicked", "user-variables": {"user_id": "Maria"}}, "Maria", "click"),
        ({"event": "delivered", "user-variables": {"user-id": "Maria"}}, "Maria", "delivered"),
    ],
)
def test_mailgun_prefers_the_id_of_a_user_to_an_address(change: dict[str, object], customer: str, kind: str) -> None:
    event = {"id": "m", "timestamp": 1_793_923_334.5, "recipient": "Maria@Example.net", "user-variables": {}, **change}
    (line,) = becomes("mailgun", {"signature": {"token": "t"}, "event-data": event})
    assert told(line) == (customer, kind, "2026-11-06T00:02:14.500000Z", "m", None)
    (line,) = becomes("mailgun", {"event-data": {"event": "rejected"}})
    assert line["skipped"] == "rejected"


def test_snowplow_reads_the_same_out_of_its_lines_as_out_of_its_objects() -> None:
    fields = {
        "user_id": "maria",
        "domain_userid": "d",
        "event_name": "link_click",
        "event_id": "e",
        "collector_tstamp": "2026-11-06 00:02:19.000",
        "derived_tstamp": "2026-11-06 00:02:14.000",
    }
    line = "\t".join(fields.get(name, "") for name in COLUMNS).encode()
    wanted = ("maria", "click", "2026-11-06T00:02:14Z", "e", None)
    assert told(becomes("snowplow_tsv", line)[0]) == told(becomes("snowplow", fields)[0]) == wanted


def test_zendesk_tells_of_tickets() -> None:
    value = {
        "id": "e",
        "type": "zen:event-type:ticket.created",
        "time": "2026-11-06T00:02:14.123456789Z",
        "detail": {"id": "35436", "requester_id": 8_447_388_090_494, "requester_external_id": None},
    }
    (line,) = becomes("zendesk", value)
    assert told(line) == ("8447388090494", "ticket_opened", "2026-11-06T00:02:14.123456Z", "e", {"object_id": "35436"})
    (line,) = becomes("zendesk", {**value, "type": "zen:event-type:ticket.comment_added"})
    assert "skipped" in line


@pytest.mark.parametrize(
    ("flag", "known"), [(True, True), ("true", True), ("False", False), ("1", True), ("yes", None)]
)
@pytest.mark.parametrize("name", ["sendgrid", "customerio"])
def test_an_open_by_a_machine_is_marked_by_a_truth_value_or_its_text(
    name: str, flag: object, *, known: bool | None
) -> None:
    if name == "sendgrid":
        value = [{"email": "maria@example.net", "event": "open", "timestamp": 5, "sg_machine_open": flag}]
    else:
        data = {"customer_id": "maria", "machine": flag}
        value = [{"object_type": "email", "metric": "opened", "timestamp": 5, "data": data}]
    (line,) = becomes(name, orjson.dumps(value if name == "sendgrid" else value[0]))
    assert line["type"] == "open"
    assert line.get("properties", {}) == ({} if known is None else {"machine_open": known})
