"""What the brute force says of a life, and what the product says, in the same words."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from scoring.customer.episodes import Report
from scoring.customer.state import CustomerState
from scoring.events.event import Event
from scoring.events.profiles import event_reader
from scoring.instants import format_instant
from scoring.judging.alerts import Alert, Transition
from scoring.judging.moment import Moment
from scoring.judging.outcome import Outcome
from scoring.judging.walk import advance
from scoring.points import rounded
from scoring.policy.policy import BANDS, Policy
from streams.policy_file.document import parse_policy
from streams.store.memory.store import MemoryStore
from streams.store.protocol import GroupWrite
from tests.property.lives import Happening, Step, World
from tests.reference import brute_force

CUSTOMER = "anna"
_FAR = 1 << 60

Told = dict[str, object]


@dataclass
class Biography:
    """What is published of a customer at the end, and every transition on the way."""

    fields: Told = field(default_factory=dict)
    alerts: list[Told] = field(default_factory=list)
    changes: list[Told] = field(default_factory=list)


def by_brute_force(world: World, life: Iterable[Happening], until: int) -> Biography:
    """Judge a life from its raw events alone."""
    policy = brute_force.parse_policy(world.text)
    events = [brute_force.counting_as(event, policy) for event in raw_events(life)]
    told = brute_force.evaluate(CUSTOMER, events, policy, until)
    if told is None:
        return Biography()
    fields: Told = {
        "score": Decimal(told.score),
        "trend": Decimal(told.trend),
        "band": told.band,
        "band_since": told.band_since,
        "previous_band": told.previous_band,
        "disengages_at": told.disengages_at,
        "last_event_at": told.last_event_at,
        **({"segment": told.segment} if told.segment else {}),
        **{channel: Decimal(points) for channel, points in told.points.items()},
    }
    return Biography(fields, [_numbers(alert) for alert in told.alerts], [_numbers(each) for each in told.band_changes])


def raw_events(life: Iterable[Happening]) -> list[brute_force.Event]:
    """Give happenings to the brute force, in the order of their time."""
    events = [
        brute_force.Event(each.time, each.channel, each.type, each.object, each.segment, dict(each.properties))
        for each in life
    ]
    return sorted(events, key=brute_force.event_time)


def _numbers(told: dict[str, str]) -> Told:
    return {
        name: Decimal(value) if name.endswith("score") else value
        for name, value in told.items()
        if not (name == "severity" and not value)
    }


class Reader:
    """Reads happenings as the product reads events."""

    def __init__(self, policy: Policy) -> None:
        """Make a reader per channel."""
        self._readers = {channel.name: event_reader(channel, policy) for channel in policy.channels}

    def read(self, batch: Iterable[Happening]) -> list[Event]:
        """Give the events of a batch."""
        return [self._readers[each.channel].read(_value(each), _FAR)[1] for each in batch]


def _value(happening: Happening) -> dict[str, object]:
    return {
        "customer_id": CUSTOMER,
        "type": happening.type,
        "timestamp": format_instant(happening.time),
        "event_id": happening.event_id,
        "properties": dict(happening.properties)
        | {name: told for name, told in (("object_id", happening.object), ("segment", happening.segment)) if told},
    }


def by_steps(world: World, steps: Sequence[Step]) -> Biography:
    """Judge a life as the product does, step by step, each loaded from a store and stored again."""
    return asyncio.run(_through_the_store(world, steps))


async def _through_the_store(world: World, steps: Sequence[Step]) -> Biography:
    policy = parse_policy(world.with_long_memory)
    store, reader, biography = MemoryStore(policy), Reader(policy), Biography()
    for batch, now in steps:
        [record] = await store.load([CUSTOMER])
        outcome = advance(policy, record.state, reader.read(batch), Moment(now))
        _note(biography, outcome)
        await store.apply([GroupWrite(0, customers={CUSTOMER: record})], now)
    stored = await store.read(CUSTOMER)
    if stored is not None:
        numbers = ("score", "trend", *(channel.name for channel in policy.channels))
        left_out = ("updated_at", "policy_version")
        biography.fields = {
            name: Decimal(value) if name in numbers else value
            for name, value in stored.fields.items()
            if name not in left_out
        }
    return biography


def in_memory(
    policy: Policy, steps: Sequence[Step], *, wall: bool = False, state: CustomerState | None = None
) -> Iterable[tuple[Step, CustomerState, Outcome]]:
    """Judge step by step in memory; on the wall clock all events of the present pane are taken."""
    state = state or CustomerState()
    reader = Reader(policy)
    for step in steps:
        horizon = (step.now // policy.pane + 1) * policy.pane - 1 if wall else step.now
        yield step, state, advance(policy, state, reader.read(step.batch), Moment(step.now, horizon))


def _note(biography: Biography, outcome: Outcome) -> None:
    for transition in outcome.transitions:
        is_alert = isinstance(transition, Alert)
        (biography.alerts if is_alert else biography.changes).append(told_of(transition))


def told_of(transition: Transition) -> Told:
    """Write a transition as the brute force does."""
    told: Told = {
        "occurred_at": format_instant(transition.occurred_at),
        "score": _decimal(transition.score),
        "band": BANDS[transition.band],
        "previous_score": _decimal(transition.previous_score),
        "previous_band": BANDS[transition.previous_band],
    }
    if isinstance(transition, Alert):
        own = Report(transition.name, transition.occurred_at)
        first = (*transition.earlier, own)[0]
        told |= {"kind": transition.kind, "opened": format_instant(first.occurred_at)}
        if transition.kind == "recovered":
            told["closes"] = " ".join([format_instant(report.occurred_at) for report in transition.earlier])
        if transition.kind != "recovered":
            told["severity"] = transition.severity
        if transition.disengages_at:
            told["disengages_at"] = format_instant(transition.disengages_at)
    return told


def _decimal(points: int) -> Decimal:
    return Decimal(str(rounded(points)))
