"""What one customer contributes to the totals from which measures over all customers are computed.

A measure over all customers is that of all their events together. So what its codes count is added up by pane: one
that is too old falls out of the sums with all customers at once, and nobody has to be touched for it. The sums have
these fields; `pane` is the number of one:

| field | content |
| --- | --- |
| `m<pane>.<code>` | sum of the counts or amounts under the code; of each amount, what its whole billions leave |
| `b<pane>.<code>` | sum of the whole billions of each customer's amount |
| `c<pane>.<holders>` | change in the pane in the number of those who have any of some codes in so many panes |
| `^<pane>.<code>` | the newest of the amounts whose way is ``latest``: the largest, as it begins with its time |

Billions apart, as an amount may take 60 bits and a field of Redis has 63 of them.

Rests on decision 21.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from scoring.rules.details import is_latest, is_type
from scoring.rules.measures import SHARE, SUMMED, Measure

#: Counts and amounts by pane and code.
Panes = Mapping[int, Mapping[str, int]]
#: Marks the field of a value of which the largest stays, instead of being added up.
NEWEST: Final = "^"
BILLION: Final = 10**9
#: The pane to which changes are folded that are too old to be told apart.
FOLDED: Final = 0
_WIDTH: Final = 4
_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_"


@dataclass(frozen=True, slots=True)
class Holders:
    """The customers who have any of some codes in so many panes up to and with the present one.

    `name` stands for both in the fields of the sums.
    """

    codes: tuple[str, ...]
    panes: int
    name: str

    def among(self, counts: Mapping[str, int]) -> bool:
        """Tell whether a pane has any of the codes.

        Args:
            counts: of the pane, by code.
        """
        return any(code in counts for code in self.codes)


@dataclass(frozen=True, slots=True)
class Tally:
    """What is added up: `codes` by pane, of `latest` the newest value, and how many `holders` there are.

    `text` says the same, to be stored with each customer: a customer who leaves takes along exactly what was added.
    """

    codes: tuple[str, ...] = ()
    latest: tuple[str, ...] = ()
    holders: tuple[Holders, ...] = ()
    text: str = ""


#: Nothing is added up.
NOTHING: Final = Tally()


def tally_of(measures: Iterable[Measure]) -> Tally:
    """Find what has to be added up for measures.

    Args:
        measures: of a policy.

    Returns:
        What their numerators and denominators are made of. Where a measure is not one of the kinds that can be added
        up (days, sessions, regularity), nothing of it.
    """
    codes: set[str] = set()
    held: set[tuple[tuple[str, ...], int]] = set()
    for measure in measures:
        if measure.form in SUMMED:
            codes.update((*measure.of, *measure.less, *measure.to))
            held.update(held_by(measure))
    return _tally(sorted(codes), sorted(held))


def held_by(measure: Measure) -> tuple[tuple[tuple[str, ...], int], ...]:
    """Tell which customers a measure counts: who has any of some codes in so many panes.

    Args:
        measure: of the policy.

    Returns:
        Without a denominator, who has a value. Of a share, who has any of `to`, any of `of`, and any of either: the
        first two less the third are those who have both.
    """
    chosen: list[tuple[str, ...]] = []
    if measure.form == SHARE:
        chosen = [measure.to, measure.of, (*measure.of, *measure.to)]
    elif not measure.to:
        chosen = [(*measure.of, *measure.less)]
    return tuple([(tuple(sorted(set(codes))), measure.panes) for codes in chosen])


def holders_name(codes: Sequence[str], panes: int) -> str:
    """Make the name of holders.

    Args:
        codes: in their order.
        panes: in how many.

    Returns:
        Eight characters: 48 bits of a BLAKE2b digest.
    """
    digest = hashlib.blake2b(f"{panes}.{''.join(codes)}".encode(), digest_size=6).digest()
    return base64.urlsafe_b64encode(digest).decode()


@lru_cache(maxsize=256)
def parse_tally(text: str) -> Tally:
    """Read a tally back.

    Args:
        text: of the tally.

    Returns:
        The tally.

    Raises:
        ValueError: if no tally has been written so.
    """
    if not text:
        return NOTHING
    words, *rest = text.split(";")
    codes = [words[at : at + _WIDTH] for at in range(0, len(words), _WIDTH)]
    if not codes or len(codes[-1]) != _WIDTH:
        raise ValueError("half a code")
    held = []
    width = _width(len(codes))
    for each in rest:
        panes, _, indexes = each.partition(".")
        chosen = [_number(indexes[at : at + width]) for at in range(0, len(indexes), width)]
        if max(chosen) >= len(codes):
            raise ValueError("a code that is not there")
        held.append((tuple([codes[index] for index in chosen]), int(panes)))
    return _tally(codes, held)


def _tally(codes: Sequence[str], held: Sequence[tuple[tuple[str, ...], int]]) -> Tally:
    if not codes:
        return NOTHING
    width = _width(len(codes))
    text = "".join(codes)
    for chosen, panes in held:
        text += f";{panes}." + "".join([_digits(codes.index(code), width) for code in chosen])
    holders = tuple([Holders(chosen, panes, holders_name(chosen, panes)) for chosen, panes in held])
    latest = tuple([code for code in codes if is_latest(code)])
    return Tally(tuple([code for code in codes if not is_latest(code)]), latest, holders, text)


def _width(count: int) -> int:
    width = 1
    while len(_DIGITS) ** width < count:
        width += 1
    return width


def _digits(number: int, width: int) -> str:
    digits = ""
    for _ in range(width):
        digits = _DIGITS[number % len(_DIGITS)] + digits
        number //= len(_DIGITS)
    return digits


def _number(digits: str) -> int:
    number = 0
    for digit in digits:
        number = number * len(_DIGITS) + _DIGITS.index(digit)
    return number


def tally_panes(tally: Tally, panes: Panes) -> dict[str, int]:
    """Tell what a customer adds to the sums altogether.

    Args:
        tally: by which the customer is counted.
        panes: of the customer.

    Returns:
        By field.
    """
    found: dict[str, int] = {}
    for pane, counts in panes.items():
        for code in tally.codes:
            amount = counts.get(code, 0)
            billions = 0 if is_type(code) else amount // BILLION
            found[f"m{pane}.{code}"] = amount - billions * BILLION
            found[f"b{pane}.{code}"] = billions
        for code in tally.latest:
            found[f"{NEWEST}{pane}.{code}"] = counts.get(code, 0)
    for holders in tally.holders:
        _add_holder(found, holders, sorted([pane for pane, counts in panes.items() if holders.among(counts)]))
    return {field: amount for field, amount in found.items() if amount}


def _add_holder(found: dict[str, int], holders: Holders, panes: Sequence[int]) -> None:
    """Add where a customer becomes a holder and where that ends."""
    end = -1
    for pane in panes:
        if pane > end:
            if end >= 0:
                found[f"c{end}.{holders.name}"] = -1
            found[f"c{pane}.{holders.name}"] = 1
        end = pane + holders.panes
    if end >= 0:
        found[f"c{end}.{holders.name}"] = -1


def folding(fields: Mapping[str, int], kept_from: int, told_from: int) -> dict[str, int]:
    """Tell how to make sums forget panes, without a change to the measures of later ones.

    Args:
        fields: of sums.
        kept_from: the first pane whose counts are kept.
        told_from: the first pane of which measures are told.

    Returns:
        What to do to them: what is earlier becomes 0, and the number of holders that there were goes to the pane
        `FOLDED`.
    """
    changes: dict[str, int] = {}
    for field, count in fields.items():
        kind, (words, _, name) = field[0], field[1:].partition(".")
        pane = int(words)
        if kind == "c":
            if FOLDED < pane <= told_from:
                changes[field] = changes.get(field, 0) - count
                folded = f"c{FOLDED}.{name}"
                changes[folded] = changes.get(folded, 0) + count
        elif pane < kept_from:
            changes[field] = 0 if kind == NEWEST else -count
    return {field: count for field, count in changes.items() if count or field[0] == NEWEST}
