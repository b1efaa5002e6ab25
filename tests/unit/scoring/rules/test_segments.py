"""A policy for each segment: who changes segment is judged anew, and that is no change of the customer."""

from __future__ import annotations

from itertools import permutations

import pytest

from scoring.customer.state import CustomerState
from scoring.events.event import Event
from scoring.judging.alerts import BandChange, message
from scoring.judging.moment import Moment
from scoring.judging.walk import advance
from scoring.points import POINT
from scoring.rules.details import PROFILE, Detail
from tests.unit.scoring.customers import POLICY, Customer, at, clock, policy_with

#: Posts are worth twice as much in `large`, and who has 20 points is engaged; points fade in `fading`.
SEGMENTS = (
    POLICY
    + """
[segments.large.bands]
engaged = 20
highly_engaged = 30
power = 40
[segments.large.channels.social]
weights = { post = 4 }
[segments.strict.bands]
engaged = 15
[segments.lax.alerts]
cooldown = "48h"
[segments.fading.window]
half_life = "1d"
[segments.alike]
"""
)


def customer(text: str = SEGMENTS) -> Customer:
    """Give a stranger under the policy with segments."""
    return Customer(policy_with(text=text))


def profile(segment: str, time: str) -> Event:
    """Make a profile as it is read."""
    return Event(at(time), PROFILE, "", Detail((), "", segment))


def telling(anna: Customer, kind: str, time: str, segment: str) -> Event:
    """Make an event that tells a segment."""
    return anna.event(kind, time).with_detail(Detail((), "", segment))


def test_a_customer_without_a_segment_is_judged_as_ever() -> None:
    anna = customer()
    anna.do("post", "01 09:00", 6)

    assert (anna.score, anna.band, anna.state.segment) == (12, "engaged", "")


def test_a_stranger_with_a_profile_is_judged_by_the_segment_from_the_beginning() -> None:
    anna = customer()
    anna.judge("01 08:00", profile("large", "01 08:00"))
    assert anna.state.judged < 0
    anna.do("post", "01 09:00", 6)

    assert (anna.score, anna.band) == (24, "engaged")
    assert anna.changes == [("engaged", "01 09:00")]
    assert {transition.segment for transition in anna.transitions} == {"large"}


def test_a_stranger_whose_first_event_tells_the_segment_is_too() -> None:
    anna = customer()
    anna.judge("01 09:00", telling(anna, "post", "01 09:00", "large"), *[anna.event("post", "01 09:00")] * 5)

    assert (anna.score, anna.band, anna.changes) == (24, "engaged", [("engaged", "01 09:00")])


def test_a_profile_moves_a_customer_who_is_judged_anew_without_an_alert() -> None:
    anna = customer()
    anna.do("post", "01 09:00", 6)
    anna.judge("01 12:00")
    anna.transitions.clear()
    anna.judge("01 18:00", profile("strict", "01 15:00"))

    assert anna.transitions == [
        BandChange(1, 2, 12 * POINT, 12 * POINT, at("01 12:00"), "segment", segment="strict"),
    ]
    anna.judge("09 00:00")
    assert anna.story == []


def test_an_event_moves_a_customer_at_its_time_and_counts_by_the_new_rules() -> None:
    anna = customer()
    anna.do("post", "01 09:00", 6)
    anna.transitions.clear()
    anna.judge("01 18:00", telling(anna, "post", "01 15:00", "large"))

    # 12 points have become 24; of the 28 with this event the first four are none of the event's doing.
    assert (anna.score, anna.band, anna.transitions) == (28, "engaged", [])
    assert anna.state.policy_version == "by-hand"


def test_what_comes_before_such_an_event_is_judged_by_the_old_rules() -> None:
    anna = customer()
    events = [anna.event("post", "01 09:00")] * 6
    anna.judge("04 12:00", *events, telling(anna, "view", "04 09:00", "large"))

    # At the boundary of the 4th the six posts left, which was a drop under the old rules.
    assert anna.story == [("churn_risk", "04 00:00", 0)]
    assert [transition.segment for transition in anna.transitions] == ["", "", ""]
    assert anna.state.segment == "large"


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_the_newest_holds_in_any_order_and_of_two_the_later_name(order: tuple[int, ...]) -> None:
    told = [("small", "02 00:00"), ("large", "03 00:00"), ("lax", "03 00:00"), ("", "01 00:00")]
    anna = customer()
    for index in order:
        anna.judge("05 00:00", profile(*told[index]))

    assert (anna.state.segment, clock(anna.state.segment_at)) == ("lax", "03 00:00")


