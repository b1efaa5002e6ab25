"""What a customer adds to the sums over all customers, and what these forget, by hand."""

from __future__ import annotations

from scoring.figures.counted import Counted
from scoring.figures.tally_fields import BILLION, folding, tally_panes
from scoring.figures.tally_gains import TallyGains
from scoring.rules.details import LATEST, SUM, amount_of
from scoring.rules.measures import FRACTION, RATE, Measure
from scoring.rules.tally import holders_name, tally_of

OPENED, CLICKED = "oooo", "cccc"
PAID = amount_of("web", "buy", "amount", SUM).code
FOLLOWERS = amount_of("", "like", "followers", LATEST).code
SPENT = Measure("spent", FRACTION, 3, (PAID,), numerator=1, denominator=1_000_000)
CLICK_THROUGH = Measure("click_through", FRACTION, 3, (CLICKED,), (), (OPENED,), 100)
REACH = Measure("reach", RATE, 3, (CLICKED,), (), (FOLLOWERS,), 100)
SPENDERS = holders_name((PAID,), 3)


def test_a_customer_is_a_holder_from_the_first_pane_to_the_end_of_the_last() -> None:
    tally = tally_of([SPENT])
    panes = {10: {PAID: 5}, 12: {PAID: 7, CLICKED: 1}, 15: {PAID: 1}, 20: {PAID: 2}}
    assert tally_panes(tally, panes) == {
        **{f"m{pane}.{PAID}": counts[PAID] for pane, counts in panes.items()},
        f"c10.{SPENDERS}": 1,
        f"c18.{SPENDERS}": -1,
        f"c20.{SPENDERS}": 1,
        f"c23.{SPENDERS}": -1,
    }


def test_amounts_of_any_size_fit_into_the_fields_of_redis() -> None:
    tally = tally_of([SPENT])
    huge = {10: {PAID: 10**18 * 500 + 7}, 11: {PAID: -5}}
    fields = tally_panes(tally, huge)
    assert (fields[f"m10.{PAID}"], fields[f"b10.{PAID}"]) == (7, 5 * 10**11)
    assert (fields[f"m11.{PAID}"], fields[f"b11.{PAID}"]) == (BILLION - 5, -1)
    gains = TallyGains()
    gains.add(tally, Counted(huge), Counted({10: {}, 11: {}}), 0)
    assert gains.named() == fields


def test_what_a_pane_had_added_stays_when_it_is_dropped_and_goes_when_it_is_taken_back() -> None:
    tally = tally_of([SPENT, CLICK_THROUGH])
    before = {10: {CLICKED: 2, PAID: 3}, 14: {CLICKED: 1, PAID: 4}}
    gains = TallyGains()
    gains.add(tally, Counted({}), Counted(before), 11)
    assert gains.named() == {
        f"m14.{CLICKED}": -1,
        f"m14.{PAID}": -4,
        f"c14.{SPENDERS}": -1,
        f"c17.{SPENDERS}": 1,
    }


def test_who_is_counted_by_another_tally_leaves_what_was_added_and_adds_what_is_asked_for() -> None:
    stored, tally = tally_of([SPENT]), tally_of([CLICK_THROUGH, REACH])
    gains = TallyGains()
    now = Counted({14: {CLICKED: 2, PAID: 5, FOLLOWERS: 1 << 70}})
    gains.move(stored, tally, now, Counted({13: {PAID: 1}, 14: {PAID: 3}, 2: {PAID: 9}}), 11)
    assert gains.named() == {
        f"m13.{PAID}": -1,
        f"m14.{PAID}": -3,
        f"c13.{SPENDERS}": -1,
        f"c17.{SPENDERS}": 1,
        f"m14.{CLICKED}": 2,
        f"^14.{FOLLOWERS}": 1 << 70,
    }


def test_folding_forgets_panes_and_keeps_the_number_of_holders() -> None:
    fields = {f"c10.{SPENDERS}": 3, f"c13.{SPENDERS}": -1, f"c14.{SPENDERS}": -2, "m10.aaaa": 4, "m12.aaaa": 5}
    fields |= {"b10.aaaa": 1, f"^10.{FOLLOWERS}": 1 << 70, f"^12.{FOLLOWERS}": 1 << 71}
    assert folding(fields, 11, 13) == {
        f"c10.{SPENDERS}": -3,
        f"c13.{SPENDERS}": 1,
        f"c0.{SPENDERS}": 2,
        "m10.aaaa": -4,
        "b10.aaaa": -1,
        f"^10.{FOLLOWERS}": 0,
    }
