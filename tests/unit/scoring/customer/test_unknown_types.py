"""Types that the policy does not name: counted, but only so many of them one by one."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.customer import unknown_types
from scoring.customer.unknown_types import MOST_APART, TOGETHER
from scoring.events.event import Event
from scoring.judging import counting
from scoring.policy.channels import type_code
from scoring.rules.pairing import duration_codes
from tests.unit.scoring.customers import Customer, at, policy_with
from tests.unit.scoring.rules.test_pairing import PAIRED_TEXT
from tests.unit.scoring.rules.test_pairing import events as paired_events

FEW = 3


def counted(codes: list[str]) -> dict[str, int]:
    """Count events of one pane, by their codes."""
    anna = Customer()
    for code in codes:
        anna.judge("01 12:00", Event(at("01 09:00"), code, ""))
    return anna.state.panes[at("01 09:00") // anna.policy.pane]


def expected(codes: list[str], most: int) -> dict[str, int]:
    """Count them all, and take those together that are too many."""
    named, counts = Customer().policy.types, Counter(codes)
    apart = sorted(code for code in counts if code not in named)
    rest = apart[most:]
    whole = {code: count for code, count in counts.items() if code not in rest}
    return {**whole, TOGETHER: sum(counts[code] for code in rest)} if rest else whole


def test_ten_thousand_types_in_one_pane_take_the_room_of_a_hundred() -> None:
    codes = [type_code("web", f"t{number}") for number in range(10_000)]
    counts = counted(codes)

    assert len(counts) == MOST_APART + 1
    assert sum(counts.values()) == 10_000
    assert counts == expected(codes, MOST_APART)


def test_the_code_of_those_counted_together_is_no_types_code() -> None:
    assert TOGETHER not in {type_code("web", f"t{number}") for number in range(10_000)}
    assert len(TOGETHER) == 4


CODES = st.sampled_from([*Customer().policy.types, *(type_code("web", f"t{number}") for number in range(9))])


@given(st.lists(CODES, max_size=60), st.randoms(use_true_random=False))
def test_which_types_are_counted_together_does_not_depend_on_the_order(codes: list[str], dice: object) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(unknown_types, "MOST_APART", FEW)
        patch.setattr(counting, "MOST_APART", FEW)
        found = counted(codes) if codes else {}
        dice.shuffle(codes)  # type: ignore[attr-defined]
        again = counted(codes) if codes else {}

    assert found == again == expected(codes, FEW)


def test_what_is_counted_of_pairs_and_amounts_is_no_unknown_type() -> None:
    rows = [("mail.delivered", "01 09:00", "m"), ("mail.click", "01 09:00", "m")]
    rows += [("desk.ticket", "01 09:00", "7"), ("desk.reply", "01 09:30", "7")]
    policy = policy_with(("gateway_click = 0", "gateway_open = 0"), text=PAIRED_TEXT)
    events = paired_events(*rows)
    amounts = (("$zzz", 5), ("^zzz", 6))
    events[0] = events[0].with_detail(events[0].detail._replace(amounts=amounts))
    anna = Customer(policy)
    anna.judge("01 12:00", *events)
    for number in range(2 * MOST_APART):
        anna.judge("01 12:00", Event(at("01 09:00"), type_code("web", f"t{number}"), ""))
    counts = anna.state.panes[at("01 09:00") // policy.pane]

    own = {type_code("mail", "gateway_click"), *duration_codes("desk", "first_response"), *dict(amounts)}
    assert own <= counts.keys()
    assert len(counts) == MOST_APART + 1 + len(own) + 3


def test_what_the_policy_names_scores_among_any_number_of_others() -> None:
    anna = Customer()
    for number in range(3 * MOST_APART):
        anna.judge("01 12:00", Event(at("01 09:00"), type_code("web", f"t{number}"), ""))
    for kind in ("buy", "complain", "view", "post"):
        anna.do(kind, "01 09:00", now="01 12:00")
    counts = anna.state.panes[at("01 09:00") // anna.policy.pane]

    assert anna.score == 4.5 - 4 + 1 + 2
    assert all(counts[type_code(channel, kind)] == 1 for channel, kind in (("web", "buy"), ("social", "post")))
