"""How the visits of a pane are written: short, as Redis keeps values of at most 64 bytes compact.

A visit is the second at which it began, counted from the start of the pane; after a dot its length in seconds; after
another its pages. What is 0 seconds long with one page is its beginning alone. Visits are separated by commas,
numbers are in base 64: a day's visit takes four characters if it was a single page, and mostly seven otherwise.

Rests on decision 9.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from scoring.instants import SECOND
from scoring.rules.sessions import Visit

_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_"
_VALUES: Final = {digit: value for value, digit in enumerate(_DIGITS)}


def encode_visits(visits: Sequence[Visit], pane_start: int) -> str:
    """Write the visits of a pane.

    Args:
        visits: in the order of their time.
        pane_start: microseconds.

    Returns:
        As above.
    """
    start = pane_start // SECOND
    words = []
    for first, last, pages in visits:
        word = _number(first - start)
        if last != first or pages != 1:
            word += f".{_number(last - first)}.{_number(pages)}"
        words.append(word)
    return ",".join(words)


def decode_visits(words: str, pane_start: int) -> list[Visit]:
    """Read the visits of a pane back."""
    start = pane_start // SECOND
    visits = []
    for word in words.split(","):
        first, dot, rest = word.partition(".")
        length, _, pages = rest.partition(".")
        begun = start + _value(first)
        visits.append(Visit(begun, begun + _value(length), _value(pages)) if dot else Visit(begun, begun, 1))
    return visits


def _number(value: int) -> str:
    digits = _DIGITS[value & 63]
    value >>= 6
    while value:
        digits = _DIGITS[value & 63] + digits
        value >>= 6
    return digits


def _value(digits: str) -> int:
    if not digits:
        raise ValueError("a number without digits")
    value = 0
    for digit in digits:
        value = value << 6 | _VALUES[digit]
    return value
