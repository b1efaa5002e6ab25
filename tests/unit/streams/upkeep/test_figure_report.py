"""The figures over all customers, made by one worker and told by all."""

from __future__ import annotations

import pytest
from prometheus_client import Gauge
from prometheus_client.samples import Sample

from scoring.events.event import Event
from scoring.instants import DAY, SECOND
from scoring.judging.moment import Moment
from scoring.judging.walk import advance
from scoring.rules.details import PROFILE, Detail
from streams.errors import StoreUnavailable
from streams.metrics import Metrics
from streams.policy_file.document import parse_policy
from streams.store.memory.store import MemoryStore
from streams.upkeep.figure_report import FigureReport, in_turn, largest
from tests.contract.records import engaged, write, write_all
from tests.unit.scoring.customers import POLICY, at, policy_with

NOON = at("02 12:00")


async def report_on(store: MemoryStore) -> tuple[FigureReport, Metrics]:
    """Make a report."""
    metrics = Metrics()
    return FigureReport(parse_policy(POLICY), store, metrics), metrics


def samples(gauge: Gauge) -> list[Sample]:
    """Return what Prometheus would read of a gauge."""
    return [sample for metric in gauge.collect() for sample in metric.samples]


async def test_figures_are_published_and_told() -> None:
    store = MemoryStore(parse_policy(POLICY))
    await write(store, anna=engaged()[1], ben=engaged(1)[1], cleo=engaged(12, "02 09:00")[1])
    report, metrics = await report_on(store)
    await report.turn(NOON, NOON)
    figures = await store.kpi.figures()
    assert figures["day"] == "2024-01-02"
    assert figures["updated_at"] == "2024-01-02T12:00:00Z"
    assert [figures[name] for name in ("daily_active", "weekly_active", "monthly_active")] == ["1", "3", "3"]
    assert [figures[name] for name in ("stickiness", "active_days", "returning_share")] == ["33.33", "1", "0"]
    assert [figures[name] for name in ("retention", "churn", "acquired", "lost")] == ["", "", "3", "0"]
    assert [figures[name] for name in ("disengaged", "engaged", "highly_engaged", "customers")] == ["1", "1", "1", "3"]
    assert [figures[f"{name}_share"] for name in ("engaged", "responsive", "disengaged")] == ["33.33"] * 3
    assert figures["flow:new:disengaged"] == "3"
    assert figures["flow:power:at_risk"] == "0"
    told = {sample.labels["figure"]: sample.value for sample in samples(metrics.kpi)}
    assert told == {name: float(value) for name, value in figures.items() if value and value[4:5] != "-"}


async def test_figures_are_made_anew_after_20_seconds_and_not_while_the_time_is_unknown() -> None:
    store = MemoryStore(parse_policy(POLICY))
    report, _ = await report_on(store)
    await report.turn(0, NOON)
    assert await store.kpi.figures() == {}
    await report.turn(NOON, NOON)
    await write(store, anna=engaged()[1])
    await report.turn(NOON, NOON + 19 * SECOND)
    assert (await store.kpi.figures())["monthly_active"] == "0"
    await report.turn(NOON, NOON + 20 * SECOND)
    assert (await store.kpi.figures())["monthly_active"] == "1"


async def test_days_that_are_kept_no_longer_are_folded() -> None:
    store = MemoryStore(parse_policy(POLICY))
    await write(store, anna=engaged()[1])
    report, _ = await report_on(store)
    await report.turn(NOON + 300 * DAY, NOON)
    assert f"n{NOON // DAY - 1}" in await store.kpi.sums()
    await report.turn(NOON + 440 * DAY, NOON + DAY)
    assert await store.kpi.sums() == {"n0": 1, "l0": 1, "f0.-1": 1, "f0.12": 1}


async def test_days_in_a_band_are_kept_as_far_as_the_window_of_the_oldest_figures_reaches() -> None:
    policy = parse_policy(f"{POLICY}\n[kpi]\nby_band = true\n")
    store = MemoryStore(policy)
    await write(store, anna=engaged()[1])
    report = FigureReport(policy, store, Metrics())
    entered = f"f{NOON // DAY - 1}.12"
    await report.turn(NOON - DAY + policy.keep_figures + policy.length, NOON)
    assert entered in await store.kpi.sums()
    await report.turn(NOON + policy.keep_figures + policy.length, NOON + DAY)
    assert entered not in await store.kpi.sums()


MEASURED = policy_with(
    ('version = "by-hand"', 'version = "measured"'),
    text=f"""{POLICY}
[measures.posts]
kind = "count"
of = ["social.post"]
over = "2d"
[measures.seen]
kind = "ratio"
of = ["social.post"]
to = ["social.impression"]
[measures.active]
kind = "panes"
of = ["social.post"]
""",
)


