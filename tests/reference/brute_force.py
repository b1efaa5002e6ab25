"""Every customer's score and alert history, computed from the raw events alone.

A check on the product that shares no code with it. Nothing is kept from one moment to the next but the customer's
band and the alert machine: at every moment that is judged, the raw events are counted again from the definition

    score(t) = sum over the panes floor(t / pane) - N + 1 .. floor(t / pane), the channels and their types,
               of min(count, cap) x weight

with the events that are not later than t; those that another event of the same object takes back are no events then,
and clicks of a security gateway are events of another type. What the properties of an event make of it, its type and
the points for a number that it tells, is in `properties`. Times are whole microseconds since 1970 UTC, points whole
millionths.

The clock is that of the stream: everything is evaluated at the newest event time of the file less the policy's
lateness. Events are taken in the order of their timestamps, so no event is ever late here.
"""

from __future__ import annotations

import argparse
import copy
import gzip
import json
import re
import sys
import tomllib
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from enum import IntEnum
from fractions import Fraction
from heapq import heapify, heappop, heappush
from pathlib import Path
from typing import Any

from tests.reference.properties import number_in, points_of, type_of

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
MILLION = 1_000_000
UNIT_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
BANDS_ABOVE_AT_RISK = ("disengaged", "engaged", "highly_engaged", "power")
BANDS = ("at_risk", *BANDS_ABOVE_AT_RISK)
OF_PROPERTIES = ("machine", "types", "points")


# --- Exact units -----------------------------------------------------------------------------------------------------


def micros(timestamp: str) -> int:
    """An RFC 3339 time as microseconds since 1970 UTC."""
    moment = datetime.fromisoformat(timestamp)
    if moment.tzinfo is None:
        msg = f"timestamp without a UTC offset: {timestamp!r}"
        raise ValueError(msg)
    return (moment - EPOCH) // MICROSECOND


def rfc3339(time: int) -> str:
    """Microseconds since 1970 as RFC 3339 UTC; the fraction only when there is one."""
    return (EPOCH + time * MICROSECOND).isoformat().replace("+00:00", "Z")


def duration(text: str) -> int:
    """A duration such as `30d`, `24h` or `0s` in microseconds."""
    match = re.fullmatch(r"(\d+)([smhd])", text)
    if match is None:
        msg = f"not a duration: {text!r}"
        raise ValueError(msg)
    return int(match[1]) * UNIT_SECONDS[match[2]] * MILLION


def millionths(points: int | Decimal) -> int:
    """Points of a policy as whole millionths."""
    exact = Decimal(points) * MILLION
    if exact != int(exact):
        msg = f"more than six decimals: {points}"
        raise ValueError(msg)
    return int(exact)


def published(points: int) -> str:
    """Millionths as points with two decimals, half to even on the exact value."""
    rounded = (Decimal(points) / MILLION).quantize(Decimal("0.01"), ROUND_HALF_EVEN)
    return str(rounded + 0)  # adding 0 turns -0.00 into 0.00


# --- Objects ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rules:
    """What the events of one channel make of each other; times in microseconds.

    `keys` names for each type the property that tells its object.
    """

    order: list[str]
    keys: dict[str, str]
    retracts: dict[str, list[str]]
    gateways: dict[str, tuple[str, int]]
    durations: dict[str, tuple[list[str], list[str]]]


def rules_of(table: dict[str, Any]) -> Rules:
    """Read what a channel says of its events."""
    by = table.get("retracts_key", "object_id")
    keys: dict[str, str] = {}
    retracts = {kind: listed(names) for kind, names in table.get("retracts", {}).items()}
    for kind, names in retracts.items():
        keys |= dict.fromkeys([kind, *names], by)
    gateways = {}
    for kind, rule in table.get("gateway", {}).items():
        keys |= dict.fromkeys([kind, rule["after"]], rule.get("key", "message_id"))
        gateways[kind] = (rule["after"], duration(rule.get("within", "10s")))
    durations = {}
    for name, rule in table.get("durations", {}).items():
        durations[name] = (listed(rule["from"]), listed(rule["to"]))
        keys |= dict.fromkeys([*durations[name][0], *durations[name][1]], rule["key"])
    return Rules(list(table["weights"]), keys, retracts, gateways, durations)


