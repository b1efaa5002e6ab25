"""Times, days, lengths of time and budgets as values on the command line."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import date
from typing import Any

import click

from scoring.instants import SECOND, parse_duration, parse_timestamp
from streams.backtest.outcomes import parse_time
from streams.views.wording import printable

EPOCH = date(1970, 1, 1)
_BUDGET = re.compile(r"\s*(\d+(?:\.\d+)?)(?:\s+per\s+100\s+a\s+month)?\s*", re.ASCII)


class Parsed(click.ParamType):
    """A value that a function reads from the text; what is not text, such as a default, is taken as it is."""

    def __init__(self, name: str, parse: Callable[[str], Any]) -> None:
        """Prepare.

        Args:
            name: of such a value, as --help shows it.
            parse: reads it, and raises ValueError with a sentence for whom it was typed by.
        """
        self.name = name
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read the value, or end the command with what is wrong with it.

        Args:
            value: text, or a default.
            param: the option.
            ctx: of the call.

        Returns:
            What the function makes of it.
        """
        if not isinstance(value, str):
            return value
        try:
            return self._parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def _now() -> int:
    return time.time_ns() // 1_000


def _moment(text: str) -> int:
    for parse in (parse_timestamp, lambda text: _now() - parse_duration(text)):
        try:
            return parse(text)
        except ValueError:
            continue
    raise ValueError(f"{text!r} is neither a time such as 2026-11-21T09:30:00Z nor an age such as 2h")


def _past(text: str) -> int:
    moment = _moment(text)
    if moment > _now():
        raise ValueError(f"{text!r} is still to come")
    return moment


def _day(text: str) -> int:
    try:
        return (date.fromisoformat(text) - EPOCH).days
    except ValueError:
        raise ValueError(f"{text!r} is not a day such as 2026-11-21") from None


def _budget(text: str) -> float:
    match = _BUDGET.fullmatch(text)
    if match is None or not float(match[1]):
        raise ValueError(f"{text!r} is not a budget such as '10 per 100 a month'")
    return float(match[1])


def _name(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError(f"'{printable(text)}' is not UTF-8, as every id and name is") from None
    return text


#: An id, or the name of a segment.
NAME = Parsed("text", _name)
#: A time such as ``2026-11-21T09:30:00Z``, or ``2h`` for two hours ago; the command gets microseconds since 1970 UTC.
MOMENT = Parsed("time", _moment)
#: The same, not later than now.
PAST = Parsed("time", _past)
#: A time as `parse_time` reads it; the command gets microseconds since 1970 UTC.
INSTANT = Parsed("instant", parse_time)
#: A day such as ``2026-11-21``; the command gets its number, counted from 1970-01-01.
CALENDAR_DAY = Parsed("day", _day)
#: A length of time such as ``30s``; the command gets seconds.
DURATION = Parsed("duration", lambda text: parse_duration(text) / SECOND)
#: Alerts such as ``10 per 100 a month``; the command gets how many for each hundred customers and month.
BUDGET = Parsed("budget", _budget)
