"""What writes of customers add to the sums beyond what is stored: see `scoring.figures.tally_fields` for the fields.

Rests on decisions 21, 100, 101 and 120.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from scoring.figures.counted import Counted, as_it_was, band_mark, by_band, counted_fields, moved_panes
from scoring.figures.tally_fields import BILLION, NEWEST, capped, regular_fields
from scoring.rules.details import is_type
from scoring.rules.funnels import differ
from scoring.rules.session_sums import joined_with, session_fields
from scoring.rules.tally import Holders, Panes, Tally

_NONE: Final[Mapping[str, int]] = {}


class TallyGains:
    """Adds up what customers gain by a write."""

    def __init__(self) -> None:
        """Start with nothing."""
        self._amounts: dict[int, dict[str, int]] = {}
        self._billions: dict[int, dict[str, int]] = {}
        self._fields: dict[str, int] = {}
        # The first pane that the customer keeps who is being counted.
        self._kept_from = 0

    def add(self, tally: Tally, now: Counted, before: Counted, kept_from: int) -> None:
        """Add what a customer gains who is counted by the same tally as before.

        Args:
            tally: of both.
            now: what the customer has.
            before: panes and visits that have been changed, as they were: one that was not there is empty; and all
                changes of band that there were.
            kept_from: the first pane that the customer keeps; what an earlier one has added stays.
        """
        self._kept_from = kept_from
        self._exchange_panes(tally, now.panes, before.panes, "")
        if tally.pane:
            self._exchange_days(tally, now, before)

    def move(self, stored: Tally, tally: Tally, now: Counted, before: Counted, kept_from: int) -> None:
        """Add what a customer gains who has been counted by another tally.

        Args:
            stored: by which the customer was counted.
            tally: by which the customer is counted now.
            now: see `add`.
            before: see `add`.
            kept_from: see `add`.
        """
        were = as_it_was(now, before).kept(kept_from)
        for field, amount in counted_fields(stored, were, kept_from).items():
            if field[0] != NEWEST:
                self._gain(field, -amount)
        for field, amount in counted_fields(tally, now.kept(kept_from), kept_from).items():
            self._gain(field, amount)

    def named(self) -> dict[str, int]:
        """Give all that was gained, by field; nothing that is 0."""
        found = {field: amount for field, amount in self._fields.items() if amount}
        for mark, by_pane in (("m", self._amounts), ("b", self._billions)):
            for pane, amounts in by_pane.items():
                for code, amount in amounts.items():
                    field = f"{mark}{pane}.{code}"
                    total = found.get(field, 0) + amount
                    if total:
                        found[field] = total
                    else:
                        found.pop(field, None)
        return found

    def _exchange_panes(self, tally: Tally, panes: Panes, before: Panes, band: str) -> None:
        for pane, old in before.items():
            if pane >= self._kept_from:
                self._exchange(tally, pane, old, panes.get(pane, _NONE), band)
        for holders in tally.holders:
            self._exchange_holder(tally, holders, panes, before, band)

    def _exchange_days(self, tally: Tally, now: Counted, before: Counted) -> None:
        """Exchange what is counted by the day only: regularity, sessions, and all of it by band."""
        for holders in tally.regular:
            self._exchange_regular(tally, holders, now.panes, before.panes)
        self._exchange_funnels(tally, now.panes, before.panes)
        now, before = now.kept(self._kept_from), before.kept(self._kept_from)
        moved = moved_panes(now, before, tally.pane) if tally.by_band else set[int]()
        for channel, pause in tally.sessions:
            touched = {*before.visits.get(channel, {}), *moved.intersection(now.visits.get(channel, {}))}
            if touched:
                self._exchange_sessions(tally, channel, pause, now, before, sorted(touched))
        if tally.by_band:
            old = {**{pane: now.panes[pane] for pane in moved if pane in now.panes}, **before.panes}
            for band in {each.band_at(pane, tally.pane) for pane in old for each in (now, before)}:
                were = {pane: some if before.band_at(pane, tally.pane) == band else _NONE for pane, some in old.items()}
                if band >= 0:
                    self._exchange_panes(tally, now.panes_in(band, tally.pane), were, band_mark(band))

    def _exchange_funnels(self, tally: Tally, panes: Panes, before: Panes) -> None:
        """Exchange who passes steps: a pane may change how far a customer comes from an earlier one."""
        changed = {pane: old for pane, old in before.items() if pane >= self._kept_from}
        for funnel in tally.funnels:
            if any(differ(funnel.steps, old, panes.get(pane, _NONE)) for pane, old in changed.items()):
                kept = {pane: counts for pane, counts in panes.items() if pane >= self._kept_from}
                settled = tally.settled(funnel.panes, self._kept_from)
                pairs = zip(funnel.names, funnel.held(kept), funnel.held({**kept, **changed}), strict=True)
                for name, held, were in pairs:
                    self._exchange_cover(name, funnel.panes, settled, were, sorted(held ^ were))

    def _exchange_regular(self, tally: Tally, holders: Holders, panes: Panes, before: Panes) -> None:
        turned = self._turned(holders, panes, before)
        if not turned:
            return
        held = self._held(holders, panes)
        start = max(min(turned), tally.settled(holders.panes, self._kept_from))
        for sign in (1, -1):
            changes = regular_fields(holders, sorted(held), tally.pane, start, max(turned) + holders.panes)
            for field, change in changes.items():
                self._gain(field, sign * change)
            held.symmetric_difference_update(turned)

    def _exchange_sessions(
        self, tally: Tally, channel: str, pause: int, now: Counted, before: Counted, touched: Sequence[int]
    ) -> None:
        visits = now.visits.get(channel, {})
        were = {**visits, **before.visits.get(channel, {})}
        panes = joined_with(touched, visits, were, pause)
        for sign, counted, every in ((1, now, visits), (-1, before, were)):
            some = {pane: every[pane] for pane in panes if pane in every}
            fields = session_fields(channel, some, pause, tally.session_start(pause, self._kept_from))
            if tally.by_band:
                fields |= by_band(tally, list(fields.items()), counted)
            for field, amount in fields.items():
                self._gain(field, sign * amount)

    def _exchange(self, tally: Tally, pane: int, old: Mapping[str, int], new: Mapping[str, int], band: str) -> None:
        amounts = self._amounts.get(pane)
        if amounts is None:
            amounts = self._amounts[pane] = {}
        for code in tally.codes:
            was, now = old.get(code, 0), new.get(code, 0)
            if was == now:
                continue
            name = code + band if band else code
            if is_type(code):
                amounts[name] = amounts.get(name, 0) + now - was
                continue
            amounts[name] = amounts.get(name, 0) + now % BILLION - was % BILLION
            billions = now // BILLION - was // BILLION
            if billions:
                apart = self._billions.setdefault(pane, {})
                apart[name] = apart.get(name, 0) + billions
        if tally.capped:
            self._exchange_capped(tally, pane, old, new, band)
        if not band:
            for code in tally.latest:
                if new.get(code, -1) > old.get(code, -1):
                    self._gain(f"{NEWEST}{pane}.{code}", new[code])

    def _exchange_capped(
        self, tally: Tally, pane: int, old: Mapping[str, int], new: Mapping[str, int], band: str
    ) -> None:
        for code, cap in tally.capped:
            change = capped(code, new.get(code, 0), cap) - capped(code, old.get(code, 0), cap)
            if change:
                self._gain(f"k{pane}.{code}{band}", change)

    def _exchange_holder(self, tally: Tally, holders: Holders, panes: Panes, before: Panes, band: str) -> None:
        turned = self._turned(holders, panes, before)
        if not turned:
            return
        settled = tally.settled(holders.panes, self._kept_from)
        held = self._held(holders, panes)
        # As it was before any of them turned.
        held.symmetric_difference_update(turned)
        self._exchange_cover(holders.name + band, holders.panes, settled, held, turned)

    def _exchange_cover(self, name: str, span: int, settled: int, held: set[int], turned: Sequence[int]) -> None:
        """Exchange panes that make a holder and did not, or do not any more: of those that did before, one by one."""
        for pane in turned:
            sign = -1 if pane in held else 1
            held.discard(pane)
            start, end = _cover(span, held, pane)
            if start < end and settled < end:
                self._gain(f"c{max(start, settled)}.{name}", sign)
                self._gain(f"c{end}.{name}", -sign)
            if sign > 0:
                held.add(pane)

    def _turned(self, holders: Holders, panes: Panes, before: Panes) -> list[int]:
        """List the changed panes that make a holder and did not, or do not any more."""
        return [
            pane
            for pane, old in before.items()
            if pane >= self._kept_from and holders.among(old) != holders.among(panes.get(pane, _NONE))
        ]

    def _held(self, holders: Holders, panes: Panes) -> set[int]:
        return {pane for pane, counts in panes.items() if pane >= self._kept_from and holders.among(counts)}

    def _gain(self, field: str, amount: int) -> None:
        fields = self._fields
        if field[0] == NEWEST:
            fields[field] = max(fields.get(field, 0), amount)
        else:
            fields[field] = fields.get(field, 0) + amount


def _cover(length: int, held: Iterable[int], pane: int) -> tuple[int, int]:
    """Give from where to where only one pane makes a holder: what its neighbours leave to it.

    Args:
        length: for how many panes each makes one.
        held: the others.
        pane: that one.
    """
    start, end = pane, pane + length
    for other in held:
        if pane - length < other < pane:
            start = max(start, other + length)
        elif pane < other < end:
            end = other
    return start, end
