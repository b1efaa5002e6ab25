"""Why a score is what it is, on the screen and for machines."""

import io

from rich.console import Console, RenderableType

from scoring.customer.state import CustomerState
from scoring.instants import DAY, HOUR, parse_timestamp
from scoring.policy.policy import Policy
from streams.views.explanation_view import (
    Period,
    change_text,
    coming_text,
    explanation_document,
    panes_text,
    period_until,
)
from tests.unit.scoring.customers import Customer, at, policy_with

LONG = policy_with(('trend = "1d"', 'trend = "3d"'))
FADING = policy_with(('trend = "1d"', 'trend = "1d"\nhalf_life = "1d"'))


def lines(what: RenderableType, width: int = 100) -> list[str]:
    output = io.StringIO()
    Console(file=output, width=width, highlight=False, color_system=None).print(what)
    return [" ".join(line.split()) for line in output.getvalue().splitlines()]


def seen(policy: Policy = LONG) -> CustomerState:
    """Give a customer whose 8 points of the 1st are gone on the 4th; of 5 views on the 3rd the cap lets 3 count."""
    anna = Customer(policy)
    anna.do("post", "01 09:00", 4)
    anna.do("view", "03 09:00", 5)
    anna.judge("04 12:00")
    return anna.state


def test_what_came_was_capped_and_expired_is_said_with_its_points() -> None:
    period = Period(at("04 12:00"), at("01 12:00"))
    assert lines(change_text(LONG, seen(), period)) == [
        "-5 since 2024-01-01 12:00:00 UTC: 8 → 3",
        "expired social post x4 -8",
        "came web view x5 +5",
        "capped web view x2 -2",
    ]


def test_a_score_that_has_not_changed_is_said_too() -> None:
    period = Period(at("04 12:00"), at("04 00:00"))
    assert lines(change_text(LONG, seen(), period)) == ["0 since 2024-01-04 00:00:00 UTC: 3 → 3"]


def test_what_will_leave_is_said_with_the_score_after_it() -> None:
    anna = Customer(LONG)
    anna.do("post", "01 09:00", 6)
    anna.do("view", "02 09:00", 5)
    period = Period(at("02 12:00"), at("02 12:00"))
    assert lines(coming_text(LONG, anna.state, period)) == [
        "coming points score what leaves",
        "2024-01-04 -12 3 out of engaged: social post x6 -12",
        "2024-01-05 -3 0 web view x3 -3",
    ]


def test_more_boundaries_than_are_shown_are_counted() -> None:
    policy = policy_with(('length = "3d"', 'length = "8d"'))
    anna = Customer(policy)
    for day in range(1, 8):
        anna.do("post", f"0{day} 09:00")
    shown = lines(coming_text(policy, anna.state, Period(at("07 12:00"), 0)))
    assert shown[-1] == "… and 2 boundaries more, the last 2024-01-15"


def test_what_fades_is_said() -> None:
    anna = Customer(FADING)
    anna.do("post", "01 09:00", 8)
    anna.judge("02 12:00")
    period = Period(at("02 12:00"), at("01 12:00"))
    assert lines(change_text(FADING, anna.state, period)) == [
        "-8 since 2024-01-01 12:00:00 UTC: 16 → 8",
        "faded social post x8 -8",
    ]
    assert lines(coming_text(FADING, anna.state, period)) == [
        "coming points score what leaves",
        "2024-01-03 -4 4 faded: social post x8 -4",
        "2024-01-04 -4 0 social post x8 -4",
    ]


def test_each_pane_is_said_with_what_the_cap_cut_off_and_when_it_leaves() -> None:
    assert lines(panes_text(LONG, seen(), Period(at("04 12:00"), 0))) == [
        "pane channel type count points capped leaves",
        "2024-01-03 web view 5 +3 -2 2024-01-06",
    ]


def test_nothing_to_come_is_said() -> None:
    assert lines(coming_text(LONG, CustomerState(), Period(at("04 12:00"), 0))) == [
        "Nothing will change the score by itself."
    ]


def test_machines_get_parts_that_add_up() -> None:
    document = explanation_document(LONG, seen(), Period(at("04 12:00"), at("01 12:00")))
    change = document["change"]
    assert (change["since"], change["from"], change["to"], change["points"]) == ("2024-01-01T12:00:00Z", 8, 3, -5)
    assert [(part["cause"], part["count"], part["points"]) for part in change["parts"]] == [
        ("expired", 4, -8),
        ("came", 5, 5),
        ("capped", 2, -2),
    ]
    assert document["panes"] == [
        {
            "pane": "2024-01-03T00:00:00Z",
            "channel": "web",
            "type": "view",
            "count": 5,
            "counted": 3,
            "points": 3,
            "capped": -2,
            "leaves_at": "2024-01-06T00:00:00Z",
        }
    ]
    [boundary] = document["coming"]
    assert (boundary["at"], boundary["score"], boundary["parts"][0]["points"]) == ("2024-01-06T00:00:00Z", 0, -3)


def test_what_is_compared_is_the_end_of_a_pane_and_that_is_what_is_said() -> None:
    """A purchase an hour after the time that is asked for, on the same day, is no change since the end of that day."""
    anna = Customer(LONG)
    anna.do("post", "02 19:39")
    anna.judge("04 18:39")
    now = at("04 18:39")
    asked = period_until(LONG, anna.state, now, 2 * DAY)
    assert lines(change_text(LONG, anna.state, asked)) == ["0 since 2024-01-02 23:59:59 UTC: 2 → 2"]
    assert explanation_document(LONG, anna.state, asked)["change"]["since"] == "2024-01-02T23:59:59.999999Z"
    trend = period_until(LONG, anna.state, now)
    assert lines(change_text(LONG, anna.state, trend)) == [
        "+2 since 2024-01-01 23:59:59 UTC: 0 → 2",
        "came social post x1 +2",
    ]


def test_what_came_in_the_present_pane_is_compared_with_the_end_of_the_one_before() -> None:
    anna = Customer(LONG)
    anna.do("view", "03 19:39")
    anna.do("post", "04 19:39")
    for hours in (1, 2, 20):
        asked = period_until(LONG, anna.state, at("04 20:39"), hours * HOUR)
        assert lines(change_text(LONG, anna.state, asked))[0] == "+2 since 2024-01-03 23:59:59 UTC: 1 → 3"
    assert period_until(policy_with(('trend = "1d"', 'trend = "0s"')), anna.state, at("04 20:39")).since == at(
        "04 20:39"
    )


def test_a_score_holds_until_now_if_nothing_is_due_by_then() -> None:
    judged = parse_timestamp("2024-01-01T00:00:00Z")
    state = CustomerState(judged=judged, due=judged + DAY)
    assert period_until(LONG, state, judged + HOUR, HOUR) == Period(judged + HOUR, judged - 1)
    assert period_until(LONG, state, judged + 2 * DAY, HOUR) == Period(judged, judged - 1)
    state.due = 0
    assert period_until(LONG, state, judged + 2 * DAY, HOUR).at == judged + 2 * DAY
