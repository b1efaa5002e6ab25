"""Points that fade: with a half-life of one pane the score halves at every boundary."""

from __future__ import annotations

from scoring.judging.reasons import reasons_of_panes
from scoring.judging.score import contributions, disengages_at, next_change, trend
from scoring.points import POINT
from tests.unit.scoring.customers import Customer, at, clock, policy_with

ONE_DAY = ('trend = "1d"', 'trend = "1d"\nhalf_life = "1d"')
FADED = {"cause": "faded"}


def fading() -> Customer:
    """Give a customer whose points halve from day to day."""
    return Customer(policy_with(ONE_DAY))


def test_points_halve_at_each_boundary_and_are_gone_with_the_window() -> None:
    anna = fading()
    anna.do("post", "01 09:00", 4)
    scores = []
    for now in ("01 23:59", "02 00:00", "02 23:59", "03 00:00", "04 00:00"):
        anna.judge(now)
        scores.append(anna.score)

    assert scores == [8, 4, 4, 2, 0]


def test_the_score_is_the_sum_of_all_panes_each_by_its_age() -> None:
    anna = fading()
    anna.do("buy", "01 09:00", 3)
    anna.do("post", "02 09:00", 5)
    anna.do("view", "03 09:00", 9)

    assert anna.score == 11.38
    assert anna.state.score == 11_375_000  # 13.5 / 4 + 10 / 2 + 3
    assert anna.state.channel_points == [3_375_000 + 3 * POINT, 5 * POINT]


def test_the_factor_of_a_pane_is_a_half_to_its_age_in_half_lives() -> None:
    anna = Customer(policy_with(('trend = "1d"', 'trend = "1d"\nhalf_life = "36h"')))
    anna.do("post", "01 09:00", 50)
    anna.judge("03 09:00")

    assert anna.state.score == round(100 * POINT * 0.5 ** (2 / 1.5))


def test_a_fade_below_engaged_is_a_drop_at_the_boundary() -> None:
    anna = fading()
    anna.do("post", "01 09:00", 6)
    outcome = anna.judge("03 12:00")

    assert anna.story == [("churn_risk", "02 00:00", 6)]
    assert outcome.transitions[1].reasons == [FADED]


def test_what_leaves_the_window_is_told_before_what_faded() -> None:
    anna = fading()
    anna.do("post", "01 09:00", 40)
    anna.judge("04 00:00")

    [leaving, faded] = anna.transitions[-1].reasons
    assert anna.story == [("churn_risk", "04 00:00", 0)]
    assert (leaving["type"], leaving["points"], faded) == ("post", -20.0, FADED)


def test_a_drop_is_foreseen_at_the_first_boundary_below() -> None:
    anna = fading()
    anna.do("post", "01 09:00", 10)

    assert clock(disengages_at(anna.policy, anna.state)) == "03 00:00"
    anna.judge("02 00:00")
    assert (anna.score, clock(disengages_at(anna.policy, anna.state))) == (10, "03 00:00")


def test_something_changes_at_every_boundary_while_there_are_points() -> None:
    anna = fading()
    anna.do("post", "01 09:00")

    assert clock(next_change(anna.policy, anna.state)) == anna.due == "02 00:00"
    anna.judge("05 00:00")
    assert next_change(anna.policy, anna.state) == 0


def test_the_trend_compares_with_what_the_points_were_worth_then() -> None:
    anna = fading()
    anna.do("post", "01 09:00", 8)
    anna.do("post", "02 09:00", 2)

    assert anna.score == 16 / 2 + 4
    assert trend(anna.policy, anna.state) == (12 - 16) * POINT


def test_contributions_fade_too() -> None:
    anna = fading()
    anna.do("post", "01 09:00", 4)
    anna.judge("02 09:00")

    [part] = contributions(anna.policy, anna.state)
    assert (part.points, part.count, part.leaves_at) == (4 * POINT, 4, at("04 00:00"))


def test_a_customer_in_several_batches_is_judged_at_every_boundary_between_the_events() -> None:
    anna = fading()
    anna.do("post", "01 09:00", 6)
    anna.do("post", "03 09:00", 6)

    assert anna.story == [("churn_risk", "02 00:00", 6), ("recovered", "03 09:00", 13)]


def test_a_customer_in_one_batch_is_judged_at_every_boundary_between_the_events() -> None:
    anna = fading()
    anna.judge("03 09:00", *[anna.event("post", day) for day in ("01 09:00", "03 09:00") for _ in range(6)])

    assert anna.story == [("churn_risk", "02 00:00", 6), ("recovered", "03 09:00", 13)]


def test_a_new_pane_is_scheduled_for_its_first_fade() -> None:
    anna = Customer(policy_with(('trend = "1d"', 'trend = "2d"\nhalf_life = "1d"')))
    anna.judge("01 08:00", anna.event("post", "04 00:00"))
    anna.do("post", "01 09:00")

    assert clock(next_change(anna.policy, anna.state)) == anna.due == "02 00:00"


def test_a_trend_of_a_pane_and_a_half_changes_between_the_boundaries() -> None:
    anna = Customer(policy_with(('trend = "1d"', 'trend = "36h"\nhalf_life = "1d"')))
    anna.do("post", "01 09:00", 16)
    anna.judge("03 00:00")
    before = trend(anna.policy, anna.state)
    assert before == (8 - 32) * POINT

    anna.judge("03 12:00")
    assert trend(anna.policy, anna.state) == (8 - 16) * POINT
    anna.judge("04 00:00")
    assert clock(next_change(anna.policy, anna.state)) == "04 12:00"


def test_the_reasons_of_a_pane_that_leaves_are_what_was_left_of_it() -> None:
    anna = fading()
    code = anna.event("post", "01 09:00").code

    assert reasons_of_panes(anna.policy, {19_723: {code: 4}})[0]["points"] == -2.0
