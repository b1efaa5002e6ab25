"""The brute force itself, on a few events whose numbers were worked out by hand.

The window is three days in panes of one. All times are in January 2024, written `day hour:minute`.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tests.reference import brute_force

POLICY = """
version = "by-hand"
[window]
length = "3d"
pane = "1d"
trend = "1d"
[bands]
disengaged = 0
engaged = 10
highly_engaged = 20
power = 30
[alerts]
rearm_margin = 2
cooldown = "12h"
[clock]
lateness = "0s"
[channels.web]
topic = "web"
weights = { view = 1, buy = 4.5, glance = 0.125, complain = -4, quit = -30 }
cap = { view = 3 }
[channels.social]
topic = "social"
weights = { post = 2 }
"""

Row = tuple[str, str, int]
"""A type, a time and how many events of that type come at it."""


def at(time: str) -> str:
    """`04 12:30` as the RFC 3339 time of that day in January 2024."""
    day, clock = time.split()
    return f"2024-01-{day}T{clock}:00Z"


def lines_of(customer: str, *rows: Row) -> list[str]:
    """The event file of one customer, in the order given."""
    events = [(kind, time) for kind, time, count in rows for _ in range(count)]
    return [
        json.dumps(
            {
                "channel": "social" if kind == "post" else "web",
                "event_id": f"{customer}-{number}",
                "customer_id": customer,
                "type": kind,
                "timestamp": at(time),
            }
        )
        for number, (kind, time) in enumerate(events)
    ]


def results(lines: list[str], policy: str = POLICY) -> dict[str, brute_force.Customer]:
    """Every customer of a file, by id."""
    parsed = brute_force.parse_policy(policy)
    customers = brute_force.evaluate_all(brute_force.histories(lines, parsed), parsed)
    return {customer.customer_id: customer for customer in customers}


def anna(*rows: Row, until: str = "", policy: str = POLICY) -> brute_force.Customer:
    """Anna after her events; another customer's view carries the clock on to `until`."""
    clock = lines_of("clock", ("view", until, 1)) if until else []
    return results(lines_of("anna", *rows) + clock, policy)["anna"]


def story(customer: brute_force.Customer) -> list[tuple[str, str, str]]:
    """A customer's alerts as kind, time and score."""
    return [(alert["kind"], alert["occurred_at"], alert["score"]) for alert in customer.alerts]


def test_a_cap_holds_within_a_pane_and_not_across_panes() -> None:
    customer = anna(("view", "01 09:00", 5), ("view", "02 09:00", 2), ("buy", "02 10:00", 1), ("post", "02 11:00", 1))

    assert customer.points == {"web": "9.50", "social": "2.00"}
    assert customer.score == "11.50"


def test_a_type_that_the_policy_does_not_name_scores_nothing() -> None:
    customer = anna(("view", "01 09:00", 1), ("unheard", "01 10:00", 7))

    assert (customer.score, customer.last_event_at) == ("1.00", at("01 10:00"))


def test_a_pane_counts_until_the_boundary_at_which_it_leaves() -> None:
    assert anna(("post", "01 23:59", 1), until="03 23:59").score == "2.00"
    assert anna(("post", "01 00:00", 1), until="04 00:00").score == "0.00"


@pytest.mark.parametrize(
    ("points", "text"),
    [(125_000, "0.12"), (375_000, "0.38"), (125_001, "0.13"), (-375_000, "-0.38"), (-1_000, "0.00"), (0, "0.00")],
)
def test_points_are_rounded_half_to_even_where_they_are_published(points: int, text: str) -> None:
    assert brute_force.published(points) == text


def test_small_weights_are_summed_before_they_are_rounded() -> None:
    assert anna(("glance", "01 09:00", 3)).score == "0.38"


def test_an_event_id_counts_once_for_a_customer() -> None:
    lines = lines_of("anna", ("post", "01 09:00", 1)) * 3

    assert results(lines)["anna"].score == "2.00"
    assert results([*lines, lines[0].replace('"customer_id": "anna"', '"customer_id": "ben"')])["ben"].score == "2.00"


def test_the_order_of_the_file_does_not_matter() -> None:
    lines = lines_of("anna", ("post", "01 09:00", 5), ("complain", "02 09:00", 1), ("post", "02 10:00", 3))

    assert results(lines[::-1]) == results(lines)


def test_silence_raises_a_warning_at_the_boundary() -> None:
    customer = anna(("post", "01 09:00", 4), ("post", "01 10:00", 1), until="05 12:00")

    up = {
        "occurred_at": at("01 10:00"),
        "score": "10.00",
        "previous_score": "8.00",
        "band": "engaged",
        "previous_band": "disengaged",
    }
    down = {
        "occurred_at": at("04 00:00"),
        "score": "0.00",
        "previous_score": "10.00",
        "band": "disengaged",
        "previous_band": "engaged",
    }
    assert customer.band_changes == [up, down]
    assert customer.alerts == [{"kind": "churn_risk", "severity": "warning", "opened": at("04 00:00"), **down}]
    assert (customer.band, customer.band_since, customer.previous_band) == ("disengaged", at("04 00:00"), "engaged")


