"""Which alerts are the same under two policies, which are at another time, and which come or go."""

from __future__ import annotations

import pytest

from streams.backtest.alert_comparison import History, Raised, compare_alerts
from tests.unit.scoring.customers import at, policy_with
from tests.unit.streams.bench import did


def drops(*times: int, customer: str = "anna", kind: str = "churn_risk") -> list[Raised]:
    """Give alerts of a customer."""
    return [Raised(time, customer, kind) for time in times]


@pytest.mark.parametrize(
    ("before", "after", "same", "moved", "come", "go"),
    [
        ([1, 50], [1, 50], [1, 50], [], [], []),
        ([1], [11], [], [(1, 11)], [], []),
        ([11], [1], [], [(11, 1)], [], []),
        ([1], [12], [], [], [12], [1]),
        ([1, 5], [5], [5], [], [], [1]),
        ([1, 8, 30], [3, 31, 60], [], [(1, 3), (30, 31)], [60], [8]),
        ([], [4, 2], [], [], [2, 4], []),
        ([30], [1], [], [], [1], [30]),
    ],
)
def test_alerts_within_ten_of_each_other_are_one(
    before: list[int],
    after: list[int],
    same: list[int],
    moved: list[tuple[int, int]],
    come: list[int],
    go: list[int],
) -> None:
    found = compare_alerts(drops(*before), drops(*after), 10)

    assert [alert.occurred_at for alert in found.same] == same
    assert [(old.occurred_at, new.occurred_at) for old, new in found.moved] == moved
    assert [alert.occurred_at for alert in found.come] == come
    assert [alert.occurred_at for alert in found.go] == go


def test_alerts_of_others_or_of_another_kind_are_others() -> None:
    found = compare_alerts(drops(1), [*drops(2, customer="eve"), *drops(3, kind="recovered")], 10)

    assert (found.same, found.moved, len(found.come), len(found.go)) == ([], [], 2, 1)


def test_who_goes_quiet_is_judged_to_the_end_of_the_history() -> None:
    history = History(policy_with())
    history.apply([("web", did("anna", "buy", "01 09:00"))] * 3, at("30 00:00"))
    history.apply([("web", did("eve", "view", "09 09:00"))], at("30 00:00"))
    assert history.alerts == set()

    history.finish()
    assert history.alerts == {Raised(at("04 00:00"), "anna", "churn_risk")}
