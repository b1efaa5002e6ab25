"""The fields of the figures over all customers, and what one customer's days and changes of band add to them.

Figures over all customers are sums of what each customer adds to them. A sum has a field for each thing that is
counted; the days are numbered from 1970-01-01, UTC:

| field | counts |
| --- | --- |
| `d<day>` | customers active on the day |
| `w<day>` | change on the day in the number of customers active in the 7 days up to and with it |
| `n<day>` | customers who were active for the first time |
| `r<day>` | customers who are back: active again after 30 days or more without |
| `l<day>` | customers who are lost: it is 30 days since they were active last |
| `s<start>.<end>` | spells: from the first day or the return of a customer to the day of the loss |
| `f<day>.<from><to>` | changes of band, by the indexes of the bands; `-` for a new customer, who had none |

The customers of a day are those active in the 30 days up to and with it. So their number is the sum of `n` + `r` - `l`
up to that day, and the number of those who were there on one day and stayed until another follows from the spells.

Rests on decision 15.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

WEEK: Final = 7
MONTH: Final = 30
NOBODY: Final = -1
BAND_COUNT: Final = 5
_MARKS: Final = "-01234"
# A field is a number until it is stored, as most of them are added up with others first: days, then the kind.
_KINDS: Final = 8
_LETTERS: Final = "dwnrl"
ACTIVE: Final = 0
WEEKLY: Final = 1
NEW: Final = 2
RETURNED: Final = 3
LOST: Final = 4
_SPELL: Final = 5
_FLOW: Final = 6
_PAIRS: Final = 32
_DAYS: Final = 1 << 20


def day_field(day: int, kind: int) -> int:
    """Give the number of a field that counts something of a day.

    Args:
        day: its number.
        kind: `ACTIVE`, `WEEKLY`, `NEW`, `RETURNED` or `LOST`.
    """
    return day * _KINDS + kind


def spell_field(start: int, end: int) -> int:
    """Give the number of the field of a spell.

    Args:
        start: its first day.
        end: the day of the loss.
    """
    return (start * _DAYS + end) * _KINDS + _SPELL


def flow_field(day: int, before: int, band: int) -> int:
    """Give the number of the field of a change of band.

    Args:
        day: of the change.
        before: the index of the band that is left; `NOBODY` for a new customer.
        band: the index of the one that is entered.
    """
    return (day * _PAIRS + (before + 1) * BAND_COUNT + band) * _KINDS + _FLOW


def gain(gains: dict[int, int], field: int, count: int) -> None:
    """Add to a field; what comes to 0 is left out.

    Args:
        gains: by field; changed.
        field: its number.
        count: to add.
    """
    total = gains.get(field, 0) + count
    if total:
        gains[field] = total
    else:
        del gains[field]


def total_gains(days: Sequence[int], changes: Iterable[tuple[int, int]]) -> dict[int, int]:
    """Return what a customer adds to the sums altogether.

    Args:
        days: on which the customer was active, in order.
        changes: of band, in order: the day and the index of the band that was entered.

    Returns:
        By the number of the field.
    """
    gains: dict[int, int] = {}
    week_begins = begins = before = NOBODY
    for day in days:
        gains[day_field(day, ACTIVE)] = 1
        if before < 0 or day > before + WEEK:
            _gain_week(gains, week_begins, before)
            week_begins = day
        if before < 0 or day > before + MONTH:
            _gain_spell(gains, begins, before, days[0])
            begins = day
        before = day
    _gain_week(gains, week_begins, before)
    _gain_spell(gains, begins, before, days[0] if days else NOBODY)
    band = NOBODY
    for day, entered in changes:
        gain(gains, flow_field(day, band, entered), 1)
        band = entered
    return gains


def _gain_week(gains: dict[int, int], begins: int, last: int) -> None:
    if last >= 0:
        gain(gains, day_field(begins, WEEKLY), 1)
        gain(gains, day_field(last + WEEK, WEEKLY), -1)


def _gain_spell(gains: dict[int, int], begins: int, last: int, first: int) -> None:
    if last >= 0:
        gain(gains, day_field(begins, NEW if begins == first else RETURNED), 1)
        gain(gains, day_field(last + MONTH, LOST), 1)
        gain(gains, spell_field(begins, last + MONTH), 1)


def named(gains: dict[int, int]) -> dict[str, int]:
    """Give gains the names under which they are stored.

    Args:
        gains: of one customer, or of several added up.

    Returns:
        By field.
    """
    return {_name(key): count for key, count in gains.items()}


def _name(key: int) -> str:
    day, kind = key // _KINDS, key % _KINDS
    if kind == _SPELL:
        return f"s{day // _DAYS}.{day % _DAYS}"
    if kind == _FLOW:
        pair = day % _PAIRS
        return f"f{day // _PAIRS}.{_MARKS[pair // BAND_COUNT]}{pair % BAND_COUNT}"
    return f"{_LETTERS[kind]}{day}"