def test_a_fall_into_at_risk_is_critical_at_the_time_of_the_event() -> None:
    customer = anna(("post", "01 09:00", 5), ("quit", "01 12:00", 1))

    assert story(customer) == [("churn_risk", at("01 12:00"), "-20.00")]
    assert (customer.alerts[0]["severity"], customer.band) == ("critical", "at_risk")


def test_a_customer_who_never_was_engaged_is_alerted_in_at_risk_only() -> None:
    customer = anna(("post", "01 09:00", 4), ("quit", "01 12:00", 1), until="05 12:00")

    assert story(customer) == [("churn_risk", at("01 12:00"), "-22.00")]
    assert story(anna(("post", "01 09:00", 4), ("complain", "01 12:00", 1), until="05 12:00")) == []
    assert [change["band"] for change in customer.band_changes] == ["at_risk", "disengaged"]


def test_who_never_changed_the_band_is_in_it_since_the_first_event() -> None:
    customer = anna(("post", "01 09:00", 1), ("post", "02 09:00", 1))

    assert (customer.band, customer.band_since, customer.previous_band) == ("disengaged", at("01 09:00"), "")


def test_only_the_margin_above_engaged_ends_the_episode_and_arms_again() -> None:
    below = [("post", "01 09:00", 5), ("complain", "01 10:00", 1)]
    back_at_ten = [*below, ("post", "02 09:00", 2), ("complain", "02 10:00", 1)]
    back_at_twelve = [*below, ("post", "02 09:00", 3), ("complain", "02 10:00", 1)]
    first = ("churn_risk", at("01 10:00"), "6.00")
    ended = ("recovered", at("02 09:00"), "12.00")

    assert story(anna(*back_at_ten)) == [first]
    assert story(anna(*back_at_twelve)) == [first, ended, ("churn_risk", at("02 10:00"), "8.00")]


def test_a_drop_within_the_cooldown_is_raised_when_it_ends() -> None:
    flap = [("post", "01 00:00", 5), ("complain", "01 01:00", 1), ("post", "01 02:00", 3), ("complain", "01 03:00", 1)]
    first = [("churn_risk", at("01 01:00"), "6.00"), ("recovered", at("01 02:00"), "12.00")]

    assert story(anna(*flap, until="01 12:59")) == first
    assert story(anna(*flap, until="01 13:00")) == [*first, ("churn_risk", at("01 13:00"), "8.00")]


def test_who_is_back_before_the_cooldown_ends_stays_armed() -> None:
    flap = [("post", "01 00:00", 5), ("complain", "01 01:00", 1), ("post", "01 02:00", 3), ("complain", "01 03:00", 1)]
    customer = anna(*flap, ("post", "01 04:00", 1), ("complain", "01 14:00", 1))

    assert story(customer)[2:] == [("churn_risk", at("01 14:00"), "6.00")]


def test_a_boundary_is_judged_before_the_events_of_its_time() -> None:
    customer = anna(("post", "01 09:00", 5), ("post", "04 00:00", 6))

    assert story(customer) == [("churn_risk", at("04 00:00"), "0.00"), ("recovered", at("04 00:00"), "12.00")]
    assert customer.score == "12.00"


def test_the_trend_compares_with_the_panes_that_counted_before() -> None:
    customer = anna(("post", "01 09:00", 5), ("post", "03 09:00", 1), until="04 12:00")

    assert (customer.score, customer.trend) == ("2.00", "-10.00")


def test_disengages_at_is_the_boundary_that_takes_the_score_below_engaged() -> None:
    rows = [("post", "01 09:00", 2), ("post", "02 09:00", 5)]

    assert anna(*rows).disengages_at == at("05 00:00")
    assert anna(*rows, until="05 00:00").disengages_at == ""


def test_events_within_the_lateness_do_not_count_yet() -> None:
    policy = POLICY.replace('lateness = "0s"', 'lateness = "1h"')
    lines = lines_of("anna", ("post", "01 09:00", 1), ("post", "01 09:01", 1)) + lines_of(
        "ben", ("view", "01 10:00", 1)
    )

    customers = results(lines, policy)

    assert list(customers) == ["anna"]
    assert customers["anna"].score == "2.00"


def test_a_policy_that_says_more_than_the_definition_is_refused() -> None:
    with pytest.raises(ValueError, match="half_life"):
        brute_force.parse_policy(POLICY.replace('trend = "1d"', 'trend = "1d"\nhalf_life = "5d"'))


def test_the_command_reads_gzip_and_sums_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy, events = tmp_path / "policy.toml", tmp_path / "events.jsonl.gz"
    lines = lines_of("anna", ("post", "01 09:00", 5), ("quit", "02 09:00", 1))
    policy.write_text(POLICY)
    events.write_bytes(gzip.compress("\n".join(lines).encode()))

    brute_force.main([str(policy), str(events)])
    assert json.loads(capsys.readouterr().out)["customer_id"] == "anna"

    brute_force.main([str(policy), str(events), "--summary"])
    assert json.loads(capsys.readouterr().out) == {
        "evaluated_at": at("02 09:00"),
        "customers": 1,
        "events": 6,
        "ever_engaged": 1,
        "alerts": 1,
        "recoveries": 0,
        "customers_alerted": 1,
        "band_changes": 2,
        "bands": {"at_risk": 1, "disengaged": 0, "engaged": 0, "highly_engaged": 0, "power": 0},
    }
