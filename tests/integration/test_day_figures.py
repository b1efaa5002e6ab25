"""Figures by the day, of channels, bands and groups are those of the raw events: through a killed worker and loss."""

from __future__ import annotations

import asyncio
import json
import random
import tomllib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from tests.integration.conftest import MakeSystem
from tests.integration.test_group import (
    PARTITIONS,
    START,
    Feed,
    history,
    lose_a_worker_and_redis,
    run_and_compare,
    start,
)
from tests.integration.test_group import POLICY as USUAL
from tests.polling import poll_until
from tests.property.test_churn import is_there
from tests.reference import brute_force, figures
from tests.reference.day_figures import band_fields, channel_fields, regularity_fields, session_fields
from tests.reference.funnels import customers
from tests.reference.measure_figures import measure_fields
from tests.reference.measures import RawEvent
from tests.services.command import run_command
from tests.services.system import System, metric

pytestmark = pytest.mark.slow

POLICY = (
    USUAL.replace("[channels.email]", 'sessions = "30m"\npages = ["page_view"]\n[channels.email]')
    + """
[kpi]
by_day = true
by_channel = true
by_band = true
[kpi.churn]
after = "6d"
by = ["email.unsubscribe"]
[kpi.groups.campaign]
property = "campaign"
of = ["email.open", "email.click", "email.unsubscribe"]
largest = 20
[funnels.letter]
steps = ["email.open", "clickstream.page_view", ["clickstream.purchase", "social.comment"]]
within = "3d"
[measures.clickers]
kind = "share"
of = ["email.click"]
to = ["email"]
[measures.buyers]
kind = "share"
of = ["clickstream.purchase"]
to = ["clickstream"]
over = "3d"
[measures.revenue]
kind = "sum"
of = ["clickstream.purchase"]
property = "amount"
[measures.session_duration]
kind = "session_duration"
channel = "clickstream"
[measures.pages_per_session]
kind = "pages_per_session"
channel = "clickstream"
[measures.time_on_page]
kind = "time_on_page"
channel = "clickstream"
[measures.bounce_rate]
kind = "bounce_rate"
channel = "clickstream"
over = "1d"
[measures.opens]
kind = "regularity"
of = ["email.open"]
over = "7d"
"""
)
FIRST_DAY = START // figures.DAY
DAYS = 45
#: The days that are compared: the brute force looks at everything for each.
COMPARED = (4, 17, 31, 44)


def told(system: System) -> list[dict[str, Any]]:
    """Make events that cost something and belong to a campaign, and page views close after each other."""
    dice = random.Random(47)
    events = []
    for number, event in enumerate(history(system, 3_000)):
        event["properties"] = {"amount": dice.randrange(1, 200), "campaign": dice.choice(["spring", "fall", 7, None])}
        events.append(event)
        if event["type"] == "page_view" and dice.random() < 0.5:
            later = brute_force.rfc3339(brute_force.micros(event["timestamp"]) + dice.randrange(1, 1_500) * 10**6)
            events.append({**event, "timestamp": later, "event_id": f"later-{number}", "properties": {}})
    return sorted(events, key=lambda event: brute_force.micros(event["timestamp"]))


