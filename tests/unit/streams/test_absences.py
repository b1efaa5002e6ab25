"""Absences in the worker: days are closed by the timer, and customers judged by the clock, once whatever fails."""

from __future__ import annotations

from typing import Any

import pytest

from scoring.absence import absences, clock_of
from scoring.instants import DAY, SECOND
from streams.errors import BrokerUnavailable
from tests.unit.scoring.customers import POLICY, at
from tests.unit.streams.bench import WEB, Bench, did

ABSENCE = POLICY.replace('cooldown = "12h"', 'cooldown = "12h"\nabsence = { least_members = 2, memory = "9d" }')
#: The days of January on which each of some customers comes.
COMES = {
    "anna": [1, 2, 3, 9, 10, 20],
    "bert": list(range(1, 25)),
    "cleo": list(range(1, 25, 2)),
    "dora": [4, 5],
    "eric": list(range(3, 25)),
}
TODAY = at("24 12:00")


def expected() -> list[tuple[str, str, str, str]]:
    """Give the alerts that the whole history says, by customer and time."""
    rule = Bench(text=ABSENCE).policy.absence
    assert rule is not None
    first = at("01 00:00") // DAY - 1
    days = {name: [first + day for day in comes] for name, comes in COMES.items()}
    clock = clock_of(rule, days.values(), TODAY // DAY - 1)
    found = []
    for name, its in days.items():
        for one in absences(rule, clock, its):
            if one.alert_day is not None:
                found.append((name, "absent", one.alert_day))
                found += [(name, "returned", one.ended)] if one.ended is not None else []
    return sorted((name, kind, f"2024-01-{day - first:02}T00:00:00Z") for name, kind, day in found)


def raised(*benches: Bench) -> list[tuple[str, str, str]]:
    """Give the alerts of absence that were published."""
    bodies = [message.body for bench in benches for _, message in bench.publisher.messages]
    kinds = ("absent", "returned")
    return sorted((b["customer_id"], b["kind"], b["occurred_at"]) for b in bodies if b.get("kind") in kinds)


def of_days(bench: Bench, offset: int, first: int, last: int) -> tuple[int, Any]:
    """Make a batch of the events of some days."""
    events = [
        did(name, "buy", f"{day:02} 12:00") for day in range(first, last + 1) for name in COMES if day in COMES[name]
    ]
    return offset + len(events), bench.submission(offset, *events)


async def turn(bench: Bench, *, end: int = 0) -> None:
    await bench.timer.turn(lambda: {WEB: bench.pipeline.cursors.has_applied(WEB, end)}, 1, {WEB})
    assert bench.timer.fault in ("", "gone")


@pytest.mark.parametrize("step", [1, 5, 24])
async def test_alerts_are_those_of_the_whole_history_however_it_comes(step: int) -> None:
    bench, offset = Bench(text=ABSENCE), 0
    await bench.assign(WEB)
    await turn(bench)
    for first in range(1, 25, step):
        offset, batch = of_days(bench, offset, first, min(first + step - 1, 24))
        await bench.apply(batch)
        await turn(bench)

    assert raised(bench) == expected()
    assert {kind for _, kind, _ in expected()} == {"absent", "returned"}


async def test_a_worker_that_takes_over_goes_on_and_what_could_not_be_published_comes_once() -> None:
    bench, offset = Bench(text=ABSENCE), 0
    await bench.assign(WEB)
    await turn(bench)
    benches = [bench]
    for first in range(1, 25, 3):
        offset, batch = of_days(bench, offset, first, first + 2)
        await bench.apply(batch)
        bench.publisher.faults = [BrokerUnavailable("gone")] * 2
        await turn(bench)
        bench.store._leases.clear()
        bench = Bench(text=ABSENCE, store=bench.store)
        bench.now += len(benches) * 10 * SECOND
        await bench.assign(WEB)
        await turn(bench)
        await turn(bench)
        benches.append(bench)

    assert raised(*benches) == expected()


async def test_a_message_says_what_was_missed_and_the_return_closes_it() -> None:
    bench = Bench(text=ABSENCE)
    await bench.assign(WEB)
    await turn(bench)
    _, batch = of_days(bench, 0, 1, 24)
    await bench.apply(batch)
    await turn(bench)

    absent, returned = [
        message.body
        for _, message in bench.publisher.messages
        if message.body["customer_id"] == "anna" and message.body.get("kind") in ("absent", "returned")
    ][:2]
    assert (absent["severity"], returned["severity"]) == ("warning", "info")
    assert absent["episode_id"] == absent["alert_id"] == returned["episode_id"]
    assert returned["closes"] == [absent["alert_id"]]
    [reason] = absent["reasons"]
    assert (reason["cause"], reason["since"], reason["longest"]) == ("absence", "2024-01-04T00:00:00Z", 0)
    assert 2 <= reason["missed"] < 3
