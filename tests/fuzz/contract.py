"""What each record should become, from the contract of the events alone: nothing of the product is asked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from tests.fuzz.json_grammar import NotJSONError, TooDeepError, parse

EVENT, OUTDATED = "event", "outdated"
AHEAD = 5 * 60 * 1_000_000
_MOST_BYTES = 256
_MILLISECONDS_FROM = 100_000_000_000
_RFC_3339 = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})([.,][0-9]+)?)?"
    r"(?:[Zz]| ?([+-])([0-9]{2})(?::?([0-9]{2}))?)"
)
_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
# Beyond this a float of milliseconds is none of microseconds any more.
_FLOAT_LIMIT = 1e305


@dataclass(frozen=True)
class Verdict:
    """What a record may become: `event`, `outdated`, or reasons of a dead letter; for an event, its content.

    More than one outcome is allowed only where the contract leaves it to rounding. `time` is exact to a microsecond.
    """

    outcomes: frozenset[str]
    customer: str = ""
    type: str = ""
    time: int = 0
    event_id: str | None = None


class WrongError(Exception):
    """The record is a dead letter; the arguments are the reasons that are right."""


def judge(value: bytes | None, wall: int, appended: int, window: int) -> Verdict:
    """Say what a record should become.

    Args:
        value: of the record.
        wall: the worker's clock, in microseconds.
        appended: when the record was appended, in microseconds.
        window: in microseconds; 0 where no event is too old by itself.
    """
    outcomes = set()
    try:
        body = _body(value)
        customer, kind = _customer(body), _kind(body)
        time, exact = _time(body)
        slack = 0 if exact else 1
        if time + slack > wall + AHEAD:
            outcomes.add("timestamp_in_future")
        if time - slack > wall + AHEAD:
            return Verdict(frozenset(outcomes))
        event_id = _event_id(body)
    except WrongError as wrong:
        return Verdict(frozenset(outcomes.union(wrong.args)))
    return Verdict(frozenset(outcomes | _ages(time, slack, appended, window)), customer, kind, time, event_id)


def _ages(time: int, slack: int, appended: int, window: int) -> set[str]:
    if not window:
        return {EVENT}
    young, old = time + slack >= appended - window, time - slack < appended - window
    return {name for name, right in ((EVENT, young), (OUTDATED, old)) if right}


def _body(value: bytes | None) -> dict[str, Any]:
    if not value:
        raise WrongError("empty_value")
    try:
        text = value.decode("utf-8", "strict")
    except UnicodeDecodeError:
        raise WrongError("invalid_utf8") from None
    try:
        body = parse(text)
    except NotJSONError:
        raise WrongError("not_json") from None
    except TooDeepError:
        raise WrongError("nested_too_deep", *_also_wrong(text)) from None
    if not isinstance(body, dict):
        raise WrongError("not_an_object")
    return body


def _also_wrong(text: str) -> list[str]:
    """Look behind what is nested too deep: where the rest is wrong, too, either may be said."""
    try:
        parse(text, len(text))
    except NotJSONError:
        return ["not_json"]
    return []


def _customer(body: dict[str, Any]) -> str:
    customer = body.get("customer_id")
    if customer is None:
        raise WrongError("customer_id_missing")
    if not isinstance(customer, str):
        raise WrongError("customer_id_not_a_string")
    if customer == "":
        raise WrongError("customer_id_empty")
    if len(customer.encode()) > _MOST_BYTES:
        raise WrongError("customer_id_too_long")
    return customer


def _kind(body: dict[str, Any]) -> str:
    kind = body.get("type")
    if kind is None or kind == "":
        raise WrongError("type_missing")
    if not isinstance(kind, str):
        raise WrongError("type_not_a_string")
    return kind


def _event_id(body: dict[str, Any]) -> str | None:
    event_id = body.get("event_id")
    if event_id is None or event_id == "":
        return None
    if isinstance(event_id, bool) or not isinstance(event_id, str | int):
        raise WrongError("event_id_not_a_string")
    return str(event_id)


def _time(body: dict[str, Any]) -> tuple[int, bool]:
    """Give the time in microseconds, and whether it needed no rounding."""
    value = body.get("timestamp")
    if value is None:
        raise WrongError("timestamp_missing")
    if isinstance(value, str):
        time = _from_rfc_3339(value)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        if value > _FLOAT_LIMIT:
            raise WrongError("timestamp_in_future", "timestamp_invalid")
        time = Fraction(value) * (1_000 if value >= _MILLISECONDS_FROM else 1_000_000)
    else:
        raise WrongError("timestamp_invalid")
    if round(time) < 0:
        raise WrongError("timestamp_invalid")
    return round(time), time == round(time)


def _from_rfc_3339(text: str) -> Fraction:
    found = _RFC_3339.fullmatch(text)
    if found is None:
        raise WrongError("timestamp_invalid")
    year, month, day, hour, minute, second = [int(digits or 0) for digits in found.groups()[:6]]
    off_hours, off_minutes = int(found[9] or 0), int(found[10] or 0)
    # A leap second counts as the second before it.
    right = hour < 24 and minute < 60 and second <= 60 and off_hours < 24 and off_minutes < 60
    right = right and year >= 1 and 1 <= month <= 12 and 1 <= day <= _days_of(year, month)
    if not right:
        raise WrongError("timestamp_invalid")
    offset = (off_hours * 60 + off_minutes) * (-60 if found[8] == "-" else 60)
    seconds = ((_day_number(year, month, day) * 24 + hour) * 60 + minute) * 60 + min(second, 59) - offset
    fraction = Fraction((found[7] or "0").replace(",", ".")[:100])
    return (seconds + fraction) * 1_000_000


def _days_of(year: int, month: int) -> int:
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 29 if month == 2 and leap else _DAYS[month - 1]


def _day_number(year: int, month: int, day: int) -> int:
    """Count the days from 1970 on."""
    before = year - 1
    leap_days = before // 4 - before // 100 + before // 400
    days = before * 365 + leap_days + sum(_days_of(year, earlier) for earlier in range(1, month)) + day - 1
    return days - 719_162
