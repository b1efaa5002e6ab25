"""Targets: what passes one is told once, at the end of the day, and so is its end, whatever happens to workers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from streams.errors import BrokerUnavailable
from streams.topic_names import FEED_ALERTS
from tests.unit.scoring.customers import POLICY, at
from tests.unit.streams.bench import WEB, Bench, JournalStore, did

#: A figure of each kind that has one number; the bounds are chosen so that the second day misses what the first met.
KINDS = {
    "new": ("at_least = 2", 1),
    "disengaged_share": ("at_least = 90", 66.67),
    "buyers": ("at_least = 70", 66.67),
    "views": ("at_most = 2", 3),
    "viewers:weekly": ("at_most = 2", 3),
    "channel:web:points": ("at_least = 11", 10),
    "channel:web:weekly_active": ("at_most = 2", 3),
    "band:disengaged:views": ("at_most = 2", 3),
    "funnel:look:1": ("at_most = 2", 3),
    "funnel:look:2:share": ("at_least = 70", 66.67),
}
COUNTED = """
[measures.buyers]
kind = "share"
of = ["web.buy"]
to = ["web.view"]
[measures.views]
kind = "count"
of = ["web.view"]
[measures.viewers]
kind = "regularity"
of = ["web.view"]
[funnels.look]
steps = ["web.view", "web.buy"]
within = "1d"
[kpi]
by_day = true
by_channel = true
by_band = true
"""


def bench_with(targets: str, *, store: JournalStore | None = None) -> Bench:
    """Give a worker on the wall clock whose policy has targets."""
    text = POLICY.replace('length = "3d"', 'length = "8d"')
    return Bench(clock="wall", text=f"{text}\n{targets}", store=store)


async def send(bench: Bench, base: int, now: str, *events: tuple[str, str]) -> None:
    """Apply events of now, each a customer and a type."""
    bench.now = at(now)
    await bench.apply(bench.submission(base, *[did(customer, kind, now) for customer, kind in events]))


async def turn(bench: Bench, now: str) -> None:
    """Judge what is over at a time."""
    bench.now = at(now)
    await bench.parts.targets.turn(bench.now)


def told(*benches: Bench) -> list[dict[str, Any]]:
    """Give what was published of targets."""
    messages = [message for bench in benches for _, message in bench.publisher.messages if message.topic == FEED_ALERTS]
    return [message.body for message in messages if message.body["kind"].startswith("target_")]


def kinds(messages: Sequence[dict[str, Any]]) -> list[tuple[str, str]]:
    """Give their kinds, and the days at whose ends it was so."""
    return [(message["kind"], message["occurred_at"][8:10]) for message in messages]


ACTIVE = "[targets.daily_active]\nat_least = 2\nwarn_below = 1\nbenchmark = 5\n"


async def two_days(targets: str = ACTIVE) -> Bench:
    """Give a worker with two customers on the 1st, of whom one came on the 2nd."""
    bench = bench_with(targets)
    await bench.assign(WEB)
    await send(bench, 0, "01 10:00", ("anna", "view"), ("ben", "view"))
    await send(bench, 2, "02 10:00", ("anna", "view"))
    return bench


async def test_a_figure_that_passes_its_target_is_told_once_and_so_is_its_end() -> None:
    bench = await two_days()
    for now in ("02 10:00", "02 23:59:59", "03 00:00", "03 00:01", "03 09:00"):
        await turn(bench, now)
    await send(bench, 3, "03 10:00", ("anna", "view"), ("ben", "view"), ("cleo", "view"))
    await turn(bench, "03 23:00")
    assert kinds(told(bench)) == [("target_missed", "03")]
    await turn(bench, "04 00:01")
    assert kinds(told(bench)) == [("target_missed", "03"), ("target_met", "04")]
    missed, met = told(bench)
    assert (missed["figure"], missed["value"], missed["missed_since"]) == ("daily_active", 1, "2024-01-02")
    assert missed["target"] == {"at_least": 2, "warn_below": 1, "benchmark": 5}
    assert (met["value"], met["missed_since"]) == (3, "2024-01-02")
    assert (missed["severity"], met["severity"]) == ("notice", "info")
    assert missed["namespace"] == "engagement"
    assert bench.count("engagement_transitions_total", kind="target_missed") == 1
    await turn(bench, "05 00:01")
    assert [(each["kind"], each["missed_since"]) for each in told(bench)[2:]] == [("target_warning", "2024-01-04")]


async def test_what_gets_worse_is_told_again_and_nothing_is_told_while_it_stays() -> None:
    bench = await two_days()
    for day in ("03", "04", "05", "06"):
        await turn(bench, f"{day} 00:01")
    assert kinds(told(bench)) == [("target_missed", "03"), ("target_warning", "04")]
    assert [message["missed_since"] for message in told(bench)] == ["2024-01-02"] * 2


async def test_of_a_day_without_any_customer_nothing_is_told() -> None:
    bench = bench_with(ACTIVE)
    await bench.assign(WEB)
    await turn(bench, "01 09:00")
    await send(bench, 0, "01 10:00", ("anna", "view"))
    await turn(bench, "01 11:00")
    assert told(bench) == []
    await turn(bench, "02 00:01")
    assert kinds(told(bench)) == [("target_missed", "02")]


@pytest.mark.parametrize("name", KINDS)
async def test_a_target_may_be_of_any_kind_of_figure(name: str) -> None:
    bound, value = KINDS[name]
    bench = bench_with(f'{COUNTED}\n[targets."{name}"]\n{bound}\n')
    await bench.assign(WEB)
    await send(bench, 0, "01 10:00", *[(who, kind) for who in ("anna", "ben") for kind in ("view", "buy")])
    await turn(bench, "02 00:01")
    assert told(bench) == []
    await send(bench, 4, "02 10:00", ("anna", "buy"), ("anna", "buy"), ("cleo", "view"))
    await turn(bench, "03 00:01")
    [message] = told(bench)
    assert (message["kind"], message["figure"], message["value"]) == ("target_missed", name, value)


async def test_the_steps_of_a_funnel_and_their_targets_are_on_metrics() -> None:
    bench = bench_with(f'{COUNTED}\n[targets."funnel:look:2:share"]\nat_least = 60\n')
    await bench.assign(WEB)
    await send(bench, 0, "01 10:00", ("anna", "view"), ("anna", "buy"), ("ben", "view"), ("cleo", "buy"))
    await bench.parts.figures.turn(bench.now, bench.now)
    told = {name: bench.count("engagement_kpi", figure=f"funnel:look:{name}") for name in ("1", "2", "2:share")}
    assert told == {"1": 2, "2": 1, "2:share": 50}
    assert bench.metrics.registry.get_sample_value("engagement_kpi", {"figure": "funnel:look:1:share"}) is None
    met = {"figure": "funnel:look:2:share"}
    assert bench.metrics.registry.get_sample_value("engagement_kpi_target_met", met) == 0


async def test_churn_is_by_the_rule_of_the_policy() -> None:
    bench = bench_with('[kpi.churn]\nafter = "5d"\n[targets.churn]\nwarn_above = 20\n')
    await bench.assign(WEB)
    await send(bench, 0, "01 10:00", ("anna", "view"), ("ben", "view"))
    for number, day in enumerate(range(5, 33, 4)):
        await turn(bench, f"{day:02} 09:00")
        await send(bench, 2 + number, f"{day:02} 10:00", ("anna", "view"))
    assert told(bench) == []
    await turn(bench, "32 00:01")
    [message] = told(bench)
    assert (message["kind"], message["severity"], message["value"]) == ("target_warning", "warning", 50)


async def test_two_workers_tell_once_and_one_that_starts_anew_knows_what_was_told() -> None:
    one = await two_days()
    two = bench_with(ACTIVE, store=one.store)
    await turn(one, "03 00:01")
    await turn(two, "03 00:01")
    three = bench_with(ACTIVE, store=one.store)
    await turn(three, "03 00:02")
    assert kinds(told(one, two, three)) == [("target_missed", "03")]


async def test_what_a_worker_noted_and_did_not_publish_another_one_publishes_under_the_same_id() -> None:
    one = await two_days()
    one.publisher.faults = [BrokerUnavailable("gone")]
    await turn(one, "03 00:01")
    assert told(one) == []
    two = bench_with(ACTIVE, store=one.store)
    await turn(two, "03 00:01:01")
    assert told(two) == []
    await turn(two, "03 00:01:06")
    await turn(one, "03 00:01:07")
    assert len({message["alert_id"] for message in told(one, two)}) == 1
    assert kinds(told(two)) == [("target_missed", "03")]


async def test_one_that_could_not_publish_goes_on_by_itself() -> None:
    bench = await two_days()
    bench.publisher.faults = [BrokerUnavailable("gone")]
    await turn(bench, "03 00:01")
    await turn(bench, "03 00:01:01")
    await turn(bench, "03 00:01:02")
    assert kinds(told(bench)) == [("target_missed", "03")]


async def test_another_policy_judges_by_its_own_bounds_from_the_next_day_on() -> None:
    bench = await two_days()
    await turn(bench, "03 00:01")
    lower = bench_with(ACTIVE.replace("at_least = 2", "at_least = 1")).policy
    bench.parts.targets.follow(lower)
    await turn(bench, "03 00:02")
    assert kinds(told(bench)) == [("target_missed", "03")]
    await send(bench, 3, "03 10:00", ("anna", "view"))
    await turn(bench, "04 00:01")
    assert kinds(told(bench)) == [("target_missed", "03"), ("target_met", "04")]
