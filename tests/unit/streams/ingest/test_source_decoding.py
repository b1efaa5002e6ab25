"""From the bytes of a topic of foreign shapes to events, links and dead letters by part."""

from __future__ import annotations

import logging
from typing import Any, NamedTuple

import orjson
import pytest

from scoring.instants import DAY, HOUR, MILLISECOND, MINUTE, SECOND
from streams.dead_letters.letter import read_letter
from streams.errors import RegistryUnavailable
from streams.ingest.dead_letter_limit import Consumption, DeadLetterLimit
from streams.ingest.schemas import Schema
from streams.ingest.source_decoding import SourceDecoder, as_channel, sources_by_topic
from streams.kafka.publisher import _dead_letter
from streams.metrics import Metrics
from streams.policy_file.document import parse_policy
from streams.records import DecodedBatch, Partition, RecordBatch
from tests.unit.streams.bench import Record

NOW = 1_700_000_000 * SECOND
APPENDED = NOW // MILLISECOND
PLACE = Partition("feed", 2)
CHANNELS = """
[identities]
topic = "ids"
[dead_letters]
at_least = 4
stop_above = 0.5
[channels.web]
weights = { view = 1 }
[channels.email]
weights = { open = 1 }
machine = { open = "machine_open" }
"""
FEED = """
[sources.feed]
channel = "web"
each = "[]"
customer = "who"
type = "what"
time = "when"
id = "id"
properties = { machine_open = "machine" }
ignore = ["ping"]
types = { opened = "email.open" }
[[sources.feed.links]]
when = { what = "link" }
id = "other"
customer = "who"
"""


def event(**fields: Any) -> dict[str, Any]:
    """Write an element that is right but for the given fields."""
    return {"who": "anna", "what": "view", "when": NOW // SECOND, **fields}


class Stored(NamedTuple):
    """A record of the topic of dead letters."""

    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]


class Decoding:
    """A decoder of the topic `feed`, and what it has counted."""

    def __init__(self, text: str = FEED, window: int = 0, schemas: Any = None, *, limited: bool = False) -> None:
        """Make the decoder."""
        self.metrics = Metrics()
        self.policy = parse_policy(CHANNELS + text)
        self.label = as_channel(sources_by_topic(self.policy)["feed"]).name
        self.consumption = Consumption(self.metrics)
        sources = as_channel(sources_by_topic(self.policy)["feed"])
        limit = DeadLetterLimit(sources, self.policy, lambda: NOW, self.consumption) if limited else None
        self.decoder = SourceDecoder("feed", self.policy, self.metrics, window, limit, schemas)

    def decode(self, *values: Any, headers: Any = (), at: int = APPENDED, now: int = NOW) -> DecodedBatch:
        """Decode a batch of values; bytes and None are written as they are."""
        written = [value if isinstance(value, bytes | None) else orjson.dumps(value) for value in values]
        records = [Record(offset, at, None, value, headers) for offset, value in enumerate(written, 10)]
        return self.decoder.decode(RecordBatch(PLACE, 10, records), now + 5 * MINUTE)

    def count(self, outcome: str) -> float:
        """Give the count of an outcome."""
        labels = {"channel": self.label, "outcome": outcome}
        return self.metrics.registry.get_sample_value("engagement_events_total", labels) or 0


def names(batch: DecodedBatch) -> list[tuple[int, str]]:
    """Return whose events there are, by the offset of the record."""
    return [(offset, customer) for offset, customer, _ in batch.events]


def test_every_element_is_an_event_under_the_offset_of_its_record() -> None:
    decoding = Decoding()
    batch = decoding.decode([event(), event(who="ben", what="opened")], [], [event(who="cleo", what="new")])
    assert names(batch) == [(10, "anna"), (10, "ben"), (12, "cleo")]
    assert batch.newest == NOW
    assert batch.raw.next_offset == 13
    codes = {kind.name: kind.code for kind in decoding.policy.types.values()}
    assert [each.code for _, _, each in batch.events][:2] == [codes["view"], codes["open"]]
    outcomes = ("read", "unknown_type", "dead_letter", "skipped")
    assert [decoding.count(outcome) for outcome in outcomes] == [3, 1, 0, 1]


def test_the_events_of_a_channel_are_those_that_its_own_shape_would_make() -> None:
    (by_machine,) = Decoding().decode([event(what="opened", machine=True, id=5)]).events
    (by_hand,) = Decoding().decode([event(what="opened", machine=False, id="5")]).events
    assert by_machine[2].code != by_hand[2].code
    assert by_machine[2].digest == by_hand[2].digest != ""


