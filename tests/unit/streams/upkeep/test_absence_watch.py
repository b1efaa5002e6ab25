"""Absences in the worker: days are closed by the timer, and customers judged by the clock, once whatever fails."""

from __future__ import annotations

from typing import Any

import pytest

from scoring.instants import DAY, SECOND
from scoring.rules.absence import absences, clock_of
from streams.errors import BrokerUnavailable
from streams.policy_file.document import parse_policy
from streams.store.policies import offered
from streams.topic_names import ALERTS, SHADOW_ALERTS
from tests.unit.scoring.customers import POLICY, at
from tests.unit.streams.bench import LINKING, LINKS, PROFILES, WEB, Bench, did

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


def worker(text: str = ABSENCE, shared: Bench | None = None, shadow: str = "") -> Bench:
    """Give a worker on the day after the last events."""
    bench = Bench(text=text, store=shared.store if shared else None, shadow=shadow)
    bench.now = at("25 00:00")
    return bench


def expected(text: str = ABSENCE) -> list[tuple[str, str, str]]:
    """Give the alerts that the whole history says, by customer and time."""
    rule = parse_policy(text).absence
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


def raised(*benches: Bench, topic: str = ALERTS) -> list[tuple[str, str, str]]:
    """Give the alerts of absence that were published to a topic."""
    messages = [message for bench in benches for _, message in bench.publisher.messages]
    bodies = [message.body for message in messages if message.topic == topic]
    kinds = ("absent", "returned")
    return sorted((b["customer_id"], b["kind"], b["occurred_at"]) for b in bodies if b.get("kind") in kinds)


def of_days(bench: Bench, offset: int, first: int, last: int) -> tuple[int, Any]:
    """Make a batch of the events of some days."""
    events = [
        did(name, "buy", f"{day:02} 12:00") for day in range(first, last + 1) for name in COMES if day in COMES[name]
    ]
    return offset + len(events), bench.submission(offset, *events)


async def turn(bench: Bench, *, end: int = 0) -> None:
    await bench.timer.turn(lambda: {WEB: bench.pipeline.positions.has_applied(WEB, end)}, 1, {WEB})
    assert bench.timer.fault in ("", "gone")


@pytest.mark.parametrize("step", [1, 5, 24])
async def test_alerts_are_those_of_the_whole_history_however_it_comes(step: int) -> None:
    bench, offset = worker(), 0
    await bench.assign(WEB)
    await turn(bench)
    for first in range(1, 25, step):
        offset, batch = of_days(bench, offset, first, min(first + step - 1, 24))
        await bench.apply(batch)
        await turn(bench)

    assert raised(bench) == expected()
    assert {kind for _, kind, _ in expected()} == {"absent", "returned"}


async def test_a_worker_that_takes_over_goes_on_and_what_could_not_be_published_comes_once() -> None:
    bench, offset = worker(), 0
    await bench.assign(WEB)
    await turn(bench)
    benches = [bench]
    for first in range(1, 25, 3):
        offset, batch = of_days(bench, offset, first, first + 2)
        await bench.apply(batch)
        bench.publisher.faults = [BrokerUnavailable("gone")] * 2
        await turn(bench)
        bench.store._leases.clear()
        bench = worker(shared=bench)
        bench.now += len(benches) * 10 * SECOND
        await bench.assign(WEB)
        await turn(bench)
        await turn(bench)
        benches.append(bench)

    assert raised(*benches) == expected()


@pytest.mark.parametrize("step", [1, 5])
async def test_a_shadow_policy_raises_its_own_absences_by_the_same_clocks(step: int) -> None:
    # It looks sooner, so that the schedule of the policy in force alone would be too late for it.
    tried = ABSENCE.replace('"by-hand"', '"tried"').replace("least_members", "margin = 0.5, least_members")
    bench, offset = worker(shadow=tried), 0
    await bench.assign(WEB)
    await turn(bench)
    for first in range(1, 25, step):
        offset, batch = of_days(bench, offset, first, min(first + step - 1, 24))
        await bench.apply(batch)
        await turn(bench)

    assert raised(bench) == expected()
    assert raised(bench, topic=SHADOW_ALERTS) == expected(tried)
    assert expected(tried) != expected()


