"""Ranking, alarms and replayed histories against the brute force: every pair, every pane, every moment again."""

from __future__ import annotations

import statistics
from bisect import bisect_left
from dataclasses import replace
from itertools import groupby
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scoring.backtest.alarms import Alarms, judge_alarms, silences
from scoring.backtest.lot import Lot, open_until
from scoring.backtest.observations import Customer, CutOff, Observation, fell_silent
from scoring.backtest.population import Population, events_in
from scoring.backtest.ranking import rank, rank_within
from scoring.events.event import Event
from scoring.instants import DAY, NEVER
from streams.policy_file.document import parse_policy
from tests.property.lives import START, World, lives, worlds
from tests.property.references import Reader, raw_events
from tests.reference import brute_force

_ANSWERS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(-3, 3), st.booleans()), max_size=30)


@given(_ANSWERS)
def test_the_auc_is_the_share_of_pairs_in_the_right_order_with_ties_as_halves(answers: list[tuple[Any, ...]]) -> None:
    pairs = [
        (mine > theirs) + (mine == theirs) / 2
        for stratum, mine, happened in answers
        for other, theirs, happened_too in answers
        if happened and not happened_too and stratum == other
    ]
    strata, values, outcomes = ([answer[index] for answer in answers] for index in range(3))

    found = rank_within(strata, values, outcomes)

    assert found.pairs == len(pairs)
    assert found.auc == (pytest.approx(statistics.fmean(pairs)) if pairs else None)


@given(_ANSWERS)
def test_ranking_in_one_stratum_is_ranking(answers: list[tuple[Any, ...]]) -> None:
    _, values, outcomes = ([answer[index] for answer in answers] for index in range(3))
    assert rank_within("a" * len(answers), values, outcomes) == rank(values, outcomes)


_COUNTS = st.dictionaries(st.integers(0, 30), st.integers(1, 4), max_size=12).map(
    lambda counts: dict(sorted(counts.items()))
)


@given(_COUNTS, st.integers(1, 8), st.integers(0, 40))
def test_silence_is_so_many_panes_without_events_after_one_with(counts: dict[int, int], length: int, end: int) -> None:
    expected = [
        boundary * 10
        for boundary in range(end + 1)
        if boundary - length - 1 in counts and not any(pane in counts for pane in range(boundary - length, boundary))
    ]
    assert silences(counts, length, 10, end * 10) == expected


_TIMES = st.none() | st.integers(0, 20)
_CUSTOMERS = st.builds(
    Customer, name=st.just("anna"), until=_TIMES, churned=st.none() | st.booleans(), churned_at=_TIMES
)


@given(
    st.lists(st.tuples(_CUSTOMERS, st.lists(st.integers(0, 20), max_size=4).map(sorted)), max_size=8),
    st.integers(0, 20),
)
def test_alarms_are_right_if_the_customer_churns_after_them(alarms: list[tuple[Any, ...]], end: int) -> None:
    alarms = [
        (customer if customer.churned else Customer("anna", until=customer.until, churned=customer.churned), times)
        for customer, times in alarms
        if customer.churned is not None
    ]
    counted = [
        (customer, time)
        for customer, times in alarms
        for time in times
        if time <= end
        and (customer.until is None or time < customer.until)
        and (customer.churned_at is None or time < customer.churned_at)
    ]
    right = [customer for customer, _ in counted if customer.churned]

    lot = Lot([(customer, 0) for customer, _ in alarms], end, 5)
    report = judge_alarms([Alarms(customer, 0, (), times) for customer, times in alarms], end, lot)

    assert (report.customers, report.churned) == (len(alarms), sum(bool(customer.churned) for customer, _ in alarms))
    assert (report.hits.alerts, report.hits.right) == (len(counted), len(right))
    assert report.alerted_churned == len({id(customer) for customer in right})
    assert report.alerted == len({id(customer) for customer, _ in counted})
    near = [time for customer, time in counted if customer.churned_at is not None and customer.churned_at - time <= 5]
    assert report.within.right == len(near)
    assert len(report.leads_last) <= report.alerted_churned
    assert all(lead > 0 for lead in (*report.leads_first, *report.leads_last))


