"""The sums of which measures over all customers are made: what one customer adds to them, and how they forget.

What the codes of a customer count is added up by pane: a pane that is too old falls out of the sums with all customers
at once, and nobody has to be touched for it. The sums have these fields; `pane` is the number of one:

| field | content |
| --- | --- |
| `m<pane>.<code>` | sum of the counts or amounts under the code; of each amount, what its whole billions leave |
| `b<pane>.<code>` | sum of the whole billions of each customer's amount |
| `c<pane>.<holders>` | change in the pane in the number of those who have any of some codes in so many panes |
| `^<pane>.<code>` | the newest of the amounts whose way is ``latest``: the largest, as it begins with its time |
| `k<pane>.<code>` | sum of what the cap lets count of each customer's count or amount |
| `v<pane>.<channel><letter>` | sessions, see `scoring.rules.session_sums` |

`holders` may also be the name of a regularity or a funnel, and the index of the word or the step. After a `@` follows
the index of the band that the customers were in on the day. Billions apart, as an amount may take 60 bits and a field
of Redis has 63 of them.

Rests on decisions 21, 100 and 120.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from scoring.rules.details import is_type
from scoring.rules.regularity import regularity_changes
from scoring.rules.tally import Holders, Panes, Tally

#: Marks the field of a value of which the largest stays, instead of being added up.
NEWEST: Final = "^"
BILLION: Final = 10**9
#: The pane to which changes are folded that are too old to be told apart.
FOLDED: Final = 0


def tally_panes(tally: Tally, panes: Panes, kept_from: int = 0, band: str = "") -> dict[str, int]:
    """Return what a customer adds to the sums by counts and amounts altogether.

    Args:
        tally: by which the customer is counted.
        panes: of the customer; where a band is given, those of the time in the band.
        kept_from: the first pane that the customer keeps, where figures are counted by the day.
        band: what the fields of a band end in, '' for none.

    Returns:
        By field.
    """
    found: dict[str, int] = {}
    for pane, counts in panes.items():
        for code in tally.codes:
            amount = counts.get(code, 0)
            billions = 0 if is_type(code) else amount // BILLION
            found[f"m{pane}.{code}{band}"] = amount - billions * BILLION
            found[f"b{pane}.{code}{band}"] = billions
        for code, cap in tally.capped:
            found[f"k{pane}.{code}{band}"] = capped(code, counts.get(code, 0), cap)
        if not band:
            for code in tally.latest:
                found[f"{NEWEST}{pane}.{code}"] = counts.get(code, 0)
    for holders in tally.holders:
        held = sorted([pane for pane, counts in panes.items() if holders.among(counts)])
        _add_holder(found, holders.name + band, holders.panes, held, tally.settled(holders.panes, kept_from))
    if not band:
        found |= _regular(tally, panes, kept_from) | _passed(tally, panes, kept_from)
    return {field: amount for field, amount in found.items() if amount}


def _regular(tally: Tally, panes: Panes, kept_from: int) -> dict[str, int]:
    found: dict[str, int] = {}
    for holders in tally.regular:
        held = sorted([pane for pane, counts in panes.items() if holders.among(counts)])
        if held:
            start = tally.settled(holders.panes, kept_from)
            found |= regular_fields(holders, held, tally.pane, start, held[-1] + holders.panes)
    return found


def _passed(tally: Tally, panes: Panes, kept_from: int) -> dict[str, int]:
    found: dict[str, int] = {}
    for funnel in tally.funnels:
        for name, begun in zip(funnel.names, funnel.held(panes), strict=True):
            _add_holder(found, name, funnel.panes, sorted(begun), tally.settled(funnel.panes, kept_from))
    return found


def capped(code: str, count: int, cap: int) -> int:
    """Give how much of what stands in a pane a cap lets count.

    Args:
        code: of a type, or of an amount: of this the cap holds on either side of 0.
        count: of the pane.
        cap: the most that counts.
    """
    counted = min(count, cap)
    return counted if is_type(code) else max(counted, -cap)


def regular_fields(holders: Holders, held: Sequence[int], pane: int, start: int, end: int) -> dict[str, int]:
    """Return what a customer adds to the numbers of those who are regular, from one pane to another.

    Args:
        holders: whose regularity it is.
        held: the panes with any of their codes, in order.
        pane: the length of one, in microseconds.
        start: the first pane as of which to tell; what the customer is then is added there.
        end: the last one.

    Returns:
        By field.
    """
    changes = regularity_changes(held, holders.panes, pane, start, end)
    return {f"c{at}.{holders.name}{index}": change for (at, index), change in changes.items()}


def _add_holder(found: dict[str, int], name: str, span: int, panes: Sequence[int], settled: int) -> None:
    """Add where a customer becomes a holder and where that ends; what is settled stays as it is."""
    begun = end = -1
    for pane in (*panes, -1):
        if end >= 0 and not 0 <= pane <= end:
            if end > settled:
                found[f"c{max(begun, settled)}.{name}"] = 1
                found[f"c{end}.{name}"] = -1
            end = -1
        if end < 0:
            begun = pane
        end = pane + span


def archive(fields: Mapping[str, int], changes: Mapping[str, int]) -> dict[str, int]:
    """Return the additions that keep elsewhere what sums forget: both together stay what they were.

    Args:
        fields: of the sums.
        changes: what is done to them, see `folding`.

    Returns:
        What to do to the others.
    """
    return {field: fields[field] if field[0] == NEWEST else -change for field, change in changes.items()}


def folding(
    fields: Mapping[str, int], kept_from: int, told_from: int, sessions_from: int | None = None
) -> dict[str, int]:
    """Return the additions by which sums forget panes, and the measures of later ones stay.

    Args:
        fields: of sums.
        kept_from: the first pane whose counts are kept.
        told_from: the first pane of which measures are reported.
        sessions_from: the first pane whose sessions are kept; by default `kept_from`.

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
        elif pane < (kept_from if kind != "v" or sessions_from is None else sessions_from):
            changes[field] = 0 if kind == NEWEST else -count
    return {field: count for field, count in changes.items() if count or field[0] == NEWEST}
