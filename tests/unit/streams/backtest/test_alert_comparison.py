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


def test_absences_are_among_the_alerts_and_end_with_the_next_event() -> None:
    absence = 'cooldown = "12h"\n[alerts.absence]\nmargin = 1.9\nleast_members = 1'
    history = History(policy_with(('cooldown = "12h"', absence)))
    for day in range(1, 10):
        # Everybody comes each day, but for eve, who stays away from the fourth to the seventh.
        names = ["anna", "ben"] if 4 <= day < 8 else ["anna", "ben", "eve"]
        history.apply([("web", did(name, "view", f"{day:02} 09:00")) for name in names], at("30 00:00"))
    history.finish()

    absences = {alert for alert in history.alerts if alert.kind in ("absent", "returned")}
    # A member of three, as she was on the days before: each day of hers away counts two thirds.
    assert absences == {Raised(at("07 00:00"), "eve", "absent"), Raised(at("08 00:00"), "eve", "returned")}


def test_without_a_rule_of_absence_there_are_none() -> None:
    history = History(policy_with())
    for day in (1, 2, 3, 20):
        history.apply([("web", did(name, "view", f"{day:02} 09:00")) for name in ("anna", "ben")], at("30 00:00"))
    history.finish()

    assert not [alert for alert in history.alerts if alert.kind == "absent"]
