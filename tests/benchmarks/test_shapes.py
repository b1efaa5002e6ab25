"""The events of the benchmarks in other shapes are the same events; nothing here is timed."""

from __future__ import annotations

from collections.abc import Mapping

import orjson
import pytest

from scoring.events.event import Event
from tests.benchmarks.decoding import Stage, report
from tests.benchmarks.rounds import Measured, Program
from tests.benchmarks.shapes import OWN, SHAPES, Shape
from tests.benchmarks.workload import events, shaped

MADE = [orjson.loads(value) for topic, _, value in events(300, 50, 3) if topic == "clickstream"][:100]


def decoded(shape: Shape) -> list[tuple[str, Event]]:
    """Decode the events in a shape."""
    stage = Stage(shape, MADE)
    (records,) = stage._batches
    return [(customer, event) for _, customer, event in stage.decode(records)]


@pytest.mark.parametrize("shape", SHAPES[1:], ids=lambda shape: shape.title)
def test_the_events_of_a_shape_are_those_of_the_own_one(shape: Shape) -> None:
    found, wanted = decoded(shape), decoded(OWN)

    assert len(found) == len(MADE)
    assert [event.code for _, event in found] == [event.code for _, event in wanted]
    assert [customer.partition("@")[0] for customer, _ in found] == [customer for customer, _ in wanted]
    assert all(abs(event.time - other.time) < 1_000_000 for (_, event), (_, other) in zip(found, wanted, strict=True))


def test_a_segment_call_is_as_large_as_those_of_phones() -> None:
    (segment,) = [shape for shape in SHAPES if shape.title == "Segment"]

    assert 1_300 < len(segment.write(MADE[:1])) < 1_600


def test_events_are_put_together_by_topic_and_none_is_lost() -> None:
    (arrays,) = [shape for shape in SHAPES if shape.together > 1]
    made = list(events(300, 50, 3))

    written = [(topic, orjson.loads(value)) for topic, _, value in shaped(iter(made), arrays)]

    assert {len(value) for _, value in written[:-3]} == {arrays.together}
    ids = {(topic, element["sg_event_id"].removesuffix("-0")) for topic, value in written for element in value}
    assert ids == {(topic, orjson.loads(value)["event_id"]) for topic, _, value in made}


def test_the_table_compares_each_round_with_the_own_shape() -> None:
    stages = [Stage(shape, MADE) for shape in SHAPES[:2]]
    results: list[Mapping[str, float]] = [{"events": 100.0, "alone": 0.5}] * 3
    rates = ([100.0, 200.0, 400.0], [50.0, 160.0, 200.0])
    measured = [
        Measured(Program(stage.shape.title, "", stage.run), each, results)
        for stage, each in zip(stages, rates, strict=True)
    ]

    rows = report(stages, measured).splitlines()

    assert rows[-1].split(" | ")[2:] == ["160", "0.50", "200", "0.80 |"]
