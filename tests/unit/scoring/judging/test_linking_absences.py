"""Absences of two ids that are linked: what ends the one that is open closes the alerts of both, as published."""

from __future__ import annotations

from dataclasses import replace

from scoring.customer.state import CustomerState
from scoring.events.event import Event
from scoring.instants import DAY, HOUR
from scoring.judging.alerts import message
from scoring.judging.linking import merge
from scoring.judging.moment import Moment
from scoring.judging.walk import advance
from scoring.rules.absence import WHOLE_DAY, AbsenceRule, SegmentClock
from streams.policy_file.document import parse_policy
from tests.unit.scoring.customers import POLICY

LINKING = replace(parse_policy(f"{POLICY}[identities]\n"), absence=AbsenceRule())
FIRST = 19_700
CLOCK = SegmentClock(FIRST, [day * WHOLE_DAY for day in range(20)])
BUY = next(code for code, kind in LINKING.types.items() if kind.name == "buy")


def on(day: int) -> Moment:
    """Give a moment of a day, with what is known of the clock by then."""
    return Moment((FIRST + day) * DAY + HOUR, clocks={"": CLOCK.until(FIRST + day)})


def bought(day: int) -> list[Event]:
    """Give a purchase of a day."""
    return [Event((FIRST + day) * DAY + HOUR, BUY, f"{day}", None)]


def test_an_absence_that_came_to_light_with_the_link_is_closed_under_the_id_it_was_raised_with() -> None:
    anna, cookie = CustomerState(), CustomerState()
    advance(LINKING, anna, bought(1), on(1))
    advance(LINKING, cookie, bought(3), on(3))
    [of_cookie] = [each for each in advance(LINKING, cookie, (), on(8)).transitions if each.reasons[0].get("missed")]
    # Nobody has looked at anna since.
    raised = merge(LINKING, ("anna", anna), ("cookie", cookie), on(9))
    [of_anna] = [each for each in raised.own if each.reasons and each.reasons[0].get("missed")]
    assert raised.linked == []
    back = advance(LINKING, anna, bought(10), on(10)).transitions[-1]

    published = [message(name, each, 0, "v")["alert_id"] for name, each in (("anna", of_anna), ("cookie", of_cookie))]
    assert message("anna", back, 0, "v")["closes"] == published
