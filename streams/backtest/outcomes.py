"""The file of outcomes: what became of each customer."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path

from scoring.backtest.observations import Customer
from scoring.instants import parse_timestamp
from streams.errors import InvalidOutcomes, why_unreadable

#: The column that has to be there, and those that may.
REQUIRED = "customer_id"
TIMES = ("start", "until", "churned_at")
LABEL = "churned"
_TRUE, _FALSE = {"1", "true", "yes"}, {"0", "false", "no"}
_REPORTED = 10
#: Customers who are named as examples.
MOST_NAMED = 3
_DATE = len("2013-02-01")
_LONGEST_HEADINGS = 10_000


def holds_outcomes(path: Path) -> bool:
    """Distinguish a file of outcomes from one of events: by its name, or by its first line.

    Args:
        path: of a file.
    """
    if path.suffix.lower() == ".csv":
        return True
    with path.open("rb") as file:
        first = file.readline(_LONGEST_HEADINGS).decode("utf-8-sig", "replace")
    return REQUIRED in (word.strip().strip('"') for word in first.split(","))


def read_outcomes(path: Path, within: str = "") -> dict[str, Customer]:
    """Read the outcomes.

    Args:
        path: of a CSV file with a line of headings.
        within: the column whose values are the strata; '' for none.

    Returns:
        The customers by their id.

    Raises:
        InvalidOutcomes: with the problems, if the file is not what it should be.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines, strict=True)
            _check_headings(path, reader.fieldnames or (), within)
            return _Reading(path, within).customers(reader)
    except csv.Error as error:
        raise InvalidOutcomes([f"cannot read {path}: {error}"]) from error
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidOutcomes([f"cannot read {path}: {why_unreadable(error)}"]) from error


def check_met(path: Path, customers: Collection[str], met: Collection[str], strangers: Iterable[str]) -> None:
    """Refuse outcomes of customers of whom there is no event: whatever was said of them would be of nobody.

    Args:
        path: of the file of outcomes.
        customers: that it names.
        met: those of them who have an event.
        strangers: some who have events and are none of them.

    Raises:
        InvalidOutcomes: if nobody of the file has an event.
    """
    if met:
        return
    named, seen = (_some(names) for names in (customers, strangers))
    has = f"EVENTS are of {seen}" if seen else "there is no event that could be read"
    raise InvalidOutcomes(
        [f"{path} has {len(customers):,} customers, such as {named}, and none of them has an event: {has}"]
        if named
        else [f"{path} names no customer"]
    )


def _some(names: Iterable[str]) -> str:
    return ", ".join(repr(name) for name in islice(names, MOST_NAMED))


def _check_headings(path: Path, headings: Sequence[str], within: str) -> None:
    problems = [
        f"{path} has no column {name}; it has {', '.join(headings) or 'none'}"
        for name in (REQUIRED, within)
        if name and name not in headings
    ]
    if problems:
        raise InvalidOutcomes(problems)


class _Reading:
    """Reads the lines, noting each problem and going on."""

    def __init__(self, path: Path, within: str) -> None:
        self._path = path
        self._within = within
        self._problems: list[str] = []

    def customers(self, lines: csv.DictReader[str]) -> dict[str, Customer]:
        found: dict[str, Customer] = {}
        for line in lines:
            row = {name: (value or "").strip() for name, value in line.items() if isinstance(name, str)}
            customer = self._customer(lines.line_num, row)
            if not customer.name:
                self._note(lines.line_num, REQUIRED, "is empty")
            elif customer.name in found:
                self._note(lines.line_num, REQUIRED, f"{customer.name!r} stood in the file before")
            found[customer.name] = customer
        if self._problems:
            more = len(self._problems) - _REPORTED
            raise InvalidOutcomes(self._problems[:_REPORTED] + ([f"and {more:,} more"] if more > 0 else []))
        return found

    def _customer(self, number: int, row: Mapping[str, str]) -> Customer:
        times = {name: self._time(number, name, row.get(name, "")) for name in TIMES}
        churned = self._label(number, row.get(LABEL, ""))
        if times["churned_at"] is not None and churned is None:
            churned = True
        if churned is False and times["churned_at"] is not None:
            self._note(number, "churned_at", f"has a time, but {LABEL} says no")
        return Customer(row[REQUIRED], row.get(self._within, ""), churned=churned, **times)

    def _label(self, number: int, text: str) -> bool | None:
        if not text:
            return None
        if text.lower() not in _TRUE | _FALSE:
            self._note(number, LABEL, f"{text!r} is neither yes (1, true) nor no (0, false)")
        return text.lower() in _TRUE

    def _time(self, number: int, name: str, text: str) -> int | None:
        if not text:
            return None
        try:
            return parse_time(text)
        except ValueError as error:
            self._note(number, name, str(error))
            return None

    def _note(self, number: int, name: str, problem: str) -> None:
        self._problems.append(f"{self._path}:{number}: {name} {problem}")


def parse_time(text: str) -> int:
    """Read a time as a person writes it.

    Args:
        text: RFC 3339, or a date, which is its midnight in UTC.

    Returns:
        Microseconds since 1970.

    Raises:
        ValueError: if it is neither.
    """
    return parse_timestamp(f"{text}T00:00:00Z" if len(text) == _DATE else text)
