"""What the pages tell producers, alert consumers and applications."""

import ast
import inspect
import json
import re

import pytest

import scoring.events.event
import scoring.events.profiles
import scoring.rules.segments
import streams.ingest.event_decoding
from scoring.errors import InvalidEvent
from scoring.events.links import CLOSES_CIRCLE, LINKED_OTHERWISE, Link
from scoring.events.profiles import ProfileReader
from scoring.feeds.feeds import Feed
from scoring.figures.kpi import Sums
from scoring.figures.measure_figures import MeasureFigure
from scoring.instants import HOUR, SECOND, parse_timestamp
from scoring.judging.alert_machine import TRANSITIONS
from scoring.judging.alerts import BandChange, message
from scoring.notices.feed_notices import Notice, notice_message
from scoring.policy.policy import BANDS
from scoring.rules.segments import Profiles
from streams.ingest.event_decoding import Decoder
from streams.ingest.link_decoding import LinkDecoder
from streams.kafka import publisher, topics
from streams.metrics import Metrics
from streams.records import DeadLetter, Partition, RecordBatch
from streams.upkeep.figure_report import FLOWS, published, published_measures
from tests.unit.docs import maria
from tests.unit.docs.reading import MANUAL, names_in, page

NOW = parse_timestamp("2026-11-21T12:00:00Z")
GOOD = {"customer_id": "c", "type": "open", "timestamp": "2026-11-21T11:00:00Z"}
BAD: dict[str, dict[str, object] | bytes] = {
    "empty_value": b"",
    "invalid_utf8": b'{"customer_id": "\xff"}',
    "not_json": b'{"timestamp": NaN}',
    "nested_too_deep": b"[" * 100_000 + b"]" * 100_000,
    "not_an_object": b"[]",
    "customer_id_missing": {"customer_id": None},
    "customer_id_empty": {"customer_id": ""},
    "customer_id_not_a_string": {"customer_id": 7},
    "customer_id_too_long": {"customer_id": "é" * 129},
    "type_missing": {"type": ""},
    "type_not_a_string": {"type": 7},
    "timestamp_missing": {"timestamp": None},
    "timestamp_invalid": {"timestamp": "2026-11-21T11:00:00"},
    "timestamp_in_future": {"timestamp": "2026-11-21T12:05:01Z"},
    "event_id_not_a_string": {"event_id": 1.5},
}
BAD_PROFILES: dict[str, dict[str, object]] = {
    "segment_not_a_string": {"segment": 3},
    "segment_not_printable": {"segment": "a\n"},
    "segment_too_long": {"segment": "x" * 65},
}


class Record:
    """What a decoder and a publisher want of a consumer record."""

    topic, partition, offset, key, headers = "email", 3, 5, b"c", ()
    timestamp = NOW // 1000

    def __init__(self, value: bytes) -> None:
        """Hold a value."""
        self.value = value


def decoded(value: bytes) -> list[DeadLetter]:
    (channel,) = [channel for channel in maria.POLICY.channels if channel.name == "email"]
    decoder = Decoder("email", scoring.events.event.EventReader(channel), Metrics(), maria.POLICY.length)
    batch = RecordBatch(Partition("email", 3), 5, [Record(value)])
    return decoder.decode(batch, NOW + scoring.events.event.MOST_AHEAD).dead_letters


def alert_shown() -> dict[str, object]:
    (alert,) = [found for found in map(json.loads, MANUAL.blocks("json")) if "alert_id" in found]
    return alert


def test_the_sample_event_is_an_event_of_its_channel() -> None:
    (sample,) = [
        found for found in map(json.loads, MANUAL.blocks("json")) if not {"alert_id", "signal_id"} & found.keys()
    ]
    customer, event = maria.event(sample, "social")
    assert customer == maria.NAME
    assert maria.POLICY.types[event.code].name == sample["type"]
    assert event.digest


def test_the_table_of_an_event_names_what_a_reader_takes_and_requires() -> None:
    rows = MANUAL.table("field", "", "")
    assert [names_in(row[0])[0] for row in rows if row[1] == "required"] == ["customer_id", "type", "timestamp"]
    assert [names_in(row[0])[0] for row in rows if row[1] == "optional"] == ["event_id", "properties"]
    for name in ("customer_id", "type", "timestamp"):
        assert decoded(json.dumps({**GOOD, name: None}).encode())
    assert not decoded(json.dumps(GOOD).encode())


