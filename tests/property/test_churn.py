"""Who is lost by the rule of the policy, against customers looked at day by day."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.customer.churn import churn_fields, list_days
from scoring.figures.kpi import Sums, folding
from scoring.instants import DAY
from streams.store.segment_sums import CHURN
from streams.store.sums.gains import join
from streams.store.sums.shares import share_of
from tests.property.test_day_figures import stories
from tests.property.test_measure_figures import Life, Step
from tests.property.test_measures import World

_DAYS = st.integers(100, 190)
#: Some lives whose days lie so near that silences often are as long as the rule has it.
_NEAR = st.integers(100, 115)
_LIVES = st.one_of(
    [st.lists(st.tuples(st.sets(days, max_size=8), st.sets(days, max_size=3)), max_size=4) for days in (_DAYS, _NEAR)]
)


def is_there(after: int, active: set[int], ends: set[int], day: int) -> bool:
    """Return whether somebody is a customer at the end of a day: active before, not long ago, and not gone since."""
    known = [each for each in active if each <= day]
    if not known:
        return False
    last = max(known)
    return (not after or day < last + after) and not any(last <= each <= day for each in ends)


@given(_LIVES, st.sampled_from([0, 3, 10, 30, 60]), _DAYS, st.integers(0, 70), st.integers(100, 130))
@settings(max_examples=200, deadline=None)
def test_who_is_lost_and_who_stays_over_any_period(
    lives: Sequence[tuple[set[int], set[int]]], after: int, first: int, length: int, kept_from: int
) -> None:
    sums: Counter[str] = Counter()
    for active, ends in lives:
        sums.update(churn_fields(after, sorted(active), sorted(ends)))
    _compare(Sums(sums, shortest=0), lives, after, first, first + length)
    if not any(ends for _, ends in lives) and after:
        _compare(Sums(sums, shortest=after), lives, after, first, first + length)
    sums.update(folding(sums, kept_from))
    first = max(first, kept_from + 1)
    _compare(Sums({name: each for name, each in sums.items() if each}, shortest=0), lives, after, first, first + length)


def _compare(sums: Sums, lives: Sequence[tuple[set[int], set[int]]], after: int, first: int, last: int) -> None:
    days = range(first - 1, last + 1)
    there = [[is_there(after, *life, day) for day in days] for life in lives]
    stayed = sum(all(each) for each in there)
    period = sums.period(first, last)
    assert (period.at_start, period.at_end) == (sum(each[0] for each in there), sum(each[-1] for each in there))
    # Who goes and comes back on a later day did not stay; who goes on a day is not there at its end.
    assert period.lost == sum(each[0] for each in there) - stayed
    assert period.acquired == sum(each[-1] for each in there) - stayed
    _compare_days(sums, lives, there, first, last)


def _compare_days(
    sums: Sums, lives: Sequence[tuple[set[int], set[int]]], there: Sequence[Sequence[bool]], first: int, last: int
) -> None:
    for place, figures in enumerate(sums.figures(first, last), 1):
        day = figures.day
        came = [
            day in active and (day == min(active) or not was[place - 1])
            for (active, _), was in zip(lives, there, strict=True)
        ]
        new = [day == min(active, default=None) for active, _ in lives]
        assert (figures.new, figures.new + figures.returned) == (sum(new), sum(came))
        gone = [(was[place - 1] or each) and not was[place] for was, each in zip(there, came, strict=True)]
        assert figures.lost == sum(gone)


@given(stories(), st.sampled_from(['after = "3d"', 'by = ["web.leave"]', 'after = "0d"\nby = ["web.leave"]']))
@settings(max_examples=40, deadline=None)
def test_sums_are_those_of_the_days_of_all_customers(story: tuple[list[World], list[Step]], rule: str) -> None:
    asyncio.run(_are_those_of_all_customers(*story, rule))


async def _are_those_of_all_customers(drawn: list[World], steps: Sequence[Step], rule: str) -> None:
    worlds = [_with(drawn[0], rule), drawn[1], _with(drawn[2], 'after = "5d"')]
    life = Life(worlds)
    for step in steps:
        await life.live(step)
        made = join(share_of(fields) for fields in life.store.hashes.values()).get(CHURN, {})
        assert await life.store.kpi.churn() == made
        if step.policy == 1:
            assert made == {}


@given(stories(late=False))
@settings(max_examples=30, deadline=None)
def test_days_that_end_the_relation_are_those_of_the_events(story: tuple[list[World], list[Step]]) -> None:
    asyncio.run(_are_those_of_the_events(*story))


async def _are_those_of_the_events(drawn: list[World], steps: Sequence[Step]) -> None:
    life = Life([_with(world, 'by = ["web.leave"]') for world in drawn])
    for step in steps:
        await life.live(step)
    for name, events in life.arrived.items():
        [record] = await life.store.load([name])
        left = {each.time // DAY for each in events.values() if (each.channel, each.type) == ("web", "leave")}
        assert set(list_days(record.state.ended)) == left


def _with(world: World, rule: str) -> World:
    return World(world.text.replace("[events]\n", f"[kpi.churn]\n{rule}\n[events]\n"), world.pane, world.panes)