async def test_a_shadow_policy_with_other_clocks_raises_no_absences_and_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bench = worker(shadow=ABSENCE.replace('"by-hand"', '"tried"').replace("least_members = 2", "least_members = 1"))
    await bench.policies.open()
    await bench.assign(WEB)
    _, batch = of_days(bench, 0, 1, 24)
    await bench.apply(batch)
    for _ in range(4):
        # The days are closed once the sweep has been through.
        bench.now += SECOND
        await turn(bench)

    assert raised(bench) == expected()
    assert raised(bench, topic=SHADOW_ALERTS) == []
    assert "the shadow policy 'tried': it raises no alerts of absence" in caplog.text
    assert "differ: alerts.absence.least_members" in caplog.text


async def test_a_message_says_what_was_missed_and_the_return_closes_it() -> None:
    bench = worker()
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


SEGMENTED = ABSENCE + '[profiles]\ntopic = "profiles"\nsegment = "plan"\n[segments.team]\n'
"""With a clock for each plan."""


async def test_by_another_policy_customers_leave_the_schedules_and_come_back() -> None:
    bench, offset = worker(), 0
    await bench.policies.open()
    await bench.assign(WEB)
    await turn(bench)
    offset, batch = of_days(bench, 0, 1, 3)
    await bench.apply(batch)
    await turn(bench)
    for number, text in enumerate((POLICY, ABSENCE)):
        assert ("_b" in bench.store.hashes["anna"]) is (text == POLICY)
        policy = parse_policy(text.replace('"by-hand"', f'"by-hand-{number}"'))
        assert await bench.store.policies.propose(offered(policy, bench.now), number + 1)
        for _ in range(4):
            bench.now += SECOND
            await turn(bench)
        assert bool(await bench.store.absences.members(28, "", 0, {})) is (text == ABSENCE)
    for first in (4, 14):
        offset, batch = of_days(bench, offset, first, first + 9)
        await bench.apply(batch)
        await turn(bench)
    _, batch = of_days(bench, offset, 24, 24)
    await bench.apply(batch)
    await turn(bench)

    assert raised(bench) == expected()


async def test_what_ends_the_absence_of_a_linked_customer_closes_the_alerts_of_both() -> None:
    bench = worker(LINKING.replace('cooldown = "12h"', 'cooldown = "12h"\nabsence = { least_members = 2 }'))
    await bench.assign(WEB, LINKS)
    bench.clock.partitions = {WEB}
    await turn(bench)
    everyday = ("bert", "cleo", "eric")
    events = [did(name, "buy", f"{day:02} 09:00") for day in range(1, 11) for name in everyday]
    events += [did("anna", "buy", "02 08:00"), did("cookie", "buy", "03 08:00")]
    await bench.apply(bench.submission(0, *events))
    await turn(bench)
    assert [entry[:2] for entry in raised(bench)] == [("anna", "absent"), ("cookie", "absent")]
    opened = {m.body["alert_id"] for _, m in bench.publisher.messages if m.body.get("kind") == "absent"}

    await bench.apply(bench.links(0, ("cookie", "anna")))
    assert len(raised(bench)) == 2
    await bench.apply(bench.submission(len(events), did("anna", "buy", "10 12:00")))
    [returned] = [m.body for _, m in bench.publisher.messages if m.body.get("kind") == "returned"]
    assert (returned["customer_id"], set(returned["closes"])) == ("anna", opened)


async def test_each_segment_has_a_clock_of_its_own_and_who_changes_goes_on_by_the_new_one() -> None:
    bench = worker(SEGMENTED)
    await bench.assign(WEB, PROFILES)
    await turn(bench)
    told = {"anna": "team", "bert": "team", "cleo": "team", "dora": "solo", "eric": "team"}
    profiles = [{"customer_id": name, "timestamp": "2024-01-01T00:00:00Z", "plan": plan} for name, plan in told.items()]
    await bench.apply(bench.submission(0, *profiles, partition=PROFILES))
    _, batch = of_days(bench, 0, 1, 24)
    await bench.apply(batch)
    await turn(bench)
    found = raised(bench)
    team = await bench.store.absences.clock("team")
    solo = await bench.store.absences.clock("solo")
    assert team is not None
    assert solo is not None
    assert (team.at(team.last) > 0, solo.at(solo.last)) == (True, 0)
    assert "anna" in {name for name, *_ in found}
    assert "dora" not in {name for name, *_ in found}

    # By the clock of the others, dora has been away for long.
    moved = {"customer_id": "dora", "timestamp": "2024-01-24T06:00:00Z", "plan": "team"}
    await bench.apply(bench.submission(len(profiles), moved, partition=PROFILES))
    await turn(bench)
    assert {name for name, kind, _ in set(raised(bench)) - set(found)} == {"dora"}


