"""What alerts say that a step was made of."""

from __future__ import annotations

from scoring.judging.corrections import Correction
from scoring.judging.reasons import reason_of_event, reasons_of_object, reasons_of_panes
from tests.unit.scoring.customers import Customer, at

ANNA = Customer()
CODES = {
    kind: ANNA.event(kind, "01 09:00").code for kind in ("post", "view", "complain", "buy", "impression", "unheard")
}
FIRST = at("01 00:00") // ANNA.policy.pane


def counts(**by_kind: int) -> dict[str, int]:
    """Give the counts of a pane."""
    return {CODES[kind]: count for kind, count in by_kind.items()}


def test_an_event_is_told_with_what_it_did_to_the_score() -> None:
    assert reason_of_event(ANNA.policy, at("01 09:30"), CODES["buy"], 4_500_000) == [
        {
            "channel": "web",
            "type": "buy",
            "points": 4.5,
            "count": 1,
            "counted": 1,
            "cause": "event",
            "at": "2024-01-01T09:30:00Z",
        }
    ]


def test_what_an_event_took_back_is_told_with_the_day_that_it_took_it_from() -> None:
    time, code = at("02 09:30"), CODES["complain"]
    corrections = [
        Correction(FIRST, CODES["view"], -1, 0),
        Correction(FIRST, CODES["post"], -3, -6_000_000),
        Correction(FIRST + 1, CODES["buy"], 1, 4_500_000),
    ]
    told = reasons_of_object(ANNA.policy, time, code, -5_500_000, corrections, FIRST + 1)
    found = [(reason["type"], reason["points"], reason["count"], reason["cause"]) for reason in told]
    assert found == [
        ("post", -6.0, 3, "retracted"),
        ("buy", 4.5, 1, "retracted"),
        ("complain", -4.0, 1, "event"),
    ]
    assert (told[0]["pane"], told[1]["pane"]) == ("2024-01-01T00:00:00Z", "2024-01-02T00:00:00Z")
    assert reasons_of_object(ANNA.policy, time, code, -4_000_000, corrections[:1], FIRST + 1) == told[2:]


def test_an_event_beyond_the_cap_is_one_of_which_none_counts() -> None:
    [reason] = reason_of_event(ANNA.policy, at("01 09:30"), CODES["view"], 0)

    assert (reason["points"], reason["count"], reason["counted"]) == (0.0, 1, 0)


def test_a_type_that_the_policy_does_not_name_is_no_reason() -> None:
    assert reason_of_event(ANNA.policy, at("01 09:30"), CODES["unheard"], 0) == []
    assert reasons_of_panes(ANNA.policy, {FIRST: counts(unheard=3, impression=5)}) == []


def test_what_has_left_the_window_is_told_largest_first() -> None:
    leaving = {FIRST: counts(complain=1, view=9, post=4), FIRST + 1: counts(buy=1)}
    told = reasons_of_panes(ANNA.policy, leaving)

    assert [(reason["type"], reason["points"], reason["count"], reason["counted"]) for reason in told] == [
        ("post", -8.0, 4, 4),
        ("buy", -4.5, 1, 1),
        ("complain", 4.0, 1, 1),
        ("view", -3.0, 9, 3),
    ]
    assert [reason["pane"] for reason in told[:2]] == ["2024-01-01T00:00:00Z", "2024-01-02T00:00:00Z"]
    assert {reason["cause"] for reason in told} == {"expired"}


def test_reasons_of_equal_size_are_in_the_order_of_their_names() -> None:
    told = reasons_of_panes(ANNA.policy, {FIRST: counts(post=2, complain=1)})
    turned = reasons_of_panes(ANNA.policy, {FIRST: counts(complain=1, post=2)})

    assert told == turned
    assert [reason["type"] for reason in told] == ["post", "complain"]


def test_a_boundary_at_which_nothing_leaves_has_no_reasons() -> None:
    assert reasons_of_panes(ANNA.policy, {}) == []


def test_what_leaves_is_told_in_one_order_whatever_order_the_panes_were_read_in() -> None:
    panes = {FIRST + 1: counts(post=2), FIRST: counts(post=2, view=1)}
    found = [(reason["type"], reason["points"], reason["pane"]) for reason in reasons_of_panes(ANNA.policy, panes)]
    assert found == [
        ("post", -4.0, "2024-01-01T00:00:00Z"),
        ("post", -4.0, "2024-01-02T00:00:00Z"),
        ("view", -1.0, "2024-01-01T00:00:00Z"),
    ]