def test_the_border_between_seconds_and_milliseconds_is_the_one_stated() -> None:
    border = int(re.search(r"Numbers below ([\d,]+) are seconds", MANUAL.words)[1].replace(",", ""))  # type: ignore[index]
    assert parse_timestamp(border - 1) == (border - 1) * SECOND
    assert parse_timestamp(border) == border * 1000


@pytest.mark.parametrize("reason", [names_in(row[0])[0] for row in MANUAL.table("`dlq.reason`", "")])
def test_a_reason_for_a_dead_letter_is_given_for_what_it_says(reason: str) -> None:
    if reason in BAD_PROFILES:
        with pytest.raises(InvalidEvent, match=reason):
            ProfileReader(Profiles()).read({"customer_id": "c", **BAD_PROFILES[reason]}, NOW, NOW)
        return
    bad = BAD[reason]
    (letter,) = decoded(bad if isinstance(bad, bytes) else json.dumps({**GOOD, **bad}).encode())
    assert letter.reason == reason


def test_every_reason_in_the_code_is_in_the_table() -> None:
    found = {f"customer_id{ending}" for ending in endings_of_ids()}
    for module in (
        scoring.events.event,
        scoring.events.profiles,
        scoring.rules.segments,
        streams.ingest.event_decoding,
    ):
        for node in ast.walk(ast.parse(inspect.getsource(module))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == InvalidEvent.__name__:
                # A reason may be chosen by a condition.
                found |= set(re.findall(r"'([a-z]+(?:_[a-z]+)+)'", ast.unparse(node.args[0])))
            elif isinstance(node, ast.Return) and isinstance(node.value, ast.Constant) and node.value.value:
                found.add(str(node.value.value))
            elif isinstance(node, ast.Assign) and "reason" in ast.unparse(node.targets[0]):
                found |= set(re.findall(r"'([a-z]+(?:_[a-z]+)+)'", ast.unparse(node.value)))
    assert {str(name) for name in found} == {names_in(row[0])[0] for row in MANUAL.table("`dlq.reason`", "")}


def endings_of_ids() -> set[str]:
    """Give what follows the name of an id in the reasons for which it is refused."""
    return set(re.findall(r"\{name\}(_\w+)", inspect.getsource(scoring.ids.check_id)))


def test_the_reasons_of_bad_links_are_those_in_the_table() -> None:
    own = {LINKED_OTHERWISE, CLOSES_CIRCLE} | {f"id{ending}" for ending in endings_of_ids()}
    assert {names_in(row[0])[0] for row in MANUAL.table("reason of a link", "")} == own
    assert len(own) == 6


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"", "empty_value"),
        (b"[]", "not_an_object"),
        (b'{"customer_id": "anna"}', "id_missing"),
        (b'{"id": "", "customer_id": "anna"}', "id_empty"),
        (b'{"id": 7, "customer_id": "anna"}', "id_not_a_string"),
        (b'{"id": "' + b"x" * 257 + b'", "customer_id": "anna"}', "id_too_long"),
        (b'{"id": "cookie"}', "customer_id_missing"),
        (b'{"id": "cookie", "customer_id": ["anna"]}', "customer_id_not_a_string"),
        (b'{"id": "anna", "customer_id": "anna"}', CLOSES_CIRCLE),
    ],
)
def test_a_reason_for_a_bad_link_is_given_for_what_it_says(value: bytes, reason: str) -> None:
    part = LinkDecoder(Metrics()).decode(RecordBatch(Partition("identities", 0), 5, [Record(value)]), 0)
    assert [letter.reason for letter in part.dead_letters] == [reason]
    assert part.links == []


def test_the_sample_link_is_one() -> None:
    [sample] = re.findall(r'`(\{"id": [^`]*\})`', page("howto/link-ids").prose)
    record = Record(sample.encode())
    part = LinkDecoder(Metrics()).decode(RecordBatch(Partition("identities", 0), 5, [record]), 0)
    assert part.links == [(record, Link("cookie-7f3a", maria.NAME), Partition("identities", 0))]


def test_the_headers_of_a_dead_letter_are_those_in_the_table() -> None:
    _, _, _, headers = publisher._dead_letter(DeadLetter(Record(b""), "empty_value", "x" * 1000, Partition("email", 0)))
    assert [name for row in MANUAL.table("header", "content") for name in names_in(row[0])] == [
        name for name, _ in headers
    ]
    most = int(re.search(r"at most (\d+) characters", MANUAL.words)[1])  # type: ignore[index]
    assert len(dict(headers)["dlq.detail"]) == most


