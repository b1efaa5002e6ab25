"""The made-up customers of the demonstration."""

from collections import Counter
from collections.abc import Iterator
from itertools import islice, takewhile
from typing import Any, NamedTuple

import orjson
import pytest

from scoring.customer.state import CustomerState
from scoring.errors import InvalidEvent
from scoring.events.event import Event, EventReader
from scoring.instants import SECOND
from scoring.judging.alerts import Alert
from scoring.judging.moment import Moment
from scoring.judging.walk import advance
from scoring.mapping.outcomes import Bad, MappedEvent
from scoring.policy.channels import type_code
from streams.demo.policy import DEMO_POLICY
from streams.demo.records import record_of
from streams.demo.traffic import CUSTOMERS, Happening, customer_names, traffic, watched
from streams.ingest.source_reading import SourceReader
from streams.policy_file.document import parse_policy

POLICY = parse_policy(DEMO_POLICY)
START = 1_795_000_000 * SECOND


class Record(NamedTuple):
    """A record as Kafka has it."""

    value: bytes
    key: bytes | None = None
    headers: tuple[Any, ...] = ()
    timestamp: int = 0


def happenings(seconds: float, seed: int = 1) -> Iterator[Happening]:
    return takewhile(lambda happening: happening.at < seconds, traffic(seed))


def test_a_seed_makes_the_same_traffic_again() -> None:
    assert list(islice(traffic(1), 5_000)) == list(islice(traffic(1), 5_000))
    assert list(islice(traffic(1), 5_000)) != list(islice(traffic(2), 5_000))


def test_the_traffic_is_in_the_order_of_time_and_some_hundred_events_a_second() -> None:
    times = [happening.at for happening in happenings(30)]
    assert times == sorted(times)
    assert 200 < len(times) / 30 < 500


def test_customers_have_different_names() -> None:
    names = customer_names(1_000)
    assert len(set(names)) == 1_000
    assert len(set(watched(customer_names(CUSTOMERS)))) == 8


def test_every_type_is_one_of_the_policy() -> None:
    known = {(POLICY.channels[kind.channel].name, kind.name) for kind in POLICY.types.values()}
    assert {(happening.channel, happening.type) for happening in happenings(60) if not happening.value} <= known


def test_some_events_come_twice_under_the_same_number() -> None:
    repeats = [count for count in Counter(happening.number for happening in happenings(30)).values() if count > 1]
    assert len(repeats) > 50
    assert set(repeats) == {2}


SOURCES = {source.channel: SourceReader(source) for source in POLICY.sources}
READERS = {channel.name: EventReader(channel) for channel in POLICY.own_channels}


def test_bad_records_are_bad() -> None:
    bad = [happening for happening in happenings(60) if happening.value]
    assert len(bad) > 10
    for happening in bad:
        if source := SOURCES.get(happening.channel):
            (outcome,) = source.read(Record(happening.value), START)
            assert isinstance(outcome, Bad)
        else:
            with pytest.raises((InvalidEvent, orjson.JSONDecodeError)):
                READERS[happening.channel].read(orjson.loads(happening.value), START)


def test_the_records_are_read_as_what_happened() -> None:
    read = []
    for happening in happenings(20):
        if happening.value:
            continue
        value = record_of(happening, START)
        if source := SOURCES.get(happening.channel):
            (found,) = source.read(Record(value), START + 60 * SECOND)
            assert isinstance(found, MappedEvent)
            assert (found.channel, found.type, found.customer, found.time, found.id) == (
                happening.channel,
                happening.type,
                happening.customer,
                START + round(happening.at * SECOND),
                f"demo-{happening.number}",
            )
        else:
            customer, event = READERS[happening.channel].read(orjson.loads(value), START + 60 * SECOND)
            assert (customer, event.code) == (happening.customer, type_code(happening.channel, happening.type))
        read.append(happening.channel)
    assert set(read) == {"clickstream", "email", "social"}


def test_one_channel_is_fed_in_the_shape_of_segment() -> None:
    assert [(source.format, source.topic, source.channel) for source in POLICY.sources] == [
        ("segment", "segment", "clickstream")
    ]


def alerts_of(seconds: int) -> dict[str, list[Alert]]:
    """Judge the traffic of some seconds, customer by customer."""
    events: dict[str, list[Event]] = {}
    for happening in happenings(seconds):
        if not happening.value:
            event = Event(START + int(happening.at * SECOND), type_code(happening.channel, happening.type), "")
            events.setdefault(happening.customer, []).append(event)
    end = START + seconds * SECOND
    outcomes = {customer: advance(POLICY, CustomerState(), theirs, Moment(end)) for customer, theirs in events.items()}
    return {
        customer: [transition for transition in outcome.transitions if isinstance(transition, Alert)]
        for customer, outcome in outcomes.items()
    }


def test_who_is_made_to_return_recovers() -> None:
    alerts = alerts_of(60)
    returning = customer_names(CUSTOMERS)[5::6]
    recovered = [
        name for name in returning if [alert.kind for alert in alerts[name]][:2] == ["churn_risk", "recovered"]
    ]
    assert len(recovered) > len(returning) / 2


def test_within_half_a_minute_customers_drop_in_both_ways_and_recover() -> None:
    alerts = [alert for theirs in alerts_of(30).values() for alert in theirs]
    seen = Counter((alert.kind, alert.reasons[0]["cause"]) for alert in alerts)
    assert seen["churn_risk", "event"] > 10
    assert seen["churn_risk", "expired"] > 10
    assert seen["recovered", "event"] > 10