def listed(names: str | list[str]) -> list[str]:
    """One name, or several."""
    return [names] if isinstance(names, str) else names


def by_object(events: list[Event], rules: dict[str, Rules]) -> list[list[Event]]:
    """The events that are about something, by what they are about.

    Of one time, what takes back goes after all else, and other types go as the policy lists them.
    """
    groups: dict[tuple[str, str, str], list[Event]] = defaultdict(list)
    for event in events:
        key = rules[event.channel].keys.get(event.type)
        if key is not None and event.object:
            groups[event.channel, key, event.object].append(event)
    for (channel, _, _), group in groups.items():
        retracts, order = rules[channel].retracts, rules[channel].order
        group.sort(key=lambda event: (event.time, event.type in retracts, order.index(event.type)))
    return list(groups.values())


def taken_back(group: list[Event], rules: Rules) -> list[int]:
    """Which events of one object are taken back, by their place."""
    gone: list[int] = []
    for place, event in enumerate(group):
        wanted = rules.retracts.get(event.type, [])
        before = [index for index in range(place) if group[index].type in wanted and index not in gone]
        gone += before[-1:]
    return gone


def standing(events: list[Event], policy: Policy) -> list[Event]:
    """What is left of the events, in the order of their time."""
    if not any(rules.keys for rules in policy.rules.values()):
        return events
    about = by_object(events, policy.rules)
    left = [event for event in events if not any(event is one for group in about for one in group)]
    for group in about:
        rules = policy.rules[group[0].channel]
        gone = taken_back(group, rules)
        stays = [event for place, event in enumerate(group) if place not in gone]
        for event in stays:
            after, within = rules.gateways.get(event.type, ("", 0))
            machine = any(one.type == after and event.time - within <= one.time <= event.time for one in stays)
            left.append(replace(event, type=f"gateway_{event.type}") if machine else event)
    return sorted(left, key=event_time)