def test_who_leaves_a_segment_is_judged_as_everybody() -> None:
    anna = customer()
    anna.judge("01 08:00", profile("large", "01 08:00"))
    anna.do("post", "01 09:00", 6)
    anna.judge("01 10:00", profile("", "01 10:00"))

    assert (anna.score, anna.band, anna.state.segment) == (12, "engaged", "")


def test_an_older_word_changes_nothing() -> None:
    anna = customer()
    anna.judge("02 08:00", profile("large", "02 08:00"))
    anna.state.segment_changed = False
    anna.judge("02 09:00", profile("strict", "02 07:59"), telling(anna, "post", "02 08:30", "large"))

    assert anna.state.segment == "large"
    anna.judge("02 10:00", profile("strict", "02 08:15"))
    assert anna.state.segment == "large"


def test_an_event_too_old_to_score_still_tells_the_segment() -> None:
    anna = customer()
    anna.do("post", "08 09:00", 6)
    anna.judge("08 10:00", telling(anna, "post", "02 09:00", "large"))

    assert (anna.state.segment, anna.score) == ("large", 24)


def test_an_event_that_is_kept_aside_tells_it_when_it_is_reached() -> None:
    anna = customer()
    anna.do("post", "01 09:00", 6)
    anna.judge("01 10:00", telling(anna, "post", "02 09:00", "large"))
    assert (anna.state.segment, anna.score) == ("", 12)
    anna.judge("02 10:00")
    assert (anna.state.segment, anna.score) == ("large", 28)


def test_a_segment_that_has_no_rules_of_its_own_changes_nothing_but_the_name() -> None:
    for name in ("unheard", "alike"):
        anna = customer()
        anna.do("post", "01 09:00", 6)
        before = anna.state.armed, anna.state.due
        outcome = anna.judge("01 10:00", profile(name, "01 10:00"))

        assert (outcome.transitions, anna.state.segment) == ([], name)
        assert (anna.state.armed, anna.state.due) == before


def test_a_warning_is_not_told_again_in_a_segment_with_the_same_rules() -> None:
    text = SEGMENTS.replace('cooldown = "12h"', 'cooldown = "12h"\nwarn_before = "2d"')
    anna = customer(text)
    anna.do("post", "01 09:00", 6)
    anna.judge("02 10:00")
    assert [kind for kind, *_ in anna.story] == ["disengaging_soon"]
    last = anna.state.last_warning
    assert last > 0
    anna.judge("02 11:00", profile("alike", "02 11:00"))
    assert anna.state.last_warning == last


def test_points_fade_from_when_a_customer_comes_into_a_segment_in_which_they_do() -> None:
    anna = customer()
    anna.do("post", "01 09:00", 10)
    anna.judge("01 10:00", profile("fading", "01 10:00"))
    assert anna.due == "02 00:00"
    anna.judge("02 10:00")
    assert (anna.score, anna.story) == (10, [])
    anna.judge("03 10:00")
    assert (anna.score, anna.story) == (5, [("churn_risk", "03 00:00", 5)])


def test_alert_rules_are_those_of_the_segment() -> None:
    anna = customer()
    anna.judge("01 08:00", profile("lax", "01 08:00"))
    for day in ("01", "02"):
        anna.do("post", f"{day} 09:00", 6)
        anna.do("quit", f"{day} 10:00")
        anna.do("post", f"{day} 11:00", 20)

    # The cooldown of all others, 12 hours, would have let the second drop through.
    assert [kind for kind, *_ in anna.story] == ["churn_risk", "recovered"]


def test_a_message_names_the_segment_only_where_there_is_one() -> None:
    change = BandChange(1, 2, 0, 0, at("01 09:00"), "event")
    plain = message("anna", change, 0, "v")
    named = message("anna", BandChange(1, 2, 0, 0, at("01 09:00"), "event", segment="large"), 0, "v")

    assert "segment" not in plain
    assert named == {**plain, "segment": "large"}


def test_a_policy_without_profiles_knows_no_segments() -> None:
    policy, state = policy_with(), CustomerState()
    event = telling(Customer(), "post", "01 09:00", "large")
    advance(policy, state, [event], Moment(at("01 09:00")))

    assert (state.segment, state.segment_changed) == ("", False)
