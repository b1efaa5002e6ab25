"""What is counted of customers for measures over all of them, and how it is written."""

from __future__ import annotations

import pytest

from scoring.rules.details import LATEST, SUM, amount_of
from scoring.rules.measures import FRACTION, PANES, RATE, Measure
from scoring.rules.tally import NOTHING, parse_tally, tally_of

BOUGHT, OPENED, CLICKED = "bbbb", "oooo", "cccc"
PAID = amount_of("web", "buy", "amount", SUM).code
FOLLOWERS = amount_of("", "like", "followers", LATEST).code
SPENT = Measure("spent", FRACTION, 3, (PAID,), numerator=1, denominator=1_000_000)
CLICK_THROUGH = Measure("click_through", FRACTION, 3, (CLICKED,), (), (OPENED,), 100)
REACH = Measure("reach", RATE, 3, (CLICKED,), (), (FOLLOWERS,), 100)


def test_nothing_is_added_up_where_no_measure_can_be() -> None:
    assert tally_of([]) is NOTHING
    assert tally_of([Measure("active", PANES, 3, (BOUGHT,))]) is NOTHING
    assert parse_tally("") is NOTHING


def test_a_tally_names_each_code_once_and_whom_to_count() -> None:
    tally = tally_of([CLICK_THROUGH, SPENT, REACH])
    assert (set(tally.codes), tally.latest) == ({CLICKED, OPENED, PAID}, (FOLLOWERS,))
    assert [(holders.codes, holders.panes) for holders in tally.holders] == [((PAID,), 3)]
    assert tally.text == "".join(sorted([CLICKED, OPENED, PAID, FOLLOWERS])) + ";3.0"
    assert parse_tally(tally.text) == tally


@pytest.mark.parametrize("text", ["abc", ";3.0", "bbbb;3.1", "bbbb;three.0", "bbbb;3.", "bbbb;3.!", "bbbbcc;3.0"])
def test_what_is_no_tally_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"code|kind|literal|substring"):
        parse_tally(text)


def test_more_codes_than_digits_are_told_apart() -> None:
    codes = tuple(f"{number:04}" for number in range(100))
    tally = tally_of([Measure("many", FRACTION, 7, codes)])
    assert parse_tally(tally.text) == tally
    assert tally.holders[0].codes == codes