def durations_of(events: list[Event], policy: Policy) -> dict[tuple[int, str, str], list[int]]:
    """The durations by pane of the start, channel and name, each in microseconds."""
    found: dict[tuple[int, str, str], list[int]] = defaultdict(list)
    left = standing(events, policy)
    for event in left:
        rules = policy.rules[event.channel]
        for name, (starts, ends) in rules.durations.items():
            if event.object and event.type in starts:
                same = [
                    one.time - event.time
                    for one in left
                    if one.channel == event.channel and one.object == event.object and one.type in ends
                ]
                answered = [time for time in same if time >= 0]
                if answered:
                    found[event.time // policy.pane, event.channel, name].append(min(answered))
    return dict(found)


# --- Policy ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Policy:
    """What the definition needs of a policy file: durations in microseconds, points in millionths."""

    pane: int
    panes: int
    trend: int
    bands: dict[str, int]
    rearm_margin: int
    cooldown: int
    warn_before: int
    drops: str
    lateness: int
    weights: dict[str, dict[str, int]]
    caps: dict[str, dict[str, int]]
    rules: dict[str, Rules] = field(default_factory=dict)
    channels: dict[str, dict[str, Any]] = field(default_factory=dict)
    segments: dict[str, Policy] = field(default_factory=dict)

    def of(self, segment: str) -> Policy:
        """The policy for the customers of a segment."""
        return self.segments.get(segment, self)

    def band(self, score: int) -> str:
        """The band of a score; a lower bound belongs to its band."""
        reached = [band for band in BANDS_ABOVE_AT_RISK if score >= self.bands[band]]
        return reached[-1] if reached else "at_risk"

    def leaves_at(self, pane: int) -> int:
        """The boundary at which a pane leaves the window."""
        return (pane + self.panes) * self.pane


def parse_policy(text: str) -> Policy:
    """Read a policy written in TOML; numbers are taken as they are written, not as binary fractions."""
    table = tomllib.loads(text, parse_float=Decimal)
    segments = {name: policy_of(in_segment(table, own)) for name, own in table.get("segments", {}).items()}
    return replace(policy_of(table), segments=segments)


def in_segment(table: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """A policy's table with what a segment says in the place of what it says itself."""
    expect_keys(own, "bands", "alerts", "channels")
    changed = copy.deepcopy(table)
    for section in ("bands", "alerts"):
        changed[section].update(own.get(section, {}))
    for name, channel in own.get("channels", {}).items():
        expect_keys(channel, "weights", "cap")
        for key, content in channel.items():
            changed["channels"][name].setdefault(key, {}).update(content)
    return changed


def policy_of(table: dict[str, Any]) -> Policy:
    """Read the policy of all customers out of a file's table, or that of a segment."""
    # Measures change no score; `measures` computes them.
    # Of sources it needs to know nothing: it is given the events that they make of records.
    known = ("version", "window", "bands", "alerts", "clock", "channels", "profiles", "segments", "measures", "sources")
    # Which figures there are decides no score.
    expect_keys(table, *known, "kpi", "funnels")
    window, channels = table["window"], table["channels"]
    expect_keys(window, "length", "pane", "trend")
    for channel in channels.values():
        expect_keys(
            channel,
            *("topic", "weights", "cap", "sessions", "pages", "retracts", "retracts_key", "gateway", "durations"),
            *OF_PROPERTIES,
        )
    length, pane = duration(window["length"]), duration(window["pane"])
    if length % pane:
        msg = "the pane does not divide the window"
        raise ValueError(msg)
    return Policy(
        pane=pane,
        panes=length // pane,
        trend=duration(window["trend"]),
        bands={band: millionths(table["bands"][band]) for band in BANDS_ABOVE_AT_RISK},
        rearm_margin=millionths(table["alerts"]["rearm_margin"]),
        cooldown=duration(table["alerts"]["cooldown"]),
        warn_before=duration(table["alerts"].get("warn_before", "0s")),
        drops=table["alerts"].get("drops", "disengaged"),
        lateness=duration(table["clock"]["lateness"]),
        weights={name: {kind: millionths(w) for kind, w in channels[name]["weights"].items()} for name in channels},
        caps={name: dict(channels[name].get("cap", {})) for name in channels},
        rules={name: rules_of(channels[name]) for name in channels},
        channels={name: {key: channels[name].get(key, {}) for key in OF_PROPERTIES} for name in channels},
    )


def expect_keys(table: dict[str, Any], *known: str) -> None:
    """Refuse a policy that says more than the definition above, rather than judge without it."""
    unknown = set(table) - set(known)
    if unknown:
        msg = f"not covered by this script: {', '.join(sorted(unknown))}"
        raise ValueError(msg)


# --- Events ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Event:
    """One raw event of a customer; the object is what it is about, '' for nothing that the policy asks for.

    The segment is the one that the event says the customer is in, '' where it says nothing.
    """

    time: int
    channel: str
    type: str
    object: str = ""
    segment: str = ""
    properties: dict[str, Any] = field(default_factory=dict)


def counting_as(event: Event, policy: Policy) -> Event:
    """The event as one of the type that its properties make it."""
    return replace(event, type=type_of(policy.channels[event.channel], event.type, event.properties))


def event_time(event: Event) -> int:
    """What the events are sorted and searched by."""
    return event.time


Histories = dict[str, list[Event]]


def histories(lines: Iterable[str], policy: Policy) -> Histories:
    """Each customer's raw events in the order of their time, an `event_id` once, of the policy's channels only."""
    seen: set[tuple[str, str]] = set()
    customers: Histories = defaultdict(list)
    for line in lines:
        record = json.loads(line)
        # An empty id is none.
        customer, event_id = record["customer_id"], None if record.get("event_id") == "" else record.get("event_id")
        if record["channel"] not in policy.weights or (customer, event_id) in seen:
            continue
        if event_id is not None:
            seen.add((customer, event_id))
        channel, properties = record["channel"], record.get("properties") or {}
        kind = type_of(policy.channels[channel], record["type"], properties)
        about = str(properties.get(policy.rules[channel].keys.get(kind, ""), ""))
        customers[customer].append(Event(micros(record["timestamp"]), channel, kind, about, "", properties))
    for events in customers.values():
        events.sort(key=event_time)  # stable: equal times stay in the order of arrival
    return dict(customers)


def evaluation_time(customers: Histories, policy: Policy) -> int:
    """The newest event time of all, less the policy's lateness."""
    return max(events[-1].time for events in customers.values()) - policy.lateness


def segment_of(events: list[Event]) -> str:
    """The segment that the newest event that tells one tells; of several at one time the last in the alphabet."""
    return max(((event.time, event.segment) for event in events if event.segment), default=(0, ""))[1]


# --- The score, from its definition ----------------------------------------------------------------------------------


def up_to(events: list[Event], time: int) -> list[Event]:
    """The events that are not later than `time`."""
    return events[: bisect_right(events, time, key=event_time)]


def points_by_channel(events: list[Event], policy: Policy, time: int) -> dict[str, int]:
    """Count `events` in the panes that count at `time`, and sum them up.

    The events are in the order of their time: two bisections cut out the part that the definition sums over.
    """
    events = standing(events, policy)
    last_pane = time // policy.pane
    first_pane = last_pane - policy.panes + 1
    start = bisect_left(events, first_pane * policy.pane, key=event_time)
    stop = bisect_left(events, (last_pane + 1) * policy.pane, key=event_time)
    counts = Counter((event.time // policy.pane, event.channel, event.type) for event in events[start:stop])
    points = dict.fromkeys(policy.weights, 0)
    for (_, channel, kind), count in counts.items():
        cap = policy.caps[channel].get(kind, count)
        points[channel] += min(count, cap) * policy.weights[channel].get(kind, 0)
    for channel, table in policy.channels.items():
        for kind, rule in table["points"].items():
            sums: dict[int, Fraction] = defaultdict(Fraction)
            for event in events[start:stop]:
                if (event.channel, event.type) == (channel, kind):
                    sums[event.time // policy.pane] += number_in(event.properties, rule["property"])
            points[channel] += sum(points_of(total, rule) for total in sums.values())
    return points


def score_of(events: list[Event], policy: Policy, time: int) -> int:
    """What `events` score at `time`."""
    return sum(points_by_channel(events, policy, time).values())


def trend_of(events: list[Event], policy: Policy, time: int) -> int:
    """The score at `time` less what the same events score in the panes that counted a trend earlier."""
    return score_of(events, policy, time) - score_of(events, policy, time - policy.trend)


def boundaries(events: list[Event], policy: Policy) -> list[int]:
    """The boundaries, in order, at which a pane with events leaves the window."""
    return [policy.leaves_at(pane) for pane in sorted({event.time // policy.pane for event in events})]


def disengages_at(events: list[Event], policy: Policy, time: int) -> int | None:
    """The first boundary after `time` at which the score has gone below `engaged`, if nothing more arrives."""
    engaged = policy.bands["engaged"]
    if score_of(events, policy, time) < engaged:
        return None
    later = [boundary for boundary in boundaries(events, policy) if boundary > time]
    return next((boundary for boundary in later if score_of(events, policy, boundary) < engaged), None)


# --- What happened to a customer -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Change:
    """A customer's way from one judged moment to the next, where it changed the band or raised an alert."""

    time: int
    score: int
    previous_score: int
    band: str
    previous_band: str

    def fields(self) -> dict[str, str]:
        """As it is published."""
        return {
            "occurred_at": rfc3339(self.time),
            "score": published(self.score),
            "previous_score": published(self.previous_score),
            "band": self.band,
            "previous_band": self.previous_band,
        }


@dataclass(frozen=True)
class Alert:
    """A `churn_risk`, `recovered` or `disengaging_soon`; `recovered` has no severity, the last one tells of what.

    `opened` is the time of the alert that opened the episode, `closes` are those of the alerts that this one closes.
    """

    kind: str
    severity: str
    change: Change
    opened: int
    disengages_at: int | None = None
    closes: tuple[int, ...] = ()

    def fields(self) -> dict[str, str]:
        """As it is published."""
        coming = {} if self.disengages_at is None else {"disengages_at": rfc3339(self.disengages_at)}
        closes = {"closes": " ".join(map(rfc3339, self.closes))} if self.closes else {}
        told = {"kind": self.kind, "severity": self.severity, "opened": rfc3339(self.opened)}
        return {**told, **self.change.fields(), **coming, **closes}


@dataclass
class Machine:
    """A customer's band and alerts, judged at one moment after another.

    `episode` are the churn alerts since the last recovery, `opened_engaged` whether they began with who was `engaged`.
    `armed` is whoever has been `engaged` since then; `excused` is whom other rules have put into `at_risk` meanwhile.
    """

    policy: Policy
    score: int = 0
    band: str = "disengaged"
    armed: bool = False
    episode: list[Change] = field(default_factory=list)
    opened_engaged: bool = False
    excused: bool = False
    last_churn: int | None = None
    drop: Change | None = None
    warned: bool = False
    last_warning: int | None = None
    alerts: list[Alert] = field(default_factory=list)
    band_changes: list[Change] = field(default_factory=list)

    def judge(self, time: int, score: int) -> None:
        """Take the customer to `time`, when the score is `score`."""
        change = Change(time, score, self.score, self.policy.band(score), self.band)
        if change.band != change.previous_band:
            self.band_changes.append(change)
        if self.episode:
            self._judge_alerted(change)
        else:
            self._judge_others(change)
        self.score, self.band = score, change.band

    def follow(self, policy: Policy, time: int, events: list[Event]) -> None:
        """Go by the policy of another segment from `time` on: the rules have changed, not the customer."""
        self.policy = policy
        score, engaged = score_of(events, policy, time), policy.bands["engaged"]
        change = Change(time, score, self.score, policy.band(score), self.band)
        if change.band != change.previous_band:
            self.band_changes.append(change)
        if self.drop is not None and score >= policy.bands["engaged" if self.armed else "disengaged"]:
            self.drop = None
        if not self.episode and self.drop is None:
            self.armed = score >= engaged and policy.drops == "disengaged"
        self.excused = self.excused or bool(self.episode and change.band == "at_risk")
        self.score, self.band, self.last_warning = score, change.band, None
        leaves = disengages_at(events, policy, time)
        self.warned = bool(policy.warn_before) and leaves is not None and leaves - policy.warn_before <= time

    @property
    def _base(self) -> str:
        return "engaged" if self.opened_engaged else "disengaged"

    def look_ahead(self, time: int, previous_score: int, coming: list[tuple[int, int]]) -> int | None:
        """Judge at `time` what is coming if nothing more arrives: the later boundaries, each with its score.

        `previous_score` is from before the moment. Gives the moment, if there is one, at which the coming drop is to be
        told of.
        """
        policy, engaged = self.policy, self.policy.bands["engaged"]
        within = [score for boundary, score in coming if boundary <= time + policy.warn_before]
        if min([self.score, *within]) >= engaged + policy.rearm_margin:
            self.warned = False
        leaves = next((boundary for boundary, score in coming if score < engaged), None)
        if leaves is None or self.score < engaged or self.warned or not self.armed:
            return None
        cooled = time if self.last_warning is None else self.last_warning + policy.cooldown
        moment = max(leaves - policy.warn_before, cooled, time)
        if moment == time:
            change = Change(time, self.score, previous_score, self.band, policy.band(previous_score))
            self.alerts.append(Alert("disengaging_soon", "notice", change, time, leaves))
            self.warned, self.last_warning = True, time
        return moment if time < moment < leaves else None

    def _judge_alerted(self, change: Change) -> None:
        if change.score >= self.policy.bands[self._base] + self.policy.rearm_margin:
            opened, times = self.episode[0].time, tuple(told.time for told in self.episode)
            self.alerts.append(Alert("recovered", "", change, opened, closes=times))
            self.episode, self.excused = [], False
            self.armed = self._arms(change)
        elif change.band == "at_risk" and not self.excused and all(told.band != "at_risk" for told in self.episode):
            self._raise(change)

    def _judge_others(self, change: Change) -> None:
        if change.score >= self.policy.bands["engaged"]:
            self.armed, self.drop = self._arms(change), None
        elif self.drop is None and (self.armed or (change.band == "at_risk" and change.previous_band != "at_risk")):
            self.drop = change
        elif not self.armed and change.band != "at_risk":
            self.drop = None
        if self.drop is None or (self.last_churn is not None and change.time - self.last_churn < self.policy.cooldown):
            return
        # An alert that the cooldown held back tells from where the drop itself came.
        self.opened_engaged = self.armed
        self._raise(replace(change, previous_score=self.drop.previous_score, previous_band=self.drop.previous_band))
        self.armed, self.drop = False, None

    def _arms(self, change: Change) -> bool:
        return self.policy.drops == "disengaged" and change.score >= self.policy.bands["engaged"]

    def _raise(self, told: Change) -> None:
        self.episode.append(told)
        severity = "critical" if told.band == "at_risk" else "warning"
        self.alerts.append(Alert("churn_risk", severity, told, self.episode[0].time))
        self.last_churn = told.time


class Step(IntEnum):
    """Why a moment is judged, in the order in which moments of one time are."""

    BOUNDARY = 0
    COOLDOWN_END = 1
    WARNING = 2
    EVENT = 3


def judge_history(events: list[Event], policy: Policy, until: int) -> Machine:
    """Judge every moment of a customer's history up to the evaluation time.

    A boundary and the end of a cooldown are judged with the events before them, an event with those up to and with it,
    so each of several events of one time is a moment of its own.
    """
    whole, machine = policy, Machine(policy.of(segment_of(events[:1])))
    moments = [(boundary, Step.BOUNDARY, 0) for boundary in boundaries(events, policy)]
    moments += [(event.time, Step.EVENT, index) for index, event in enumerate(events)]
    heapify(moments)
    taken = 0
    while moments and moments[0][0] <= until:
        time, step, index = heappop(moments)
        if step is Step.EVENT:
            after = whole.of(segment_of(events[: index + 1]))
            if after is not machine.policy:
                machine.follow(after, time, events[:taken])
            taken = index + 1
        before, policy = machine.score, machine.policy
        known = events[:taken]
        if step is not Step.WARNING:
            machine.judge(time, score_of(known, policy, time))
        if machine.last_churn == time and policy.cooldown:
            heappush(moments, (time + policy.cooldown, Step.COOLDOWN_END, 0))
        if policy.warn_before:
            later = [boundary for boundary in boundaries(known, policy) if boundary > time]
            coming = [(boundary, score_of(known, policy, boundary)) for boundary in later]
            moment = machine.look_ahead(time, before, coming)
            if moment is not None:
                heappush(moments, (moment, Step.WARNING, 0))
    return machine


# --- Results ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Customer:
    """What is published of a customer at the evaluation time, and everything that was published on the way."""

    customer_id: str
    score: str
    band: str
    band_since: str
    previous_band: str
    points: dict[str, str]
    trend: str
    disengages_at: str
    last_event_at: str
    segment: str
    alerts: list[dict[str, str]]
    band_changes: list[dict[str, str]]


def evaluate(customer_id: str, events: list[Event], policy: Policy, time: int) -> Customer | None:
    """Everything about one customer at `time`; nothing if no event has come by then."""
    events = up_to(events, time)
    if not events:
        return None
    machine = judge_history(events, policy, time)
    policy = machine.policy
    disengages = disengages_at(events, policy, time)
    latest = machine.band_changes[-1] if machine.band_changes else None
    return Customer(
        customer_id=customer_id,
        score=published(score_of(events, policy, time)),
        band=machine.band,
        band_since=rfc3339(latest.time if latest else events[0].time),
        previous_band=latest.previous_band if latest else "",
        points={channel: published(points) for channel, points in points_by_channel(events, policy, time).items()},
        trend=published(trend_of(events, policy, time)),
        disengages_at="" if disengages is None else rfc3339(disengages),
        last_event_at=rfc3339(events[-1].time),
        segment=segment_of(events),
        alerts=[alert.fields() for alert in machine.alerts],
        band_changes=[change.fields() for change in machine.band_changes],
    )


def evaluate_all(customers: Histories, policy: Policy) -> Iterator[Customer]:
    """Every customer at the evaluation time of the file, by id."""
    time = evaluation_time(customers, policy)
    for customer_id in sorted(customers):
        customer = evaluate(customer_id, customers[customer_id], policy, time)
        if customer is not None:
            yield customer


def summary(customers: Histories, policy: Policy) -> dict[str, Any]:
    """How many there are of everything."""
    results = list(evaluate_all(customers, policy))
    kinds = Counter(alert["kind"] for customer in results for alert in customer.alerts)
    bands = Counter(customer.band for customer in results)
    return {
        "evaluated_at": rfc3339(evaluation_time(customers, policy)),
        "customers": len(results),
        "events": sum(len(events) for events in customers.values()),
        "ever_engaged": sum(any(is_entry(change) for change in customer.band_changes) for customer in results),
        "alerts": kinds["churn_risk"],
        "recoveries": kinds["recovered"],
        "customers_alerted": sum(bool(customer.alerts) for customer in results),
        "band_changes": sum(len(customer.band_changes) for customer in results),
        "bands": {band: bands[band] for band in BANDS},
    }


def is_entry(change: dict[str, str]) -> bool:
    """Whether a band change leads from below `engaged` to it or above."""
    low = BANDS[:2]
    return change["previous_band"] in low and change["band"] not in low


# --- Command line ----------------------------------------------------------------------------------------------------


def read_lines(path: Path) -> Iterator[str]:
    """The lines of a file, gzipped if its name ends in `.gz`, that are not blank."""
    reader = gzip.open if path.suffix == ".gz" else open
    with reader(path, mode="rt", encoding="utf-8") as file:
        yield from (line for line in file if line.strip())


def main(arguments: list[str] | None = None) -> None:
    """Print a JSON line per customer, or the summary."""
    parser = argparse.ArgumentParser(description="Scores and alerts by brute force, from the raw events alone.")
    parser.add_argument("policy", type=Path, help="the policy, TOML")
    parser.add_argument("events", type=Path, help="the events, JSON Lines, plain or .gz")
    parser.add_argument("--summary", action="store_true", help="print the numbers only")
    options = parser.parse_args(arguments)
    policy = parse_policy(options.policy.read_text(encoding="utf-8"))
    customers = histories(read_lines(options.events), policy)
    if options.summary:
        sys.stdout.write(json.dumps(summary(customers, policy), indent=2) + "\n")
        return
    for customer in evaluate_all(customers, policy):
        sys.stdout.write(json.dumps(asdict(customer), ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
