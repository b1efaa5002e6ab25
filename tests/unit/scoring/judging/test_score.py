"""What a score is made of, how it moves, and when it drops if nothing more comes."""

from __future__ import annotations

from scoring.customer.measuring import measured
from scoring.events.event import EventReader
from scoring.judging.score import Contribution, band_name, contributions, disengages_at, next_change, trend
from scoring.points import POINT
from streams.policy_file.document import parse_policy
from tests.unit.scoring.customers import Customer, at, clock, policy_with

WHO = {"customer_id": "anna", "properties": {"object_id": "a"}}


def foreseen(anna: Customer) -> str:
    """Give the time at which the customer falls out of engaged; '' for never."""
    time = disengages_at(anna.policy, anna.state)
    return clock(time) if time else ""


def test_contributions_say_what_counts_by_type_and_pane_oldest_first() -> None:
    anna = Customer()
    anna.do("view", "02 10:00", 5)
    anna.do("post", "01 09:00", 2, now="02 10:00")
    anna.do("impression", "02 11:00")
    anna.do("unheard", "02 11:00")

    first, second = at("01 00:00") // anna.policy.pane, at("02 00:00") // anna.policy.pane
    assert contributions(anna.policy, anna.state) == [
        Contribution("social", "post", first, 2, 2, 4 * POINT, at("04 00:00"), 4 * POINT, 0),
        Contribution("web", "view", second, 5, 3, 3 * POINT, at("05 00:00"), 3 * POINT, -2 * POINT),
    ]


def test_contributions_add_up_to_the_score() -> None:
    anna = Customer()
    for day, kind, count in ((1, "buy", 3), (2, "view", 9), (2, "complain", 1), (3, "post", 4), (3, "glance", 3)):
        anna.do(kind, f"0{day} 09:00", count)
        assert sum(part.points for part in contributions(anna.policy, anna.state)) == anna.state.score
    anna.judge("04 12:00")

    assert sum(part.points for part in contributions(anna.policy, anna.state)) == anna.state.score == 7_375_000


def test_the_trend_is_the_score_less_that_of_the_panes_that_counted_before() -> None:
    anna = Customer()
    anna.do("post", "01 09:00", 5)
    assert trend(anna.policy, anna.state) == 10 * POINT

    anna.judge("02 08:00")
    assert trend(anna.policy, anna.state) == 0
    anna.do("post", "03 09:00")
    assert trend(anna.policy, anna.state) == 2 * POINT
    anna.judge("04 09:00")
    assert trend(anna.policy, anna.state) == (2 - 12) * POINT
    anna.judge("07 00:00")
    assert trend(anna.policy, anna.state) == 0


def test_a_trend_of_less_than_a_pane_compares_with_the_pane_that_was_current_then() -> None:
    anna = Customer(policy_with(('trend = "1d"', 'trend = "12h"')))
    anna.do("post", "01 09:00")
    anna.judge("01 11:59")
    assert (trend(anna.policy, anna.state), anna.due) == (2 * POINT, "01 12:00")

    anna.judge("01 12:00")
    assert trend(anna.policy, anna.state) == 0


def test_a_drop_is_foreseen_at_the_first_boundary_that_takes_the_score_below_engaged() -> None:
    anna = Customer()
    anna.do("post", "01 09:00", 2)
    anna.do("post", "02 09:00", 3)
    anna.do("post", "03 09:00", 3)
    assert (anna.score, foreseen(anna)) == (16, "05 00:00")

    anna.judge("05 00:00")
    assert anna.story == [("churn_risk", "05 00:00", 6)]


def test_no_drop_is_foreseen_for_who_is_below_already() -> None:
    anna = Customer()
    anna.do("post", "01 09:00", 4)

    assert foreseen(anna) == ""


def test_the_first_of_several_drops_is_foreseen() -> None:
    anna = Customer()
    anna.do("post", "01 09:00", 10)
    anna.do("complain", "02 09:00", 2)
    anna.do("post", "03 09:00", 6)

    assert (anna.score, foreseen(anna)) == (24, "04 00:00")
    anna.judge("04 00:00")
    assert anna.story == [("churn_risk", "04 00:00", 4)]


