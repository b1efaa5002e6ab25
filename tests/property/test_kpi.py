"""The figures over several customers are those of the brute force, however their lives arrive."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.customer.activity import Activity, contribution
from scoring.customer.activity_sums import named
from scoring.customer.state import CustomerState, settle_panes
from scoring.figures.kpi import Sums, folding
from scoring.instants import DAY, MINUTE
from streams.policy_file.document import parse_policy
from streams.views.kpi_view import kpi_document
from tests.property import lives
from tests.property.lives import Happening, Step, World
from tests.property.references import in_memory, raw_events
from tests.property.test_activity import made_of
from tests.reference import brute_force, figures

#: The first day of the lives drawn.
FIRST = lives.START // DAY
People = list[tuple[list[Happening], list[Step]]]


@st.composite
def people(draw: st.DrawFn) -> tuple[World, People]:
    """Draw a world and lives in it, each with its batches in any order."""
    world = draw(lives.worlds(pane=draw(st.sampled_from([MINUTE * 60, DAY, DAY]))))
    found = []
    for _ in range(draw(st.integers(1, 4))):
        life = draw(lives.lives(world, unique=True))
        found.append((life, draw(lives.redelivered(world, life))))
    return world, found


@given(people(), st.integers(-2, 12), st.integers(0, 40))
@settings(max_examples=100, deadline=None)
def test_figures_are_those_of_the_raw_events(told: tuple[World, People], first: int, length: int) -> None:
    world, drawn = told
    policy, reference = parse_policy(world.with_long_memory), brute_force.parse_policy(world.text)
    sums: Counter[str] = Counter()
    customers, histories = {}, []
    for number, (life, steps) in enumerate(drawn):
        gains: Counter[str] = Counter()
        for _, state, _ in in_memory(policy, steps):
            gains.update(named(state.activity.gains))
            state.activity.gains.clear()
        assert {field: count for field, count in gains.items() if count} == contribution(state.activity)
        sums.update(gains)
        customers[str(number)] = raw_events(life)
        changes = brute_force.evaluate("", customers[str(number)], reference, steps[-1].now).band_changes
        histories.append(figures.band_history(min(event.time for event in customers[str(number)]), changes))
    days = figures.active_days(customers, reference)
    last = FIRST + first + length

    wanted = figures.document(days, histories, FIRST + first, last)
    assert figures.differences(wanted, kpi_document(Sums(sums), FIRST + first, last)) == []


EVERY_DAY = st.integers(100, 320)


@given(st.lists(st.lists(EVERY_DAY, min_size=1, max_size=12), max_size=5), EVERY_DAY, st.integers(0, 120), EVERY_DAY)
@settings(max_examples=150, deadline=None)
def test_figures_of_many_months_are_right_also_after_early_days_have_been_folded(
    drawn: list[list[int]], first: int, length: int, kept_from: int
) -> None:
    sums: Counter[str] = Counter()
    for days in drawn:
        sums.update(named(made_of(days).gains))
    active = {str(number): set(days) for number, days in enumerate(drawn)}
    wanted = figures.document(active, [], first, first + length)
    assert figures.differences(wanted, kpi_document(Sums(sums), first, first + length)) == []

    sums.update(folding(sums, kept_from))
    left = {field: count for field, count in sums.items() if count}
    assert not [field for field in left if 0 < int(field[1:].partition(".")[0]) < kept_from and field[0] != "s"]
    first += max(kept_from + 30 - first, 0)
    wanted = figures.document(active, [], first, first + length)
    assert figures.differences(wanted, kpi_document(Sums(left), first, first + length)) == []


@given(people(), st.data())
@settings(max_examples=60, deadline=None)
def test_a_customer_of_an_earlier_release_has_the_days_of_the_panes_that_were_kept(
    told: tuple[World, People], data: st.DataObject
) -> None:
    world, [(life, steps), *_] = told
    policy, reference = parse_policy(world.with_long_memory), brute_force.parse_policy(world.text)
    upgraded = data.draw(st.integers(0, len(steps)))
    kept_from = None
    state = CustomerState()
    for index, (_, state, _) in enumerate(in_memory(policy, steps)):
        if index == upgraded and state.judged >= 0:
            state.activity = Activity()
            settle_panes(state)
            kept_from = (state.pane - policy.kept_panes + 1) * policy.pane
    days = figures.active_days({"": raw_events(life)}, reference)[""]
    if kept_from is None:
        assert state.activity.list_days() == sorted(days)
    elif upgraded < len(steps) - 1:
        # Of the day on which the oldest pane begins, what is not kept any more may have been all.
        first = -(-kept_from // DAY)
        assert [day for day in state.activity.list_days() if day >= first] == sorted(
            day for day in days if day >= first
        )
        assert state.activity.band == state.band