def test_the_sample_alert_is_what_the_code_publishes() -> None:
    sample = alert_shown()
    made = maria.alert_at("2026-11-16T08:00:00Z", str(sample["detected_at"]))
    assert sample == made
    assert list(sample) == list(made)


def test_every_field_of_an_alert_is_explained_and_no_other() -> None:
    explained = [name for row in MANUAL.table("field", "") for name in names_in(row[0])]
    assert sorted(explained) == sorted(alert_shown())


def test_the_fields_of_a_band_change_are_those_named() -> None:
    sentence = re.search(r"The fields are (.+?): `event`", MANUAL.words)
    assert sentence is not None
    made = message("c", BandChange(2, 1, 0, 0, NOW, "event"), NOW, "v")
    assert set(names_in(sentence[1])) - {"alert_id"} == set(made)


def test_the_fields_of_a_score_are_those_in_the_table_with_these_values() -> None:
    shown = {names_in(row[0])[0]: names_in(row[1])[0] for row in MANUAL.table("field", "example", "")}
    assert shown == maria.record_at("2026-11-14T09:30:00Z").fields


def test_the_bands_are_those_of_the_policy() -> None:
    (cell,) = [row[2] for row in MANUAL.table("field", "example", "") if row[0] == "`band`"]
    lowest, *others = re.findall(r"`(\w+)` (?:below|from) (\d+)", cell)
    assert lowest == (BANDS[0], str(maria.POLICY.bounds[0] // 10**6))
    bounds = [str(bound // 10**6) for bound in maria.POLICY.bounds]
    assert others == list(zip(BANDS[1:], bounds, strict=True))


def test_the_topics_are_kept_as_long_and_take_as_much_as_the_table_says() -> None:
    settings = topics.topic_settings(maria.POLICY)
    shown = {}
    for names, kept, largest in MANUAL.table("topic", "kept for", "largest record"):
        if kept.startswith("for good"):
            shown[names_in(names)[0]] = {"cleanup.policy": "compact"}
            continue
        days = int(kept.split()[0])
        sizes = {"MiB": 1024 * 1024, "KiB": 1024}
        size = sum(int(number) * sizes[unit] for number, unit in re.findall(r"(\d+) (MiB|KiB)", largest))
        row = {"retention.ms": str(days * 24 * 60 * 60 * 1000)} | ({"max.message.bytes": str(size)} if size else {})
        shown |= dict.fromkeys(names_in(names), row)
    assert shown == settings


def test_the_number_of_partitions_is_the_one_that_the_worker_makes() -> None:
    assert f"with {topics.PARTITIONS} partitions" in MANUAL.words
    assert f"(3 x {topics.PARTITIONS} if the worker made them), so up to {3 * topics.PARTITIONS}" in MANUAL.words


def test_every_field_of_a_feed_alert_is_explained_and_no_other() -> None:
    feed = Feed("source site", "clickstream", "segment", HOUR, "site")
    made = notice_message(maria.POLICY, feed, Notice("feed_silent", NOW, NOW, NOW), NOW)
    assert [name for row in MANUAL.table("field of a feed alert", "") for name in names_in(row[0])] == list(made)


def test_the_figures_over_all_customers_are_those_in_the_table() -> None:
    sums = Sums({"n20000": 1, "d20000": 1, "l20030": 1, "f20000.-1": 1})
    [figures] = sums.figures(20_000, 20_000)
    made = published(figures, sums.period(19_971, 20_000))
    rows = MANUAL.table("figure", "example", "")
    named = [name for row in rows for name in names_in(row[0])]
    assert {name for name in named if not name.startswith("flow:")} == {*made, "updated_at"}
    assert {name for name in named if name.startswith("flow:")} < {*FLOWS.values()}
    assert "flow:new:disengaged" in FLOWS.values()


def test_the_fields_of_a_measure_over_all_customers_are_those_in_the_table() -> None:
    made = published_measures({"nps": MeasureFigure("40"), "spent": MeasureFigure("1800", "900", 2)})
    made |= published_measures({"clicked": MeasureFigure("10", "", 10, "150")})
    named = {names_in(row[0])[0] for row in MANUAL.table("field of a measure", "example", "")}
    assert named == {re.sub("nps|spent|clicked", "<name>", name) for name in made}


def test_the_table_of_the_alert_machine_is_the_one_that_it_follows() -> None:
    rows = MANUAL.table("state", "input", "next state", "what is done")
    shown = {(state, given): (after, actions) for state, given, after, actions in rows}
    assert shown == {key: (after, ", ".join(actions)) for key, (after, actions) in TRANSITIONS.items()}