async def test_a_late_event_shortens_an_absence_that_was_reported_and_ends_it() -> None:
    bench = worker()
    await bench.assign(WEB)
    await turn(bench)
    offset, batch = of_days(bench, 0, 1, 8)
    await bench.apply(batch)
    await turn(bench)
    assert raised(bench) == [("anna", "absent", "2024-01-08T00:00:00Z")]

    await bench.apply(bench.submission(offset, did("anna", "buy", "06 12:00")))
    await turn(bench)
    assert raised(bench)[1:] == [("anna", "returned", "2024-01-06T00:00:00Z")]


async def test_on_the_wall_clock_an_absence_is_told_when_the_day_begins() -> None:
    bench, offset = Bench(clock="wall", text=ABSENCE), 0
    bench.now = at("01 00:00")
    await bench.assign(WEB)
    seen: set[tuple[str, str, str]] = set()
    for day in range(1, 25):
        bench.now = at(f"{day:02} 00:00") + SECOND
        await turn(bench)
        new = [each for each in raised(bench) if each not in seen and each[1] == "absent"]
        assert {when for _, _, when in new} <= {f"2024-01-{day:02}T00:00:00Z"}
        bench.now = at(f"{day:02} 12:00")
        offset, batch = of_days(bench, offset, day, day)
        await bench.apply(batch)
        seen |= set(raised(bench))

    assert raised(bench) == expected()


async def test_after_the_store_has_forgotten_its_clocks_customers_are_judged_by_those_that_it_has_then() -> None:
    bench = Bench(clock="wall", text=ABSENCE)
    await bench.assign(WEB)
    offset = 0
    for day in range(1, 16):
        bench.now = at(f"{day:02} 00:00") + SECOND
        await turn(bench)
        bench.now = at(f"{day:02} 12:00")
        offset, batch = of_days(bench, offset, day, day)
        await bench.apply(batch)
        await turn(bench)
        if day == 12:
            vars(bench.store).update(vars(type(bench.store)(bench.policy, bench.journal)))
            bench.publisher.messages.clear()
            await turn(bench)
            # The log does not begin where the clocks did.
            offset, batch = of_days(bench, 0, 4, 12)
            await bench.apply(batch)
            await turn(bench)

    assert raised(bench) == [("anna", "absent", "2024-01-14T00:00:00Z")]


async def test_operators_are_told_once_when_a_segment_leaves_as_a_whole_and_once_when_it_is_back() -> None:
    bench = worker()
    bench.now = at("60 00:00")
    await bench.assign(WEB)
    await turn(bench)
    names = ("anna", "bert", "cleo", "dora", "eric")
    days = [*range(1, 41), 50, 51]
    events = [did(name, "buy", f"{day:02} 12:00") for day in days for name in names]
    bench.publisher.faults = [BrokerUnavailable("gone")] * 2
    offset = 0
    for first in range(0, len(events), 75):
        part = events[first : first + 75]
        batch = bench.submission(offset, *part)
        offset += len(part)
        await bench.apply(batch)
        await turn(bench)
        await turn(bench)

    found = [message.body for _, message in bench.publisher.messages if str(message.body.get("kind")).startswith("seg")]
    assert [(body["kind"], body["occurred_at"], body["active_members"]) for body in found] == [
        ("segment_left", "2024-02-11T00:00:00Z", 0),
        ("segment_back", "2024-02-20T00:00:00Z", 5),
    ]
    assert {body["left_since"] for body in found} == {"2024-02-10T00:00:00Z"}


async def test_the_store_is_asked_for_what_was_reported_of_segments_once_for_each_closed_day() -> None:
    bench = worker()
    await bench.assign(WEB)
    asked = 0
    exchange = bench.store.exchange_feeds

    async def counted(*arguments: Any) -> Any:
        nonlocal asked
        asked += 1
        return await exchange(*arguments)

    bench.store.exchange_feeds = counted  # type: ignore[method-assign, assignment]
    offset = 0
    for day in (2, 3, 4):
        bench.now = at(f"{day:02} 12:00")
        offset, batch = of_days(bench, offset, day, day)
        await bench.apply(batch)
        before = asked
        for _ in range(5):
            await turn(bench)
        assert asked == before + 1
