"""A customer with a value in every field of the table."""

from __future__ import annotations

from scoring.customer.absence_state import AbsenceState
from scoring.customer.episodes import Episode, Report
from scoring.customer.state import CustomerState, take_segment
from scoring.judging.linking import merge
from scoring.judging.moment import Moment
from scoring.judging.walk import advance
from scoring.rules.details import Detail
from streams.policy_file.document import parse_policy
from streams.store.fields.customer_writing import encode
from streams.store.protocol import CustomerRecord
from tests.unit.scoring.customers import Customer, at
from tests.unit.scoring.judging.test_named_scores import LOUD
from tests.unit.scoring.rules.test_pairing import PAIRED_TEXT, events

JUDGED = "03 00:00"
POLICY = parse_policy(
    PAIRED_TEXT.replace('topic = "web"', 'topic = "web"\nsessions = "30m"').replace(
        'cooldown = "12h"', 'cooldown = "12h"\nwarn_before = "1d"\nabsence = true'
    )
    + LOUD
    + """
[identities]
topic = "links"
[profiles]
topic = "profiles"
[segments.alike]
[kpi.churn]
by = ["web.complain"]
[signals.angry]
on = "web.complain"
[measures.posts]
kind = "count"
of = ["social.post"]
"""
)
HELD = {"kind": "churn_risk", "reasons": [], "previous_score": 1, "previous_band": 2}


def whole() -> CustomerState:
    """Give a state with something in each of its parts that is stored."""
    anna = Customer(POLICY)
    anna.do("post", "01 09:00", 5)
    anna.do("view", "01 10:00", event_id="a")
    anna.judge("02 09:00", *events(("feed.like", "02 08:00", "photo")))
    anna.do("complain", "02 10:00", 6)
    anna.do("post", "02 11:00", 3)
    state = anna.state
    anna.judge(JUDGED)
    state.ahead = [(at("04 00:00"), POLICY.channels[0].types[0].code, Detail((("$abc", 5),), "o" * 10, "a;b"))]
    state.held, state.armed, state.due_crosses = dict(HELD), True, True
    state.episode, state.last_alert = Episode((Report("churn_risk", at("02 10:00")),), lowest=1, base=2), at("02 10:00")
    state.warned, state.last_warning = True, at("02 10:30")
    state.absence = AbsenceState("alike", 19_723, 0)
    state.absence.told = 19_000
    take_segment(state, at("01 08:00"), "alike")
    return state


def written(record: CustomerRecord) -> dict[str, str]:
    """Give the fields that the next write sets."""
    words, _ = encode(POLICY, record, "v")
    return dict(zip(words[::2], words[1::2], strict=True))


def linked() -> tuple[CustomerState, CustomerState]:
    """Give the customer, and the same one whose id was linked to a customer of whom nothing was known."""
    each, nobody, other = whole(), CustomerState(), whole()
    moment = Moment(each.judged, each.judged)
    # A drop that waits becomes an alert as soon as the customer is judged, linked or not.
    each.held = other.held = None
    advance(POLICY, each, (), moment)
    merge(POLICY, ("nobody", nobody), ("other", other), moment)
    return each, nobody
