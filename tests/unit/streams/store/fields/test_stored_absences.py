"""An open absence is stored as its last active day and the ids of linked alerts, as earlier versions stored it."""

from __future__ import annotations

import pytest

from scoring.customer.episodes import Report
from scoring.instants import DAY
from scoring.judging.absence_judging import pin_absence
from scoring.judging.alerts import message
from scoring.judging.moment import Moment
from scoring.judging.walk import advance
from scoring.rules.absence import WHOLE_DAY, SegmentClock
from streams.store.fields.customer_reading import decode
from streams.store.fields.customer_writing import encode
from streams.store.protocol import CustomerRecord
from tests.unit.scoring.customers import Customer, at, policy_with

POLICY = policy_with(('cooldown = "12h"', 'cooldown = "12h"\nabsence = {}'))
FIRST = at("01 00:00") // DAY
CLOCKS = {"": SegmentClock(FIRST, [day * WHOLE_DAY for day in range(20)])}
ONE, TWO = "6b465a79-df69-5fdd-82aa-fa76d6630461", "1e0a8c1b-3f55-5d0c-8c53-7f2f6f0c0e11"


def stored(record: CustomerRecord) -> dict[str, str]:
    words, _ = encode(POLICY, record, "v")
    return dict(zip(words[::2], words[1::2], strict=True))


def absent() -> Customer:
    """Give a customer who came on the 1st and has been reported since."""
    anna = Customer(POLICY)
    anna.do("post", "01 09:00")
    now = at("08 00:00")
    anna.transitions += advance(POLICY, anna.state, (), Moment(now, clocks=CLOCKS)).transitions
    return anna


def returned(record: CustomerRecord) -> list[str]:
    """Give the ids that the message closes which is raised as the customer comes back."""
    anna = Customer(POLICY)
    anna.state = record.state
    anna.do("post", "08 09:00")
    [back] = anna.transitions
    closed: list[str] = message("anna", back, 0, POLICY.version)["closes"]
    return closed


def with_field(fields: dict[str, str], open_: int, made: str) -> dict[str, str]:
    segment, within, told, _, settled, since, due, _ = fields["_b"].split(";")
    return {**fields, "_b": ";".join((segment, within, told, str(open_), settled, since, due, made))}


def test_an_open_absence_comes_back_as_it_was_stored_and_closes_its_alert() -> None:
    anna = absent()
    [alert] = anna.transitions
    fields = stored(CustomerRecord(anna.state))
    assert fields["_b"].split(";")[3::4] == [str(FIRST), ""]

    assert returned(decode(POLICY, fields)) == [message("anna", alert, 0, POLICY.version)["alert_id"]]


def test_the_alert_of_a_linked_id_is_stored_by_the_id_that_it_had_and_closed_under_it() -> None:
    anna = absent()
    [alert] = anna.transitions
    made = message("cookie", alert, 0, POLICY.version, "brand")["alert_id"]
    pin_absence(anna.state, "cookie", "brand")
    fields = stored(CustomerRecord(anna.state))
    assert fields["_b"].split(";")[3::4] == [str(FIRST), made]

    assert returned(decode(POLICY, fields)) == [made]


@pytest.mark.parametrize(("open_", "made"), [(-1, ""), (FIRST, ""), (FIRST, ONE), (FIRST, f"{ONE},{TWO}")])
def test_what_an_earlier_version_stored_is_read_and_stored_alike(open_: int, made: str) -> None:
    fields = with_field(stored(CustomerRecord(absent().state)), open_, made)
    record = decode(POLICY, fields)
    record.state.policy_version = ""
    expected = [Report("absent", FIRST * DAY, each) for each in made.split(",")] if open_ > 0 else []

    assert record.state.absence is not None
    assert list(record.state.absence.reports) == expected
    record.absence = ""
    assert stored(record)["_b"] == fields["_b"]
