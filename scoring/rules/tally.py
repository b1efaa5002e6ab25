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
| `k<pane>.<code>` | sum of what the cap lets count of each customer's count or amount |
| `v<pane>.<channel><letter>` | sessions, see `scoring.rules.session_sums` |

`holders` may also be the name of a regularity or a funnel, and the index of the word or the step. After a `@` follows
the index of the band that the customers were in on the day. Billions apart, as an amount may take 60 bits and a field
of Redis has 63 of them.

Rests on decisions 21, 100 and 120.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from scoring.instants import SECOND
from scoring.rules.details import is_latest, is_type
from scoring.rules.figure_rules import NO_CHANNELS, NO_PANES, NO_RULES, CountedChannel, CountedPanes, FigureRules
from scoring.rules.funnels import Steps, depths
from scoring.rules.measures import REGULARITY, SESSION_FORMS, SHARE, SUMMED, Measure
from scoring.rules.regularity import regularity_changes
from scoring.rules.tally_text import Held, Parts, read_parts, write_parts

#: Counts and amounts by pane and code.
Panes = Mapping[int, Mapping[str, int]]
#: Marks the field of a value of which the largest stays, instead of being added up.
NEWEST: Final = "^"
BILLION: Final = 10**9
#: What tells the name of a regularity from that of holders; no code is so short.
REGULAR: Final = "r"
#: The pane to which changes are folded that are too old to be told apart.
FOLDED: Final = 0


@dataclass(frozen=True, slots=True)
class Holders:
    """The customers who have any of some codes in so many panes up to and with the present one.

    `name` stands for both in the fields of the sums.
    """

    codes: tuple[str, ...]
    panes: int
    name: str

    def among(self, counts: Mapping[str, int]) -> bool:
        """Return whether a pane has any of the codes.

        Args:
            counts: of the pane, by code.
        """
        return any(code in counts for code in self.codes)


@dataclass(frozen=True, slots=True)
class Passers:
    """The customers who pass the steps of a funnel, and took the first in so many panes up to and with the present one.

    `names` stand for those of each step in the fields of the sums.
    """

    steps: Steps
    within: int
    panes: int
    names: tuple[str, ...]

    def held(self, panes: Panes) -> list[set[int]]:
        """Return the panes from which a customer passes each step.

        Args:
            panes: of the customer.
        """
        found = depths(self.steps, self.within, panes)
        return [{pane for pane, depth in found.items() if depth > step} for step in range(len(self.steps))]


@dataclass(frozen=True, slots=True)
class Tally:
    """What is added up: `codes` by pane, of `latest` the newest value, and how many `holders` there are.

    `text` says the same, to be stored with each customer: a customer who leaves takes along exactly what was added.
    Where figures are counted by the day, `pane` is the length of one in microseconds, else 0, and `kept` how many a
    customer keeps; of `regular` holders it is counted how regular they are, of `funnels` who passes their steps, of
    `capped` codes how much their caps let count, of channels (by their stored codes, with the pause in seconds) their
    `sessions`; and all but regularity and funnels `by_band`, too.
    """

    codes: tuple[str, ...] = ()
    latest: tuple[str, ...] = ()
    holders: tuple[Holders, ...] = ()
    text: str = ""
    pane: int = 0
    kept: int = 0
    regular: tuple[Holders, ...] = ()
    funnels: tuple[Passers, ...] = ()
    capped: tuple[tuple[str, int], ...] = ()
    sessions: tuple[tuple[str, int], ...] = ()
    by_band: bool = False

    def settled(self, span: int, kept_from: int) -> int:
        """Give the first pane as of which a span of panes can still be read from what a customer keeps.

        Args:
            span: how many panes.
            kept_from: the first pane that is kept.
        """
        return kept_from + span - 1 if self.pane else 0

    def session_start(self, pause: int, kept_from: int) -> int:
        """Give the first pane of whose sessions it is known whether they began there.

        Args:
            pause: what ends a session, in seconds.
            kept_from: the first pane that is kept.
        """
        return kept_from - -pause * SECOND // self.pane

    def sessions_from(self, kept_from: int) -> int:
        """Give the first pane of which this is known of all sessions.

        Args:
            kept_from: the first pane that is kept.
        """
        return max([self.session_start(pause, kept_from) for _, pause in self.sessions], default=kept_from)


#: Nothing is added up.
NOTHING: Final = Tally()


