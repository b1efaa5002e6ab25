"""Groupings as `engagement kpi` tells them: the largest values, and a bound that holds for all others, too."""

from __future__ import annotations

from rich.console import Console

from scoring.rules.groupings import Grouping, GroupingDay
from streams.views.grouping_view import grouping_documents, grouping_table

TWO = Grouping("campaign", "campaign", (("o", "email.open"), ("c", "email.click")), largest=2)
#: Two parts of the customers: both had room for their values, so nothing is missing of any.
PARTS = {0: GroupingDay({"x": {"o": 3, "c": 1}, "y": {"o": 5}, "z": {"c": 2}}, {"o": 8, "c": 3})}


def test_a_value_that_is_not_listed_has_at_most_what_is_told() -> None:
    told = grouping_documents({TWO: PARTS}, 0, 0)["campaign"]
    assert [each["value"] for each in told["values"]] == ["y", "x"]
    # Of z 2 events were counted, though it is not listed.
    assert (told["missing_at_most"], told["unlisted_at_most"]) == (0, 2)


def test_what_may_be_missing_is_added_to_what_is_not_listed() -> None:
    days = {**PARTS, 1: GroupingDay({"x": {"o": 1}}, {"o": 4}, missing=3)}
    told = grouping_documents({TWO: days}, 0, 1)["campaign"]
    assert told["values"] == [
        {"value": "x", "email.open": 4, "email.click": 1},
        {"value": "y", "email.open": 5, "email.click": 0},
    ]
    assert (told["missing_at_most"], told["unlisted_at_most"]) == (3, 5)
    alone = grouping_documents({TWO: days}, 1, 1)["campaign"]
    assert (alone["missing_at_most"], alone["unlisted_at_most"]) == (3, 3)


def test_a_person_reads_how_many_values_are_not_listed() -> None:
    console = Console(width=80)
    with console.capture() as shown:
        console.print(grouping_table(TWO, PARTS, 0, 0))
    rows = [line.split() for line in shown.get().splitlines()]
    assert rows[1:] == [["y", "5", "0"], ["x", "3", "1"], ["all,", "with", "1", "others", "8", "3"]]