def test_a_record_has_one_dead_letter_which_names_its_bad_parts() -> None:
    batch = Decoding().decode([event(), event(who=None), event(), event(when="x"), 5], b"{", [event(who="")])
    told = [(letter.record.offset, letter.reason, letter.parts) for letter in batch.dead_letters]
    assert told == [(10, "customer_id_missing", "1,3,4"), (11, "not_json", ""), (12, "customer_id_empty", "0")]
    detail = batch.dead_letters[0].detail
    assert detail == "who has no value; part 3: timestamp_invalid; part 4: not_an_object"
    assert names(batch) == [(10, "anna"), (10, "anna")]


def test_a_letter_goes_back_with_its_parts_and_only_these_are_read() -> None:
    value = [event(), event(who=None), event(who="ben")]
    (letter,) = Decoding().decode(value, headers=[("trace", b"1")]).dead_letters
    _, key, sent, headers = _dead_letter(letter)
    found = read_letter(Stored(0, 0, APPENDED, key, sent, tuple(headers)))
    assert found is not None
    assert (found.parts, found.headers) == ("1", (("trace", b"1"),))

    again = Decoding().decode([event(), event(who="cleo"), event(who="ben")], headers=found.marked_headers)
    assert names(again) == [(10, "cleo")]
    (second,) = Decoding().decode(value, headers=found.marked_headers).dead_letters
    assert second.parts == "1"
    *_, headers = _dead_letter(second)
    twice = read_letter(Stored(0, 0, APPENDED, key, sent, tuple(headers)))
    assert twice is not None
    assert [name for name, _ in twice.marked_headers].count("dlq.parts") == 1

    (whole,) = Decoding().decode(b"{", headers=found.marked_headers).dead_letters
    *_, headers = _dead_letter(whole)
    letter_of_all = read_letter(Stored(0, 0, APPENDED, key, sent, tuple(headers)))
    assert letter_of_all is not None
    assert letter_of_all.parts == ""


def test_links_are_forwarded_to_the_topic_of_the_identities() -> None:
    value = [event(what="link", other="cookie"), event(what="link"), event()]
    batch = Decoding().decode(value)
    assert [(key, message.topic, message.body) for key, message in batch.forwards] == [
        ("cookie", "ids", {"id": "cookie", "customer_id": "anna"})
    ]
    assert names(batch) == [(10, "anna")]
    without = Decoding()
    without.policy = parse_policy(CHANNELS.replace('[identities]\ntopic = "ids"', "") + FEED)
    without.decoder.follow(without.policy)
    assert without.decode(value).forwards == []
    assert without.count("skipped") == 2


