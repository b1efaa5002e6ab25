"""Episodes of alerts, worked by hand: engaged from 10 points, over again from 12, at risk below 0."""

from __future__ import annotations

import itertools

from scoring.feeds.feeds import Feeds
from scoring.judging.alert_machine import (
    AT_REST,
    DEEPENING,
    DUE,
    ENDS,
    FALLING,
    FALLS,
    MOVED,
    OPEN,
    STANDS,
    TRANSITIONS,
    place_of,
)
from scoring.judging.alerts import Alert, message, report_ids, transition_id
from scoring.policy.policy import Policy
from tests.unit.scoring.customers import Customer, at, policy_with

WATCHED = policy_with(('topic = "web"', 'topic = "web"\nsilence_after = "6h"'))


def bodies(anna: Customer, namespace: str = "engagement") -> list[dict[str, object]]:
    """Give the alerts of a customer as they are published."""
    alerts = [each for each in anna.transitions if isinstance(each, Alert)]
    return [message("anna", alert, alert.occurred_at, "v", namespace) for alert in alerts]


def alerted(policy: Policy | None = None) -> Customer:
    """Give a customer with 12 points who has dropped to 8 at 10:00, with a warning."""
    anna = Customer(policy)
    anna.do("post", "01 09:00", 6)
    anna.do("complain", "01 10:00")
    return anna


def test_back_at_engaged_the_episode_goes_on_and_a_further_fall_is_no_news() -> None:
    anna = alerted()
    anna.do("post", "01 11:00")
    assert (anna.score, anna.band) == (10, "engaged")
    anna.do("complain", "03 11:00")

    assert (anna.score, anna.story) == (6, [("churn_risk", "01 10:00", 8)])
    assert anna.state.alert_open


def test_at_the_margin_the_episode_ends_and_the_next_fall_opens_another() -> None:
    anna = alerted()
    anna.do("post", "01 11:00", 2)
    assert anna.story[1:] == [("recovered", "01 11:00", 12)]
    anna.do("complain", "02 11:00")

    assert anna.story[2:] == [("churn_risk", "02 11:00", 8)]
    first, recovered, second = bodies(anna)
    assert recovered["closes"] == [first["alert_id"]]
    assert first["episode_id"] == recovered["episode_id"] == first["alert_id"]
    assert second["episode_id"] == second["alert_id"] != first["alert_id"]
    assert "closes" not in first


def test_a_fall_into_at_risk_is_raised_at_once_within_an_episode_and_only_once() -> None:
    anna = alerted()
    anna.do("complain", "01 10:01", 3)
    anna.do("post", "01 10:02", 3)
    anna.do("complain", "01 10:03", 2)

    assert anna.story == [("churn_risk", "01 10:00", 8), ("churn_risk", "01 10:01", -4)]
    first, second = bodies(anna)
    assert (first["severity"], second["severity"]) == ("warning", "critical")
    assert second["episode_id"] == first["alert_id"] != second["alert_id"]
    assert (second["previous_band"], second["previous_score"]) == ("disengaged", 0.0)


def test_a_recovery_closes_all_alerts_of_its_episode() -> None:
    anna = alerted()
    anna.do("complain", "01 10:01", 3)
    anna.do("post", "01 11:00", 8)

    *raised, recovered = bodies(anna)
    assert recovered["closes"] == [alert["alert_id"] for alert in raised]
    assert len(raised) == 2


def test_two_alerts_of_one_moment_have_ids_of_their_own() -> None:
    anna = Customer()
    anna.do("post", "01 09:00", 6)
    anna.judge("01 10:00", *[anna.event(kind, "01 10:00") for kind in ("complain", "quit")])

    first, second = bodies(anna)
    assert first["occurred_at"] == second["occurred_at"]
    assert first["alert_id"] == transition_id("anna", "churn_risk", at("01 10:00")) != second["alert_id"]


def test_who_never_was_engaged_has_an_episode_that_ends_above_disengaged() -> None:
    anna = Customer()
    anna.do("complain", "01 09:00")
    anna.do("post", "01 10:00", 2)
    assert (anna.score, len(anna.story)) == (0, 1)
    anna.do("post", "01 11:00")

    assert anna.story == [("churn_risk", "01 09:00", -4), ("recovered", "01 11:00", 2)]
    assert not anna.state.armed
    anna.do("complain", "02 09:00")
    assert anna.story[2:] == [("churn_risk", "02 09:00", -2)]


def test_a_fall_into_at_risk_within_the_cooldown_is_raised_when_it_ends_if_it_lasts() -> None:
    for posts, raised in ((0, [("churn_risk", "01 21:00", -2)]), (1, [])):
        anna = Customer()
        anna.do("complain", "01 09:00")
        anna.do("post", "01 11:00", 3)
        anna.do("complain", "01 12:00")
        assert (anna.due, anna.state.due_crosses) == ("01 21:00", True)
        anna.do("post", "01 13:00", posts) if posts else None
        anna.judge("01 22:00")
        assert anna.story[2:] == raised


