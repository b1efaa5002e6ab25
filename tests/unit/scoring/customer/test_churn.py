"""Who is lost by the rule of the policy, by hand."""

from __future__ import annotations

import pytest

from scoring.customer.churn import churn_fields, churn_text, fields_by
from scoring.instants import DAY


@pytest.mark.parametrize(
    ("after", "active", "ends", "fields"),
    [
        (3, [10], [], {"n10": 1, "l13": 1, "s10.13": 1}),
        # The last day on which somebody who is silent could come back without having been lost.
        (3, [10, 13], [], {"n10": 1, "l16": 1, "s10.16": 1}),
        (3, [10, 14], [], {"n10": 1, "l13": 1, "s10.13": 1, "r14": 1, "l17": 1, "s14.17": 1}),
        (0, [10, 400], [], {"n10": 1}),
        (0, [10], [12], {"n10": 1, "l12": 1, "s10.12": 1}),
        (3, [10], [11, 12], {"n10": 1, "l11": 1, "s10.11": 1}),
        # The end comes after all else on its day, and nothing was there to end before the first.
        (3, [10], [9, 10], {"n10": 1, "l10": 1, "s10.10": 1}),
        (0, [10, 12, 13], [11, 13], {"n10": 1, "l11": 1, "s10.11": 1, "r12": 1, "l13": 1, "s12.13": 1}),
        (3, [], [10], {}),
    ],
)
def test_who_comes_and_goes(after: int, active: list[int], ends: list[int], fields: dict[str, int]) -> None:
    assert churn_fields(after, active, ends) == fields


def test_events_end_the_relation_only_by_a_rule_that_names_some() -> None:
    by_silence, by_events = churn_text(3 * DAY, ends=False), churn_text(3 * DAY, ends=True)
    assert fields_by(by_silence, [10], [11]) == churn_fields(3, [10], [])
    assert fields_by(by_events, [10], [11]) == churn_fields(3, [10], [11])
    assert fields_by("", [10], [11]) == {}
