"""What is counted of each customer for measures over all customers, and what it is called in the sums.

A measure over all customers is that of all their events together. So what stands under its codes is added up, and the
customers who have any of these are counted. The fields of the sums, and what one customer adds to them:
`scoring.figures.tally_fields`.

Rests on decisions 21, 100 and 120.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from scoring.instants import SECOND
from scoring.rules.details import is_latest
from scoring.rules.figure_rules import NO_CHANNELS, NO_PANES, NO_RULES, CountedChannel, CountedPanes, FigureRules
from scoring.rules.funnels import Steps, depths
from scoring.rules.measures import REGULARITY, SESSION_FORMS, SHARE, SUMMED, Measure
from scoring.rules.tally_text import Held, TallyParts, read_parts, write_parts

#: Counts and amounts by pane and code.
Panes = Mapping[int, Mapping[str, int]]
#: What tells the name of a regularity from that of holders; no code is so short.
REGULAR: Final = "r"


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
    asked = _Asked()
    for measure in measures:
        asked.add_measure(measure, by_day=rules.by_day)
    asked.codes.update([code for funnel in rules.funnels for step in funnel.steps for code in step])
    for channel in channels:
        asked.add_channel(channel, rules, counted)
    parts = TallyParts(sorted(asked.codes), sorted(asked.held))
    if rules.daily and (asked.codes or asked.sessions):
        parts.pane, parts.kept, parts.by_band = counted.pane, counted.kept, rules.by_band
        parts.regular, parts.capped, parts.sessions = (
            sorted(asked.regular),
            sorted(asked.capped),
            sorted(asked.sessions),
        )
        parts.funnels = sorted(
            {(each.steps, each.panes, span) for each in rules.funnels for span in counted.funnel_spans}
        )
    return _tally(parts)


@dataclass(slots=True)
class _Asked:
    """What measures and channels ask for, each once."""

    codes: set[str] = field(default_factory=set)
    held: set[Held] = field(default_factory=set)
    regular: set[Held] = field(default_factory=set)
    sessions: set[tuple[str, int]] = field(default_factory=set)
    capped: set[tuple[str, int]] = field(default_factory=set)

    def add_measure(self, measure: Measure, *, by_day: bool) -> None:
        if measure.form in SUMMED:
            self.codes.update((*measure.of, *measure.less, *measure.to))
            self.held.update(held_by(measure))
        elif by_day and measure.form == REGULARITY:
            self.codes.update(measure.of)
            self.regular.add((tuple(sorted(set(measure.of))), measure.panes))
        elif by_day and measure.form in SESSION_FORMS:
            self.sessions.add((measure.channel, measure.pause))

    def add_channel(self, channel: CountedChannel, rules: FigureRules, counted: CountedPanes) -> None:
        if rules.by_band:
            self.codes.update(channel.every)
        if rules.by_channel:
            self.codes.update(channel.weighted)
            self.capped.update(channel.capped)
            if channel.earning:
                self.codes.update(channel.earning)
                self.held.update([(channel.earning, span) for span in counted.spans().values()])


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


def _tally(parts: TallyParts) -> Tally:
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