async def test_measures_are_published_by_the_policy_in_force_and_go_with_it() -> None:
    plain, store = parse_policy(POLICY), MemoryStore(parse_policy(POLICY))
    report, metrics = await report_on(store)
    await write(store, anna=engaged(3)[1], ben=engaged(1)[1], cleo=engaged(2, "02 09:00")[1])
    await report.turn(NOON, NOON)
    assert not [name for name in await store.kpi.figures() if name.startswith("measure:")]

    store.follow(MEASURED, "")
    report.follow(MEASURED)
    for name in ("anna", "cleo"):
        [record] = await store.load([name])
        advance(MEASURED, record.state, [], Moment(NOON))
        await write_all(store, {name: record})
    await report.turn(NOON, NOON + 20 * SECOND)
    measures = {"measure:posts": "5", "measure:posts:average": "2.5", "measure:posts:customers": "2"}
    figures = await store.kpi.figures()
    assert {name: value for name, value in figures.items() if name[:8] == "measure:"} == {
        **measures,
        "measure:seen": "",
    }
    told = {sample.labels["figure"]: sample.value for sample in samples(metrics.kpi)}
    assert {name: value for name, value in told.items() if name[:8] == "measure:"} == {
        name: float(value) for name, value in measures.items()
    }
    await report.turn(NOON + DAY, NOON + 40 * SECOND)
    assert (await store.kpi.figures())["measure:posts"] == "2"

    report.follow(plain)
    await report.turn(NOON + 10 * DAY, NOON + 60 * SECOND)
    assert not [name for name in await store.kpi.figures() if name.startswith("measure:")]
    assert not [field for field in await store.kpi.measures() if field[0] == "m"]


SEGMENTED = policy_with(('version = "measured"', 'version = "segmented"'), text=MEASURED.text + "\n[profiles]\n")


async def in_segment(store: MemoryStore, customer: str, segment: str, told_at: int = NOON) -> None:
    """Put a customer into a segment."""
    [record] = await store.load([customer])
    profile = Event(told_at, PROFILE, "", Detail((), "", segment))
    advance(SEGMENTED, record.state, [profile], Moment(NOON))
    await write_all(store, {customer: record})


async def test_the_figures_of_each_segment_are_published_and_told_and_go_with_it() -> None:
    store, metrics = MemoryStore(SEGMENTED), Metrics()
    await write(store, anna=engaged(3)[1], ben=engaged(1)[1], cleo=engaged(12, "02 09:00")[1])
    await in_segment(store, "anna", "pro")
    await in_segment(store, "cleo", "pro")
    report = FigureReport(SEGMENTED, store, metrics)
    await report.turn(NOON, NOON)
    pro = await store.kpi.figures("pro")
    assert [pro[name] for name in ("daily_active", "monthly_active", "customers", "highly_engaged")] == [
        *("1", "2", "2", "1")
    ]
    assert (pro["measure:posts"], pro["measure:posts:average"]) == ("15", "7.5")
    assert pro.keys() == (await store.kpi.figures()).keys()
    assert (await store.kpi.figures())["monthly_active"] == "3"
    told = [sample for sample in samples(metrics.segment_kpi) if sample.labels["segment"] == "pro"]
    assert {sample.labels["figure"]: sample.value for sample in told} == {
        name: float(value) for name, value in pro.items() if value and value[4:5] != "-" and name[:5] != "flow:"
    }
    await in_segment(store, "anna", "", NOON + SECOND)
    await in_segment(store, "cleo", "free", NOON + SECOND)
    await report.turn(NOON, NOON + 20 * SECOND)
    assert await store.kpi.figures("pro") == {}
    assert (await store.kpi.figures("free"))["customers"] == "1"
    assert {sample.labels["segment"] for sample in samples(metrics.segment_kpi)} == {"free"}


def test_the_largest_segments_are_told_and_some_at_a_time() -> None:
    segments = {f"segment {number:03}": number // 2 for number in range(60)}
    chosen = largest(segments)
    assert chosen == sorted(chosen)
    assert len(chosen) == 50
    # Of those that are equally large the first in the alphabet.
    assert "segment 009" not in chosen
    assert "segment 010" in chosen
    assert in_turn([], 7) == []
    assert in_turn(chosen[:5], 7) == chosen[:5]
    made = [in_turn(chosen, turn) for turn in range(1_000, 1_010)]
    assert {len(some) for some in made} == {5}
    assert sorted(name for some in made for name in some) == chosen


async def test_a_store_that_does_not_answer_leaves_the_figures_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    store = MemoryStore(parse_policy(POLICY))
    report, _ = await report_on(store)
    await report.turn(NOON, NOON)

    async def unavailable(_milliseconds: int) -> bool:
        raise StoreUnavailable("Redis does not answer")

    monkeypatch.setattr(store.kpi, "take_turn", unavailable)
    await report.turn(NOON + DAY, NOON + DAY)
    assert (await store.kpi.figures())["day"] == "2024-01-02"
