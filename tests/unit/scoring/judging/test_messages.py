"""Transitions as they are published."""

from __future__ import annotations

import json
import uuid

from scoring.judging.alerts import Alert, BandChange, message, transition_id
from scoring.points import POINT
from tests.unit.scoring.customers import Customer, at

REASON = {"channel": "web", "type": "buy", "points": 2.0, "count": 1, "counted": 1, "cause": "event", "at": ""}


def alert(kind: str = "churn_risk", band: int = 0) -> Alert:
    """Give an alert."""
    return Alert(kind, band, 3, -12_345_000, 75 * POINT, at("04 00:00"), [{"cause": "expired"}])


def test_an_alert_holds_what_the_contract_names() -> None:
    body = message("anna", alert(), at("04 00:01"), "v1")

    assert body == {
        "alert_id": transition_id("anna", "churn_risk", at("04 00:00")),
        "episode_id": transition_id("anna", "churn_risk", at("04 00:00")),
        "namespace": "engagement",
        "kind": "churn_risk",
        "severity": "critical",
        "customer_id": "anna",
        "score": -12.34,
        "previous_score": 75.0,
        "band": "at_risk",
        "previous_band": "highly_engaged",
        "occurred_at": "2024-01-04T00:00:00Z",
        "detected_at": "2024-01-04T00:01:00Z",
        "policy_version": "v1",
        "reasons": [{"cause": "expired"}],
    }
    assert json.loads(json.dumps(body)) == body


def test_the_severity_is_that_of_the_band() -> None:
    severities = [alert(band=0).severity, alert(band=1).severity, alert("recovered", 2).severity]

    assert severities == ["critical", "warning", "info"]


def test_a_band_change_holds_its_cause() -> None:
    body = message(
        "anna", BandChange(2, 1, 10 * POINT, 8 * POINT, at("04 00:00"), "event", [REASON]), at("04 00:01"), "v1"
    )

    assert body == {
        "change_id": transition_id("anna", "band_change:engaged", at("04 00:00")),
        "namespace": "engagement",
        "customer_id": "anna",
        "score": 10.0,
        "previous_score": 8.0,
        "band": "engaged",
        "previous_band": "disengaged",
        "occurred_at": "2024-01-04T00:00:00Z",
        "detected_at": "2024-01-04T00:01:00Z",
        "policy_version": "v1",
        "cause": "event",
        "reasons": [REASON],
    }


def test_a_warning_tells_when_the_drop_comes() -> None:
    warning = Alert("disengaging_soon", 2, 2, 12 * POINT, 12 * POINT, at("02 00:00"), [], at("04 00:00"))
    body = message("anna", warning, at("02 00:01"), "v1")

    assert (body["kind"], body["severity"], body["disengages_at"]) == (
        "disengaging_soon",
        "notice",
        "2024-01-04T00:00:00Z",
    )
    assert body["alert_id"] == transition_id("anna", "disengaging_soon", at("02 00:00"))
    assert "disengages_at" not in message("anna", alert(), at("04 00:01"), "v1")


def test_an_id_is_made_of_the_customer_the_kind_and_the_time_of_the_crossing_alone() -> None:
    first = message("anna", alert(), at("04 00:01"), "v1")["alert_id"]
    other = Alert("churn_risk", 1, 2, 0, 0, at("04 00:00"), [])

    assert uuid.UUID(first).version == 5
    assert message("anna", other, at("09 00:00"), "v2")["alert_id"] == first


def test_ids_of_different_transitions_differ() -> None:
    ids = {
        transition_id(customer, kind, time)
        for customer in ("anna", "ben", "a\0b", "")
        for kind in ("churn_risk", "recovered", "band_change:engaged")
        for time in (1, 11)
    }

    assert len(ids) == 24


def test_an_id_never_changes_as_subscribers_know_it() -> None:
    assert transition_id("anna", "churn_risk", at("04 00:00")) == "b563e01b-f4a8-5573-a8b2-4b0002ad373b"


def test_two_changes_at_one_time_have_ids_of_their_own() -> None:
    anna = Customer()
    anna.do("post", "01 09:00", 10)

    bodies = [message("anna", transition, 0, "") for transition in anna.transitions]
    assert [body["band"] for body in bodies] == ["engaged", "highly_engaged"]
    assert len({body["change_id"] for body in bodies}) == 2
