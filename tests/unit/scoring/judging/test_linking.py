"""Linking two ids: what is kept of both beside their counts."""

from __future__ import annotations

from scoring.judging.linking import merge
from scoring.judging.moment import Moment
from scoring.rules.sessions import Visit
from tests.unit.scoring.customers import POLICY, Customer, at, policy_with

_LINKING = f"{POLICY}[identities]\n".replace('topic = "social"', 'topic = "social"\nsessions = "30m"')


def test_visits_of_a_channel_that_makes_no_sessions_any_more_are_kept_as_they_are() -> None:
    with_sessions = policy_with(('topic = "web"', 'topic = "web"\nsessions = "30m"'), text=_LINKING)
    anna, cookie = Customer(with_sessions), Customer(with_sessions)
    anna.do("view", "01 09:00")
    cookie.do("view", "01 09:10")
    merge(
        policy_with(('"by-hand"', '"next"'), text=_LINKING),
        ("anna", anna.state),
        ("cookie", cookie.state),
        Moment(at("01 11:00")),
    )
    seconds = [at(time) // 1_000_000 for time in ("01 09:00", "01 09:10")]
    assert list(anna.state.visits.values()) == [
        {at("01 00:00") // with_sessions.pane: [Visit(second, second, 1) for second in seconds]}
    ]