class Right:
    """What the figures have to be, from the raw events."""

    def __init__(self, system: System, events: Sequence[dict[str, Any]]) -> None:
        """Sort the events by customer, and let the brute force judge them."""
        text = (system.folder / f"{system.namespace}.toml").read_text(encoding="utf-8")
        self.document = tomllib.loads(text)
        self.lives: dict[str, list[RawEvent]] = defaultdict(list)
        for event in events:
            time = brute_force.micros(event["timestamp"])
            self.lives[event["customer_id"]].append(
                RawEvent(time, event["channel"], event["type"], event["properties"])
            )
        policy = brute_force.parse_policy(text)
        histories = brute_force.histories(map(json.dumps, events), policy)
        self.active = figures.active_days(histories, policy)
        index = {band: number for number, band in enumerate(brute_force.BANDS)}
        self.changes = {
            row.customer_id: [
                (day, index[after])
                for day, _, after in figures.band_history(histories[row.customer_id][0].time, row.band_changes)
            ]
            for row in brute_force.evaluate_all(histories, policy)
        }
        self.last = max(event.time for events in self.lives.values() for event in events)

    def fields(self, day: int) -> dict[str, str]:
        """Give the measures of a day, and the figures of the channels."""
        now = min((day + 1) * figures.DAY - 1, self.last)
        past = self._until(now)
        known = sum(changes[0][0] <= day for changes in self.changes.values())
        return (
            measure_fields(self.document, past, now)
            | session_fields(self.document, self.lives, now)
            | regularity_fields(self.document, past, now, known)
            | channel_fields(self.document, past, now)
        )

    def of_band(self, day: int, band: int) -> dict[str, str]:
        """Give what was done in a band in the window up to a day."""
        now = min((day + 1) * figures.DAY - 1, self.last)
        return band_fields(self.document, self.lives, self._until(now), self.changes, now, band)

    def groups(self, first: int, last: int) -> dict[str, dict[str, int]]:
        """Count by campaign."""
        found: dict[str, Counter[str]] = defaultdict(Counter)
        for events in self.lives.values():
            for event in events:
                campaign = event.properties.get("campaign")
                counts = event.channel == "email" and event.type in ("open", "click", "unsubscribe")
                if counts and campaign is not None and first <= event.time // figures.DAY <= last:
                    found[str(campaign)][f"email.{event.type}"] += 1
        return {name: dict(counts) for name, counts in found.items()}

    def there(self, day: int) -> set[str]:
        """Return who is a customer at the end of a day, by the policy's rule."""
        found = set()
        for name, active in self.active.items():
            ends = {each.time // figures.DAY for each in self.lives[name] if each.type == "unsubscribe"}
            if is_there(6, active, ends, day):
                found.add(name)
        return found

    def funnels(self, day: int) -> dict[str, list[int]]:
        """Count who began on a day and passed the steps."""
        happened = {
            name: [(each.time // figures.DAY, f"{each.channel}.{each.type}") for each in events]
            for name, events in self.lives.items()
        }
        tables = self.document["funnels"].items()
        return {name: list(customers(table, happened, figures.DAY, day, day)) for name, table in tables}

    def _until(self, now: int) -> dict[str, list[RawEvent]]:
        return {name: [each for each in events if each.time <= now] for name, events in self.lives.items()}


def flat(measures: Mapping[str, Any], channels: Mapping[str, Any]) -> dict[str, Any]:
    """Give what a day tells by the names under which it is published."""
    found: dict[str, Any] = {}
    for name, each in measures.items():
        for key, value in each.items():
            found[f"measure:{name}" if key == "value" else f"measure:{name}:{key}"] = value
    for channel, each in channels.items():
        found |= {f"channel:{channel}:{key}": value for key, value in each.items()}
    return found


def differences(system: System, right: Right, first: int, last: int) -> list[str]:
    """Compare what the command tells of days with the raw events."""
    days = [brute_force.rfc3339((FIRST_DAY + number) * figures.DAY)[:10] for number in (first, last)]
    printed = run_command(system.environment, "kpi", "--json", "--from", days[0], "--to", days[1]).stdout
    document, found = json.loads(printed), []
    compared = {FIRST_DAY + number for number in COMPARED}
    for number, told in enumerate(document["days"], FIRST_DAY + first):
        if number not in compared:
            continue
        wanted = {name: float(value) if value else None for name, value in right.fields(number).items()}
        shown = flat(told["measures"], told["channels"])
        found += [
            f"{told['day']}: {name} {shown[name]} {wanted[name]}" for name in wanted if shown[name] != wanted[name]
        ]
        passed = {name: [step["customers"] for step in steps] for name, steps in told["funnels"].items()}
        if passed != right.funnels(number):
            found.append(f"{told['day']}: funnels {passed} {right.funnels(number)}")
        for index, band in enumerate(brute_force.BANDS):
            by_band = told["by_band"][band]
            wanted = {name: float(value) if value else None for name, value in right.of_band(number, index).items()}
            shown = flat(by_band["measures"], {}) | {f"type:{name}": each for name, each in by_band["types"].items()}
            differing = [name for name in wanted if name in shown and shown[name] != wanted[name]]
            found += [f"{told['day']}: {band} {name} {shown[name]} {wanted[name]}" for name in differing]
        counted = {each.pop("value"): each for each in told["groups"]["campaign"]["values"]}
        named = {value: {name: count for name, count in each.items() if count} for value, each in counted.items()}
        if named != right.groups(number, number) or told["groups"]["campaign"]["missing_at_most"]:
            found.append(f"{told['day']}: campaigns {named} {right.groups(number, number)}")
    there = [right.there(FIRST_DAY + number) for number in range(first - 1, last + 1)]
    stayed = set.intersection(*there)
    goings = {
        "customers_at_start": len(there[0]),
        "customers_at_end": len(there[-1]),
        "lost": len(there[0] - stayed),
        "acquired": len(there[-1] - stayed),
    }
    found += [f"{name} {document[name]} {wanted}" for name, wanted in goings.items() if document[name] != wanted]
    return found


async def test_figures_by_the_day_stay_exact_when_a_worker_is_killed_and_redis_is_emptied(
    make_system: MakeSystem,
) -> None:
    system = make_system(POLICY, clock="stream", session_timeout=6)
    await system.create_topics(PARTITIONS)
    events = told(system)
    feed = Feed(system, events, 10)
    first, second = system.worker(), system.worker()
    await start(first)

    await run_and_compare(system, events, feed, lambda: lose_a_worker_and_redis(first, second, system, feed))
    right = Right(system, events)
    wanted = right.fields(right.last // figures.DAY)

    def published() -> bool:
        found = system.redis.hgetall(f"{system.namespace}:kpi")
        return {name: found.get(name) for name in wanted} == wanted

    # What the command prints is as of the last report.
    await poll_until(published, 60)
    assert differences(system, right, 1, DAYS) == []
    assert all(count > 0 for day in COMPARED[1:3] for count in right.funnels(FIRST_DAY + day)["letter"])
    clickers = float(wanted["measure:clickers"])
    await poll_until(lambda: metric(second, "engagement_kpi", figure="measure:clickers") == clickers, 30)
    assert any(
        ":past measures" in key for key in system.redis.scan_iter(match=f"{system.namespace}:_kpi:*", count=1000)
    )
    assert differences(system, right, 17, 20) == []
    text = run_command(system.environment, "kpi").stdout
    assert [word for word in ("clickstream", "funnel letter", "by band", "campaign") if word not in text] == []
    assert "spring" in text

    assert await asyncio.to_thread(second.stop) == 0
    assert "0 differ" in run_command(system.environment, "rebuild", "--dry-run", "--figures").stdout
    erased = system.customer("c7")
    run_command(system.environment, "erase", "--yes", erased)
    assert "0 differ" in run_command(system.environment, "rebuild", "--dry-run", "--figures").stdout