def test_a_customer_whom_silence_lifts_is_seen_falling_only_once_engaged() -> None:
    anna = Customer()
    anna.do("complain", "01 09:00", 2)
    anna.do("post", "02 09:00", 8)
    assert (anna.score, foreseen(anna)) == (8, "")

    anna.judge("04 00:00")
    assert (anna.score, foreseen(anna)) == (16, "05 00:00")


def test_who_has_engaged_at_nothing_never_falls_by_silence() -> None:
    anna = Customer(policy_with(("disengaged = 0", "disengaged = -20"), ("engaged = 10", "engaged = 0")))
    anna.do("post", "01 09:00", 3)

    assert foreseen(anna) == ""


def test_a_stranger_has_no_score_to_fall() -> None:
    anna = Customer()

    assert next_change(anna.policy, anna.state) == 0
    assert contributions(anna.policy, anna.state) == []


def test_a_pane_changes_something_when_it_leaves_and_when_the_trend_takes_it_in_and_lets_it_go() -> None:
    anna = Customer()
    anna.do("post", "01 09:00")
    seen = []
    for now in ("01 10:00", "02 00:00", "04 00:00", "05 00:00"):
        anna.judge(now)
        seen.append(anna.due)

    assert seen == ["02 00:00", "04 00:00", "05 00:00", ""]


def test_only_a_fall_out_of_engaged_is_scheduled_as_a_crossing() -> None:
    anna = Customer()
    anna.do("post", "01 09:00", 5)
    assert (anna.due, anna.state.due_crosses) == ("02 00:00", False)

    anna.judge("02 00:00")
    assert (anna.due, anna.state.due_crosses) == ("04 00:00", True)


def test_an_event_that_pushes_the_moment_later_leaves_the_schedule_alone() -> None:
    anna = Customer()
    anna.do("post", "01 09:00", 5)
    anna.judge("02 00:00")
    anna.do("post", "02 10:00", 5)
    assert (anna.due, anna.state.due_crosses) == ("03 00:00", False)

    anna.judge("03 00:00")
    assert (anna.due, anna.state.due_crosses) == ("04 00:00", False)


def test_an_event_that_brings_the_moment_forward_is_scheduled() -> None:
    anna = Customer(policy_with(('trend = "1d"', 'trend = "2d"')))
    anna.do("post", "03 09:00", 5)
    assert anna.due == "05 00:00"
    anna.do("post", "01 09:00", now="03 10:00")

    assert anna.due == "04 00:00"


def test_a_moment_that_has_come_is_not_scheduled_again() -> None:
    anna = Customer(policy_with(('trend = "1d"', 'trend = "2d"')))
    anna.do("post", "03 00:00", 5)
    anna.do("post", "01 09:00", now="03 00:00")

    assert anna.due == "04 00:00"


def test_an_event_that_counts_for_the_trend_alone_is_scheduled() -> None:
    anna = Customer(policy_with(('trend = "1d"', 'trend = "2d"')))
    anna.do("post", "05 09:00")
    assert anna.due == "07 00:00"
    anna.do("post", "01 09:00", now="05 10:00")

    assert clock(next_change(anna.policy, anna.state)) == "06 00:00"
    assert anna.due == "06 00:00"


def test_bands_have_names() -> None:
    assert [band_name(band) for band in (-1, 0, 4)] == ["", "at_risk", "power"]


def test_a_pane_of_which_all_was_taken_back_changes_the_sessions_when_it_leaves() -> None:
    sessions = (
        'topic = "web"\n',
        'topic = "web"\nsessions = "30m"\nsession_types = ["view"]\nretracts = { complain = "view" }\n',
    )
    measure = '[measures.visits]\nkind = "sessions"\nchannel = "web"\n'
    anna = Customer(parse_policy(policy_with(sessions).text + measure))
    reader = EventReader(anna.policy.channels[0], anna.policy.types)
    events = [
        reader.read({**WHO, "type": kind, "timestamp": at(time) / 1e6}, at("9999 00:00"))[1]
        for kind, time in (("view", "01 09:00"), ("complain", "02 09:00"))
    ]
    anna.judge("02 12:00", *events)
    anna.judge("03 12:00")

    assert list(anna.state.panes) == [at("02 00:00") // anna.policy.pane]
    assert measured(anna.policy, anna.state) == ["1"]
    assert anna.due == "04 00:00"
    anna.judge("04 00:00")
    assert measured(anna.policy, anna.state) == [""]
