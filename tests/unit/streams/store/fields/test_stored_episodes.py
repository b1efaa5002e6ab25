"""An open episode is stored with the customer, and what earlier versions stored of one is taken over."""

from __future__ import annotations

import pytest

from scoring.customer.episodes import PLAIN, Episode, Report
from scoring.customer.state import CustomerState
from scoring.judging.alerts import Alert, message, transition_id
from streams.policy_file.document import parse_policy
from streams.store.fields.customer_reading import decode
from streams.store.fields.customer_writing import encode
from streams.store.fields.episodes import encode_episode, take_episode
from streams.store.protocol import CustomerRecord
from tests.unit.scoring.customers import POLICY, Customer, at, policy_with

LINKED = "6b465a79-df69-5fdd-82aa-fa76d6630461"
FIRST = Report("churn_risk", at("01 10:00"))


@pytest.mark.parametrize(
    "reports",
    [
        (FIRST,),
        (FIRST, Report("churn_risk>at_risk", at("01 11:00"))),
        (Report("churn_risk", at("01 10:00"), PLAIN),),
        (FIRST, Report("churn_risk", at("01 09:00"), LINKED)),
    ],
)
def test_an_episode_comes_back_as_it_was_stored(reports: tuple[Report, ...]) -> None:
    episode, state = Episode(reports, lowest=0, base=2), CustomerState()
    take_episode(policy_with(), state, encode_episode(episode), "oe")
    assert state.episode == episode


def test_an_episode_of_two_alerts_is_short_enough_to_be_kept_compact() -> None:
    assert len(encode_episode(Episode((FIRST, Report("churn_risk>at_risk", at("01 11:00"))), 0, 2))) < 64


def dropped() -> Customer:
    """Give a customer who has dropped at 10:00."""
    anna = Customer()
    anna.do("post", "01 09:00", 6)
    anna.do("complain", "01 10:00")
    return anna


def as_earlier(anna: Customer, flags: str) -> Customer:
    """Load a customer from what a version without episodes would have stored."""
    anna.state.seen.touched |= set(anna.state.seen.chunks)
    words, _ = encode(anna.policy, CustomerRecord(anna.state), "v")
    fields = dict(zip(words[::2], words[1::2], strict=True))
    fields.pop("_e", None)
    judged, _, last_alert, due = fields["_s"].split(";")
    fields["_s"] = f"{judged};{flags};{last_alert};{due}"
    anna.state = decode(parse_policy(POLICY), fields).state
    return anna


def test_an_alert_that_an_earlier_version_opened_is_closed_under_its_id() -> None:
    anna = as_earlier(dropped(), "ro")
    assert anna.state.alert_open
    anna.do("post", "01 11:00", 2)

    alert = anna.transitions[-1]
    assert isinstance(alert, Alert)
    body = message("anna", alert, 0, "v", "trial")
    # As it was made then: without the namespace.
    assert body["closes"] == [transition_id("anna", "churn_risk", at("01 10:00"))] == [body["episode_id"]]


def test_whose_alert_an_earlier_version_closed_below_the_margin_is_alerted_on_again() -> None:
    anna = dropped()
    anna.do("post", "01 11:00")
    assert (anna.score, anna.band) == (10, "engaged")
    as_earlier(anna, "r")
    anna.do("complain", "02 11:00")

    assert anna.story[1:] == [("churn_risk", "02 11:00", 6)]


def test_an_update_raises_nothing_for_whom_an_earlier_version_left_in_at_risk() -> None:
    anna = dropped()
    anna.do("quit", "01 11:00")
    as_earlier(anna, "ro")
    anna.do("impression", "01 12:00")

    assert len(anna.story) == 2


def test_what_an_earlier_version_stored_beside_an_episode_of_before_is_the_newer() -> None:
    state = CustomerState(last_alert=at("03 10:00"), band=1)
    take_episode(policy_with(), state, encode_episode(Episode((FIRST,), 1, 2)), "o")
    assert state.episode == Episode((Report("churn_risk", at("03 10:00"), PLAIN),), lowest=1, base=2)
