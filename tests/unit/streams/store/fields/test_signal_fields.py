"""What a customer keeps of signals when a rebuild replaces it, and what is compared."""

from __future__ import annotations

import pytest

from streams.policy_file.document import parse_policy
from streams.store.fields.customer_writing import encode
from streams.store.fields.signal_fields import SIGNALS, kept_signals, signal_facts
from streams.store.protocol import CustomerRecord
from streams.store.redis.merging import merge_days
from tests.unit.scoring.customers import POLICY, Customer, policy_with

CART = '[signals.cart]\nafter = "web.view"\nwithout = "web.buy"\nwithin = "1h"'
SINCE_ALWAYS, SINCE_A_TIME = '["AbCd",-1]', '["AbCd",1700000000000000]'


@pytest.mark.parametrize(
    ("live", "whole", "kept"),
    [
        (SINCE_ALWAYS, True, False),
        (SINCE_ALWAYS, False, True),
        (SINCE_A_TIME, True, True),
        (SINCE_A_TIME, False, True),
        ("nonsense", True, False),
        ("[1]", True, False),
    ],
)
def test_the_live_field_stays_where_the_log_or_the_policy_knows_less(live: str, *, whole: bool, kept: bool) -> None:
    assert kept_signals({SIGNALS: live}, whole=whole) == ({SIGNALS: live} if kept else {})
    merged = merge_days({"_v": "a", SIGNALS: live}, {"_v": "b", SIGNALS: "anew"}, None if whole else 0)
    assert merged.fields.get(SIGNALS) == (live if kept else None)


def test_who_has_no_field_keeps_none() -> None:
    assert kept_signals({}, whole=False) == {}


def test_what_waits_and_is_open_is_compared_where_both_have_had_the_signals_all_the_time() -> None:
    anna, ben, cleo = (Customer(parse_policy(f"{POLICY}\n{CART}")) for _ in range(3))
    for one in (anna, ben):
        one.do("view", "01 10:00")
    anna.judge("01 11:00")
    cleo.policy = policy_with()
    cleo.do("view", "01 10:00")
    cleo.policy = policy_with(('"by-hand"', '"next"'), text=f"{POLICY}\n{CART}")
    cleo.judge("01 11:00")

    open_one, waits = signal_facts(anna.state, ben.state)
    assert list(open_one.values()) == [["2024-01-01T11:00:00Z"]]
    assert list(waits.values()) == [["2024-01-01T10:00:00Z"]]
    assert open_one.keys() != waits.keys()
    assert signal_facts(anna.state, cleo.state) == [{}, {}]


def test_without_signals_no_field_is_written() -> None:
    anna = Customer()
    anna.do("view", "01 10:00")
    assert SIGNALS not in encode(anna.policy, CustomerRecord(anna.state), "a")[0]