def test_events_that_were_old_when_they_came_are_counted_and_score_nothing() -> None:
    decoding = Decoding(window=DAY)
    old = event(when=(NOW - 2 * DAY) // SECOND)
    assert names(decoding.decode([old, event(), old])) == [(10, "anna")]
    assert decoding.count("outdated") == 2


def test_what_is_left_out_is_no_part_of_the_share_that_stops_the_worker() -> None:
    ping, bad = [event(what="ping")], [event(who=None)]
    stopped = Decoding(limited=True)
    batch = stopped.decode(*[ping] * 20, *[bad] * 6)
    assert stopped.consumption.stopped_because
    assert "channel feed" in stopped.consumption.stopped_because
    assert batch.raw.next_offset == 10 + 20 + 3
    good = Decoding(limited=True)
    good.decode(*[ping] * 20, *[[event()]] * 3, *[bad] * 3)
    assert not good.consumption.stopped_because


TWO = (
    FEED
    + """
[sources.other]
topic = "feed"
channel = "email"
each = "more[]"
customer = "who"
type = { is = "open" }
time = "when"
[sources.third]
topic = "feed"
channel = "email"
when = { kind = "single" }
customer = "who"
type = { is = "open" }
time = "when"
"""
)


def test_several_sources_read_one_topic_and_number_their_parts_on() -> None:
    text = TWO.replace('each = "[]"', 'each = "list[]"')
    record = {"list": [event(), event(who=None)], "more": [event(who=None), event(who="ben")]}
    decoding = Decoding(text)
    batch = decoding.decode(record)
    assert decoding.label == "feed+other+third"
    assert names(batch) == [(10, "anna"), (10, "ben")]
    assert [letter.parts for letter in batch.dead_letters] == ["1,2"]
    again = Decoding(text).decode(
        {"list": [event()] * 2, "more": [event(who="cleo")] * 2}, headers=[("dlq.parts", b"2")]
    )
    assert names(again) == [(10, "cleo")]


def test_a_header_of_a_replay_that_names_no_part_asks_for_all() -> None:
    batch = Decoding(TWO).decode([event(), event(who="ben")], headers=[("dlq.parts", b"x," + b"9" * 5_000)])
    assert names(batch) == [(10, "anna"), (10, "ben")]


def test_another_policy_is_followed() -> None:
    decoding = Decoding()
    decoding.decoder.follow(parse_policy(CHANNELS + FEED.replace('"who"', '"user"')))
    assert names(decoding.decode([event(user="ben")])) == [(10, "ben")]


def test_a_source_of_which_everything_is_left_out_for_an_hour_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    decoding = Decoding()
    ping = [event(what="ping")]
    with caplog.at_level(logging.WARNING):
        decoding.decode(ping, now=NOW)
        decoding.decode(ping, now=NOW + HOUR - SECOND)
        assert caplog.messages == []
        decoding.decode(ping, now=NOW + HOUR)
        decoding.decode(ping, now=NOW + 3 * HOUR)
        assert len(caplog.messages) == 1
        assert "the source feed has left out all records of feed for an hour" in caplog.messages[0]
        decoding.decode([event()], now=NOW + 4 * HOUR)
        decoding.decode(ping, now=NOW + 5 * HOUR)
        decoding.decode(ping, now=NOW + 6 * HOUR)
        assert len(caplog.messages) == 2


def test_a_source_that_leaves_everything_out_beside_one_that_does_not_is_told_by_its_name(
    caplog: pytest.LogCaptureFixture,
) -> None:
    decoding = Decoding(TWO.replace('each = "[]"', 'each = "list[]"'))
    for hours in range(3):
        decoding.decode({"list": [event()], "more": [event()]}, now=NOW + hours * HOUR)
    (message,) = caplog.messages
    assert "the source third has left out all records of feed for an hour" in message


SHARED = """
[sources.feed]
channel = "web"
silence_after = "1h"
each = "web[]"
customer = "who"
type = "what"
time = "when"
[sources.other]
channel = "email"
topic = "feed"
silence_after = "1h"
each = "mail[]"
customer = "who"
type = "what"
time = "when"
"""


def test_of_a_topic_that_feeds_share_it_is_noted_which_events_belong_to_which() -> None:
    record = {"web": [event(), event(when=5), event(who=None)], "mail": [event(when=NOW // SECOND - 60)]}
    batch = Decoding(SHARED, window=30 * DAY).decode(record)
    minute_before = NOW - MINUTE
    assert batch.feeds == {
        "source feed": [NOW],
        "web": [NOW],
        "source other": [minute_before],
        "email": [minute_before],
    }
    assert Decoding(SHARED.replace('silence_after = "1h"', "")).decode(record).feeds == {}
    assert Decoding().decode([event()]).feeds == {}


class SlowSchemas:
    """Schemas that are not there at first."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self.faults = 1
        self.known: dict[str, Schema] = {}

    def get(self, schema: str) -> Schema | None:
        """Give what has been looked up."""
        return self.known.get(schema)

    async def look_up(self, schemas: Any) -> None:
        """Look up, or fail."""
        if self.faults:
            self.faults -= 1
            raise RegistryUnavailable("the schema registry does not answer")
        self.known |= {schema: Schema("AVRO", '"string"') for schema in schemas if schema == "7"}

    async def close(self) -> None:
        """Do nothing."""


async def test_schemas_are_looked_up_before_a_batch_is_decoded() -> None:
    schemas = SlowSchemas()
    text = FEED.replace('each = "[]"', 'encoding = "avro"').replace('"who"', '"@"', 1)
    decoding = Decoding(text, schemas=schemas)
    batch = RecordBatch(
        PLACE,
        10,
        [
            Record(10, APPENDED, None, b"\x00\x00\x00\x00\x07\x06abc", ()),
            Record(11, APPENDED, None, b"\x00\x00\x00\x00\x08", ()),
        ],
    )
    with pytest.raises(RegistryUnavailable):
        await decoding.decoder.prepare(batch)
    await decoding.decoder.prepare(batch)
    reasons = [letter.reason for letter in decoding.decoder.decode(batch, NOW).dead_letters]
    assert reasons == ["not_an_object", "schema_unknown"]
