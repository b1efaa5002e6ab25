"""The comparison sees every kind of difference, and nothing where there is none."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.reference.comparison import alert_differences, band_change_differences, index_differences, score_differences

CHANGE = {
    "occurred_at": "2024-01-04T00:00:00Z",
    "score": "0.00",
    "previous_score": "10.00",
    "band": "disengaged",
    "previous_band": "engaged",
}
ANNA: dict[str, Any] = {
    "customer_id": "anna",
    "score": "0.00",
    "band": "disengaged",
    "band_since": "2024-01-04T00:00:00Z",
    "previous_band": "engaged",
    "points": {"web": "0.00"},
    "trend": "-10.00",
    "disengages_at": "",
    "last_event_at": "2024-01-01T10:00:00Z",
    "alerts": [{"kind": "churn_risk", "severity": "warning", **CHANGE}],
    "band_changes": [CHANGE],
}
WANTED = {"anna": ANNA}
STORED = {
    "score": "0",
    "band": "disengaged",
    "band_since": "2024-01-04T00:00:00Z",
    "previous_band": "engaged",
    "web": "0",
    "trend": "-10",
    "disengages_at": "",
    "last_event_at": "2024-01-01T10:00:00Z",
}
SINCE = 1_704_326_400.0
NUMBERS = {"score": 0.0, "previous_score": 10.0}
ALERT = {"alert_id": "a", "customer_id": "anna", "detected_at": "now", **ANNA["alerts"][0], **NUMBERS}
BAND_CHANGE = {"change_id": "c", "customer_id": "anna", "detected_at": "now", **CHANGE, **NUMBERS}


def test_what_is_equal_has_no_differences() -> None:
    assert list(score_differences(WANTED, {"anna": STORED})) == []
    assert list(index_differences(WANTED, {"disengaged": {"anna": SINCE}})) == []
    assert alert_differences(WANTED, [ALERT, {**ALERT, "detected_at": "later"}]) == []
    assert band_change_differences(WANTED, [BAND_CHANGE]) == []


@pytest.mark.parametrize("name", STORED)
def test_every_field_of_a_customer_is_compared(name: str) -> None:
    other = "7" if STORED[name].lstrip("-").isdecimal() else "something else"
    absent = {field: value for field, value in STORED.items() if field != name}
    assert len(list(score_differences(WANTED, {"anna": {**STORED, name: other}}))) == 1
    assert len(list(score_differences(WANTED, {"anna": absent}))) == 1


def test_a_customer_too_few_or_too_many_is_a_difference() -> None:
    assert len(list(score_differences(WANTED, {}))) == 1
    assert len(list(score_differences(WANTED, {"anna": STORED, "ben": STORED}))) == 1


@pytest.mark.parametrize(
    "indexes",
    [
        {},
        {"engaged": {"anna": SINCE}},
        {"disengaged": {"anna": SINCE + 1}},
        {"disengaged": {"anna": SINCE}, "power": {"anna": SINCE}},
        {"disengaged": {"anna": SINCE, "ben": SINCE}},
    ],
)
def test_a_wrong_index_is_a_difference(indexes: dict[str, dict[str, float]]) -> None:
    assert len(list(index_differences(WANTED, indexes))) == 1


@pytest.mark.parametrize("name", ["kind", "severity", *CHANGE])
def test_every_field_of_an_alert_is_compared(name: str) -> None:
    other = 7.0 if name in NUMBERS else "something else"
    # The right one is missing, and a wrong one is there.
    assert len(alert_differences(WANTED, [{**ALERT, name: other}])) == 2


@pytest.mark.parametrize("name", CHANGE)
def test_every_field_of_a_band_change_is_compared(name: str) -> None:
    other = 7.0 if name in NUMBERS else "something else"
    assert len(band_change_differences(WANTED, [{**BAND_CHANGE, name: other}])) == 2


def test_an_alert_that_is_missing_or_of_nobody_is_a_difference() -> None:
    nobody = copy.deepcopy(WANTED)
    nobody["anna"]["alerts"] = []
    assert len(alert_differences(WANTED, [])) == 1
    assert len(alert_differences(nobody, [ALERT])) == 1


def test_a_repeat_with_other_contents_is_a_difference() -> None:
    assert len(alert_differences(WANTED, [ALERT, {**ALERT, "reasons": ["another"]}])) == 1


def test_a_repeat_under_another_id_is_a_difference() -> None:
    assert len(alert_differences(WANTED, [ALERT, {**ALERT, "alert_id": "b"}])) == 1