def test_a_fall_into_at_risk_by_time_is_a_crossing() -> None:
    anna = Customer()
    anna.do("post", "01 09:00", 2)
    anna.do("complain", "02 09:00")
    while anna.due and anna.due < "04 00:00":
        anna.judge(anna.due)
    assert (anna.due, anna.state.due_crosses) == ("04 00:00", True)

    anna.judge("04 00:00")
    assert anna.story == [("churn_risk", "04 00:00", -4)]


def test_a_silent_feed_holds_a_fall_into_at_risk_that_time_brings_within_an_episode() -> None:
    anna = Customer(WATCHED)
    times = ("01 09:00", "05 20:00", "05 23:00")
    anna.feeds = Feeds(WATCHED, {"web": [(at(time), at(time)) for time in times]})
    anna.do("buy", "01 09:00", 3)
    anna.do("complain", "02 09:00")
    assert anna.story == [("churn_risk", "02 09:00", 9.5)]
    anna.judge("04 12:00")
    assert (anna.score, len(anna.story), anna.due, anna.state.due_crosses) == (-4, 1, "05 00:00", True)

    anna.judge("04 13:00")
    assert place_of(anna.state) == DEEPENING
    anna.do("quit", "04 14:00")
    assert anna.story[1:] == [("churn_risk", "04 14:00", -34)]


def test_events_of_one_batch_that_keep_the_band_end_an_episode_as_one_by_one() -> None:
    one_by_one, together = alerted(), alerted()
    for anna in (one_by_one, together):
        anna.do("post", "01 11:00")
    posts = [together.event("post", f"01 12:0{minute}") for minute in range(3)]
    together.judge("01 13:00", *posts)
    for post in posts:
        one_by_one.judge("01 13:00", post)

    assert together.story == one_by_one.story
    assert together.story[1:] == [("recovered", "01 12:00", 12)]


def test_ids_of_two_namespaces_differ_and_those_of_the_default_one_are_as_ever() -> None:
    anna = alerted()
    anna.do("post", "01 11:00", 2)
    here, there = bodies(anna), bodies(anna, "trial")

    assert here[0]["alert_id"] == transition_id("anna", "churn_risk", at("01 10:00"))
    assert [body["namespace"] for body in there] == ["trial", "trial"]
    assert not {body["alert_id"] for body in here} & {body["alert_id"] for body in there}
    assert there[1]["closes"] == [there[0]["alert_id"]] == [there[1]["episode_id"]]
    change = next(each for each in anna.transitions if not isinstance(each, Alert))
    ids = {message("anna", change, 0, "v", namespace)["change_id"] for namespace in ("engagement", "trial")}
    assert len(ids) == 2


def test_a_warning_is_an_episode_of_its_own() -> None:
    anna = Customer(policy_with(('cooldown = "12h"', 'cooldown = "12h"\nwarn_before = "1d"')))
    anna.do("post", "01 09:00", 6)
    anna.judge("04 00:00")
    anna.do("post", "04 09:00", 6)

    warning, raised, recovered = bodies(anna)
    assert (warning["kind"], warning["episode_id"]) == ("disengaging_soon", warning["alert_id"])
    assert raised["episode_id"] == raised["alert_id"]
    assert recovered["closes"] == [raised["alert_id"]]


def test_a_warning_that_is_older_than_the_cooldown_keeps_its_time_until_its_episode_is_over() -> None:
    anna = Customer(policy_with(('cooldown = "12h"', 'cooldown = "12h"\nwarn_before = "1d"')))
    anna.do("post", "01 09:00", 6)
    anna.judge("03 13:00")
    assert (anna.state.warned, anna.state.last_warning) == (True, at("03 00:00"))
    anna.do("post", "03 14:00", 7)
    assert (anna.state.warned, anna.state.last_warning) == (False, -1)


def test_the_table_has_every_state_and_each_input_that_can_come() -> None:
    states, inputs = (AT_REST, FALLING, OPEN, DEEPENING), (STANDS, FALLS, DUE, ENDS, MOVED)
    waiting, opened = (FALLING, DEEPENING), (OPEN, DEEPENING)
    possible = {
        (state, given)
        for state, given in itertools.product(states, inputs)
        if (given != DUE or state in waiting) and (given != ENDS or state in opened)
    }
    assert set(TRANSITIONS) == possible


def test_the_ids_of_an_episode_are_those_of_its_messages() -> None:
    anna = alerted()
    anna.do("quit", "01 10:30")
    episode = anna.state.episode
    assert episode is not None
    assert report_ids("anna", episode.reports, "engagement") == [body["alert_id"] for body in bodies(anna)]
