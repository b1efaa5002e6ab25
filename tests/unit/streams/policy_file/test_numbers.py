"""Points for numbers in a policy file: what is wrong with them, and what they come to."""

from __future__ import annotations

from typing import Any

import pytest

from scoring.customer.measuring import measured
from scoring.customer.state import CustomerState
from scoring.errors import PolicyError
from scoring.events.event import EventReader
from scoring.instants import DAY, SECOND
from scoring.judging.explanation import change
from scoring.judging.moment import Moment
from scoring.judging.reasons import reasons_of_panes
from scoring.judging.score import contributions
from scoring.judging.walk import advance
from scoring.points import POINT
from scoring.policy.change import policy_digest
from streams.policy_file.document import parse_policy

NOW = 1_700_000_000 * SECOND // DAY * DAY + DAY // 2
SHOP = """
[channels.shop]
weights = { purchase = 5, refund = 0, cancellation = 0 }
retracts = { cancellation = "purchase" }
retracts_key = "order_id"
[channels.shop.points]
purchase = { property = "amount", points = 2, per = 10, cap = 500 }
refund = { property = "amount", points = -2, per = 10 }
"""


class Anna:
    """A customer of the shop."""

    def __init__(self, text: str = SHOP) -> None:
        """Start without events."""
        self.policy = parse_policy(text)
        self.state = CustomerState()
        self._reader = EventReader(self.policy.channels[0], self.policy.types)

    def does(self, kind: str, ago: int = 0, **properties: Any) -> float:
        """Have one event happen some microseconds before now; give the score in points."""
        event = self._reader.event(kind, NOW - ago, None, properties)
        advance(self.policy, self.state, [event], Moment(NOW))
        return self.state.score / POINT


def problems(rule: str) -> list[str]:
    """List what is wrong with the points of a channel; each problem without where it is."""
    with pytest.raises(PolicyError) as error:
        parse_policy(f"[channels.shop]\nweights = {{ purchase = 5 }}\npoints = {rule}")
    where = "channels.shop.points"
    assert all(problem.startswith(where) for problem in error.value.problems)
    return [problem.removeprefix(where) for problem in error.value.problems]


def test_all_problems_come_at_once() -> None:
    assert problems("3") == [': must be a table such as { purchase = { property = "amount", points = 2, per = 10 } }']
    right = '{ property = "amount", points = 3 }'
    assert problems(f'{{ buy = {right}, purchase = {{ points = "2", per = 0, cap = -1, times = 3 }} }}') == [
        ".purchase.times: unknown key; allowed here: property, points, per, cap",
        ".purchase.property: is missing: name in the properties of the events",
        ".purchase.points: '2' is not a number",
        ".purchase.per: 0 is not a number of more than 0 and at most 1,000,000,000,000",
        ".purchase.cap: -1 is not a number of more than 0 and at most 1,000,000,000,000",
        ".buy: there is no weight for this type in channels.shop.weights; 0 will do",
    ]
    assert problems("{ purchase = 3 }") == [
        '.purchase: must be a table such as { property = "amount", points = 2, per = 10 }'
    ]
    assert problems('{ purchase = { property = "amount", points = 1, per = 0.0000001 } }') == [
        ".purchase.per: 1e-07 has more than six decimals"
    ]


def test_points_follow_the_amount_up_to_the_cap_of_a_day() -> None:
    anna = Anna()
    assert anna.does("purchase", amount=120) == 5 + 24
    assert anna.does("purchase", amount=9.99) == 2 * 5 + 24 + 1.998
    assert anna.does("purchase", DAY, amount=1_000) == 3 * 5 + 24 + 1.998 + 100
    assert anna.does("purchase", amount="120") == 4 * 5 + 24 + 1.998 + 100


def test_a_refund_takes_back_its_part_and_a_cancellation_the_purchase_with_its_amount() -> None:
    anna = Anna()
    anna.does("purchase", DAY, amount=120, order_id="7")
    anna.does("purchase", DAY, amount=450, order_id="8")
    assert anna.state.score == (2 * 5 + 100) * POINT
    assert anna.does("refund", amount=30) == 2 * 5 + 100 - 6
    assert anna.does("cancellation", order_id="8") == 5 + 24 - 6
    assert anna.does("cancellation", order_id="7") == -6


def test_what_expires_is_told_as_events_and_as_the_number() -> None:
    anna = Anna()
    anna.does("purchase", amount=620.5)
    told = [
        (part.type, part.count, part.counted, part.worth, part.capped)
        for part in contributions(anna.policy, anna.state)
    ]
    assert told == [("purchase", 1, 1, 5 * POINT, 0), ("purchase.amount", 620.5, 500, 100 * POINT, -24_100_000)]
    assert [
        (part.cause, part.type, part.count, part.points) for part in change(anna.policy, anna.state, NOW, NOW - DAY)
    ] == [
        ("came", "purchase", 1, 5 * POINT),
        ("came", "purchase.amount", 620.5, 124_100_000),
        ("capped", "purchase.amount", 120.5, -24_100_000),
    ]
    reasons = reasons_of_panes(anna.policy, anna.state.panes)
    assert [(each["type"], each["points"], each["count"], each["counted"]) for each in reasons] == [
        ("purchase.amount", -100, 620.5, 500),
        ("purchase", -5, 1, 1),
    ]


def test_a_type_that_brings_points_by_its_number_alone_makes_a_day_active() -> None:
    anna = Anna(SHOP.replace("purchase = 5", "purchase = 0"))
    anna.does("refund", amount=3)
    assert anna.state.activity.list_days() == []
    anna.does("purchase", amount=3)
    assert anna.state.activity.list_days() == [NOW // DAY]


def test_a_measure_of_the_same_property_shares_what_is_stored() -> None:
    spent = '[measures.spent]\nkind = "sum"\nof = ["shop.purchase"]\nproperty = "amount"\n'
    average = spent.replace("spent", "average").replace('"sum"', '"average"')
    anna = Anna(SHOP + spent + average)
    anna.does("purchase", amount=120)
    anna.does("purchase", amount=3)
    assert measured(anna.policy, anna.state) == ["123", "61.5"]
    assert anna.state.score == (2 * 5 + 24) * POINT + 600_000
    assert len(next(iter(anna.state.panes.values()))) == 3


def test_named_scores_give_no_points_for_numbers_and_segments_give_the_same() -> None:
    more = "[scores.buyers.channels.shop]\nweights = { purchase = 1 }\n[segments.vip.bands]\nengaged = 50\n"
    policy = parse_policy(SHOP + more)
    assert not policy.scores[0].policy.counts_numbers
    assert policy.of("vip").channels[0].numbers == policy.channels[0].numbers


def test_points_for_numbers_are_part_of_the_digest() -> None:
    texts = (SHOP, SHOP.replace("per = 10", "per = 5"), SHOP.replace("cap = 500", "cap = 400"))
    assert len({policy_digest(parse_policy(text)) for text in texts}) == 3