@st.composite
def worlds_with_days(draw: st.DrawFn) -> tuple[World, dict[str, list[Any]], list[int], bool]:
    """Draw a world, the lives of some customers in it, and when to look."""
    world = draw(worlds())
    population = {name: draw(lives(world, unique=True)) for name in ("anna", "ben", "cleo")}
    ticks = st.integers(0, 8 * (2 * world.panes + 3))
    looks = draw(st.lists(ticks, min_size=1, max_size=4, unique=True).map(sorted))
    return world, population, [START + tick * world.pane // 8 for tick in looks], draw(st.booleans())


@given(worlds_with_days())
@settings(max_examples=200, deadline=None)
def test_a_replay_sees_what_the_brute_force_counts_up_to_each_moment(drawn: tuple[Any, ...]) -> None:
    world, population, looks, again = drawn
    policy, reference = parse_policy(world.with_long_memory), brute_force.parse_policy(world.text)
    reader = Reader(policy)
    moments = [CutOff(time, column) for column, time in enumerate(looks)]
    replay = Population(policy, dict.fromkeys(population, moments))
    arrivals = sorted((life.time, name, life) for name, one in population.items() for life in one)
    for _, name, happening in arrivals:
        for _ in range(1 + again):
            replay.add(happening.channel, name, *reader.read([happening]))
    end = arrivals[-1][0]
    found = {customer.name: customer for customer in replay.finish()}

    for name, life in population.items():
        raw = raw_events(life)
        expected = []
        for column, time in enumerate(looks):
            if time > end:
                continue
            before = raw[: bisect_left(raw, time, key=brute_force.event_time)]
            points = brute_force.score_of(before, reference, time)
            inside = sum(time // world.pane - event.time // world.pane < world.panes for event in before)
            last = before[-1].time if before else -1
            following = raw[len(before)].time if len(before) < len(raw) else NEVER
            band = brute_force.BANDS.index(reference.band(points)) if before else found[name].observations[column].band
            ages = [time // world.pane - event.time // world.pane for event in before]
            decayed: Any = pytest.approx(sum(policy.factor(age) for age in ages if age < world.panes))
            expected.append(Observation(name, CutOff(time, column), points, band, last, inside, following, decayed))
        assert found[name].observations == expected
        wanted = brute_force.evaluate(name, raw, reference, end)
        assert [brute_force.rfc3339(time) for time in found[name].alerts.get("churn_risk", [])] == [
            alert["occurred_at"] for alert in (wanted.alerts if wanted else ()) if alert["kind"] == "churn_risk"
        ]
        panes = groupby(raw, key=lambda event: event.time // world.pane)
        assert found[name].panes == {pane: len(list(events)) for pane, events in panes}


@given(st.integers(-1, 40), st.integers(0, 40), st.integers(1, 20), st.integers(0, 60), st.none() | st.integers(0, 40))
@example(5, 10, 10, 60, 20)
@example(0, 10, 10, 20, 19)
def test_who_was_active_and_then_is_not_has_fallen_silent(
    last: int, moment: int, silence: int, known: int, following: int | None
) -> None:
    following = NEVER if following is None or following < moment else following
    seen = Observation("anna", CutOff(moment, 0), 0, 1, min(last, moment - 1), 0, following)
    was_active = any(moment - back == seen.last_event_at for back in range(silence + 1)) and seen.last_event_at >= 0
    comes = any(moment + later == following for later in range(silence))

    expected = None if not was_active or moment + silence > known else not comes

    assert fell_silent(seen, silence, known) == expected


def test_an_event_at_the_very_moment_is_of_afterwards() -> None:
    policy = parse_policy('[window]\nlength = "3d"\n[channels.web]\nweights = { view = 1 }\n')
    replay = Population(policy, {"anna": [CutOff(START, 0)]})
    code = next(iter(policy.types))
    for time in (START - 1, START, START + 1):
        replay.add("web", "anna", Event(time, code, ""))
    (anna,) = replay.finish()
    (seen,) = anna.observations
    assert (seen.score, seen.last_event_at, seen.next_event_at) == (1_000_000, START - 1, START)


def test_amounts_that_stand_beside_the_counts_are_no_events() -> None:
    assert events_in({"aaaa": 2, "bbbb": 1, "$sum": 29_330_000, "^new": 7}) == 3


@given(
    st.lists(st.tuples(_CUSTOMERS, st.integers(0, 15)), min_size=1, max_size=6), st.integers(0, 20), st.integers(0, 20)
)
def test_the_lot_draws_from_those_who_were_there_on_the_day(drawn: list[tuple[Any, ...]], end: int, day: int) -> None:
    people = [
        (
            replace(
                customer,
                until=customer.until and customer.until * DAY,
                churned_at=customer.churned_at * DAY if customer.churned and customer.churned_at is not None else None,
            ),
            began * DAY,
        )
        for customer, began in drawn
    ]
    there = [
        customer
        for customer, began in people
        if customer.churned is not None and began // DAY <= day <= open_until(customer, end * DAY) // DAY
    ]
    lot = Lot(people, end * DAY, 5 * DAY)
    churned = sum(bool(customer.churned) for customer in there)
    near = sum(customer.churned_at is not None and customer.churned_at <= (day + 5) * DAY for customer in there)
    assert lot.share("", day * DAY) == (churned / len(there) if there else 0.0)
    assert lot.share_within("", day * DAY) == (near / len(there) if there else 0.0)