def tally_of(
    measures: Iterable[Measure],
    rules: FigureRules = NO_RULES,
    counted: CountedPanes = NO_PANES,
    channels: Iterable[CountedChannel] = NO_CHANNELS,
) -> Tally:
    """Find what has to be added up for measures, and for what the policy wants by the day.

    Args:
        measures: of a policy.
        rules: of the policy.
        counted: the panes of the policy.
        channels: of the policy.

    Returns:
        What the numerators and denominators of the measures are made of, and the rest by the rules. Of a measure that
        counts days nothing; of sessions and regularity only by the day.
    """
    codes: set[str] = set()
    held: set[Held] = set()
    regular: set[Held] = set()
    sessions: set[tuple[str, int]] = set()
    capped: set[tuple[str, int]] = set()
    for measure in measures:
        if measure.form in SUMMED:
            codes.update((*measure.of, *measure.less, *measure.to))
            held.update(held_by(measure))
        elif rules.by_day and measure.form == REGULARITY:
            codes.update(measure.of)
            regular.add((tuple(sorted(set(measure.of))), measure.panes))
        elif rules.by_day and measure.form in SESSION_FORMS:
            sessions.add((measure.channel, measure.pause))
    codes.update([code for funnel in rules.funnels for step in funnel.steps for code in step])
    for channel in channels:
        if rules.by_band:
            codes.update(channel.every)
        if rules.by_channel:
            codes.update(channel.weighted)
            capped.update(channel.capped)
            if channel.earning:
                codes.update(channel.earning)
                held.update([(channel.earning, span) for span in counted.spans().values()])
    parts = Parts(sorted(codes), sorted(held))
    if rules.daily and (codes or sessions):
        parts.pane, parts.kept, parts.by_band = counted.pane, counted.kept, rules.by_band
        parts.regular, parts.capped, parts.sessions = sorted(regular), sorted(capped), sorted(sessions)
        parts.funnels = sorted(
            {(each.steps, each.panes, span) for each in rules.funnels for span in counted.funnel_spans}
        )
    return _tally(parts)


def held_by(measure: Measure) -> tuple[tuple[tuple[str, ...], int], ...]:
    """Return which customers a measure counts: those with any of some codes in so many panes.

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


def regular_name(codes: Iterable[str], panes: int) -> str:
    """Make the name of a regularity, after which its index follows.

    Args:
        codes: in any order.
        panes: over how many.
    """
    return holders_name((*sorted(set(codes)), REGULAR), panes)


def funnel_name(steps: Steps, within: int, panes: int) -> str:
    """Make the name of a funnel, after which the index of a step follows.

    Args:
        steps: codes, in any order within a step.
        within: how many panes.
        panes: in how many customers count once.
    """
    return holders_name(("f", str(within), *[";" + ",".join(sorted(step)) for step in steps]), panes)


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
    return _tally(read_parts(text)) if text else NOTHING


def _tally(parts: Parts) -> Tally:
    text = write_parts(parts)
    if not text:
        return NOTHING
    return Tally(
        tuple([code for code in parts.codes if not is_latest(code)]),
        tuple([code for code in parts.codes if is_latest(code)]),
        _holders(parts.held, ""),
        text,
        parts.pane,
        parts.kept,
        _holders(parts.regular, REGULAR),
        tuple([passers(*passing) for passing in parts.funnels]),
        tuple(parts.capped),
        tuple(parts.sessions),
        by_band=parts.by_band,
    )


def _holders(held: Iterable[Held], mark: str) -> tuple[Holders, ...]:
    return tuple([Holders(codes, panes, holders_name((*codes, mark), panes)) for codes, panes in held])


def passers(steps: Steps, within: int, panes: int) -> Passers:
    """Make the holders of a funnel.

    Args:
        steps: codes, in any order within a step.
        within: how many panes.
        panes: in how many customers count once.
    """
    name = funnel_name(steps, within, panes)
    return Passers(steps, within, panes, tuple([f"{name}{step}" for step in range(len(steps))]))


def tally_panes(tally: Tally, panes: Panes, kept_from: int = 0, band: str = "") -> dict[str, int]:
    """Return what a customer adds to the sums by counts and amounts altogether.

    Args:
        tally: by which the customer is counted.
        panes: of the customer; where a band is given, those of the time in the band.
        kept_from: the first pane that the customer keeps, where figures are counted by the day.
        band: what the fields of a band end in, ''  for none.

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
