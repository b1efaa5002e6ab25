"""What customers add to the sums, against sets of customers counted day by day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.customer.activity import SPAN, Activity, contribution, decode_spans, encode_span
from scoring.customer.activity_sums import named
from scoring.policy.policy import BANDS

#: Days on which something happens; near enough to each other that windows meet, and some of them far.
DAYS = st.one_of(st.integers(0, 60), st.integers(140, 220), st.integers(20_000, 20_400))
LAST = 20_500


def active_within(days: set[int], day: int, length: int) -> bool:
    """Return whether one of the days is among the last ones up to a day."""
    return any(day - length < active <= day for active in days)


def counted(days: set[int]) -> dict[str, int]:
    """Count what a customer adds, from the definitions alone."""
    sums: Counter[str] = Counter()
    if not days:
        return {}
    looked_at = sorted({day + near for day in days for near in range(-1, 33)})
    here = {day: active_within(days, day, 30) for day in looked_at}
    this_week = {day: active_within(days, day, 7) for day in looked_at}
    for day in looked_at:
        sums[f"d{day}"] += day in days
        sums[f"w{day}"] += this_week[day] - active_within(days, day - 1, 7)
        if here[day] and not active_within(days, day - 1, 30):
            end = next(later for later in looked_at if later > day and not here[later])
            sums[f"n{day}" if day == min(days) else f"r{day}"] += 1
            sums[f"l{end}"] += 1
            sums[f"s{day}.{end}"] += 1
    return {field: count for field, count in sums.items() if count}


def made_of(days: Iterable[int]) -> Activity:
    """Give the activity of somebody who was active on some days, in the order in which they became known."""
    activity = Activity()
    for day in days:
        if not activity.has(day):
            activity.add(day)
    return activity


@given(st.lists(DAYS, max_size=25))
@settings(max_examples=300, deadline=None)
def test_a_customer_adds_what_the_definitions_say_in_whatever_order_days_come(days: list[int]) -> None:
    activity = made_of(days)
    assert named(activity.gains) == counted(set(days)) == contribution(activity)
    assert activity.list_days() == sorted(set(days))


@given(st.lists(DAYS, max_size=15, unique=True), st.data())
@settings(max_examples=200, deadline=None)
def test_a_day_that_is_taken_back_leaves_nothing(days: list[int], data: st.DataObject) -> None:
    activity = made_of(days)
    gone = data.draw(st.lists(st.sampled_from(days), unique=True)) if days else []
    for day in gone:
        activity.remove(day)
    assert named(activity.gains) == counted(set(days) - set(gone))
    assert activity.list_days() == sorted(set(days) - set(gone))


@st.composite
def histories(draw: st.DrawFn) -> Activity:
    """Draw a customer with days and changes of band."""
    activity = made_of(draw(st.lists(DAYS, max_size=15)))
    for day, band in draw(st.lists(st.tuples(DAYS, st.integers(0, len(BANDS) - 1)), max_size=10)):
        activity.enter(day, band)
    return activity


def stored(activity: Activity) -> Mapping[int, str]:
    """Write all spans."""
    spans = {*activity.days, *activity.changes}
    return {span: encode_span(activity, span) for span in spans}


@given(histories())
@settings(max_examples=200, deadline=None)
def test_an_activity_is_the_same_after_it_was_stored(activity: Activity) -> None:
    again = decode_spans(dict(stored(activity)))
    assert (again.days, again.changes, again.band) == (activity.days, activity.changes, activity.band)
    assert contribution(again) == contribution(activity) == named(activity.gains)
    assert {*stored(activity)} <= {*activity.touched}


@given(histories())
def test_each_change_of_band_begins_where_the_one_before_ended(activity: Activity) -> None:
    changes = activity.list_changes()
    befores = ["-", *[str(band) for _, band in changes]]
    expected = Counter(f"f{day}.{before}{band}" for (day, band), before in zip(changes, befores, strict=False))
    assert {field: count for field, count in named(activity.gains).items() if field[0] == "f"} == expected
    assert [day for day, _ in changes] == sorted(day for day, _ in changes)


def test_a_customer_who_is_there_each_day_costs_a_few_steps() -> None:
    activity = made_of(range(5 * 365))
    before = dict(named(activity.gains))
    activity.add(5 * 365)
    assert named(activity.gains)["l1855"] == 1
    assert named(activity.gains)["s0.1855"] == 1
    assert set(before) - set(named(activity.gains)) == {"l1854", "s0.1854", "w1831"}
    assert len(activity.days) == -(-(5 * 365 + 1) // SPAN)
