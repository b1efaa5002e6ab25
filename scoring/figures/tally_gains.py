"""What writes of customers add to the sums beyond what is stored: see `scoring.rules.tally` for the fields.

Rests on decision 21.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from scoring.rules.details import is_type
from scoring.rules.tally import BILLION, NEWEST, Holders, Panes, Tally, tally_panes

_NONE: Final[Mapping[str, int]] = {}


class TallyGains:
    """Adds up what customers gain by a write."""

    def __init__(self) -> None:
        """Start with nothing."""
        self._amounts: dict[int, dict[str, int]] = {}
        self._billions: dict[int, dict[str, int]] = {}
        self._fields: dict[str, int] = {}

    def add(self, tally: Tally, panes: Panes, before: Panes, kept_from: int) -> None:
        """Add what a customer gains who is counted by the same tally as before.

        Args:
            tally: of both.
            panes: of the customer.
            before: those that have been changed, as they were; one that was not there is empty.
            kept_from: the first pane that the customer keeps; what an earlier one has added stays.
        """
        for pane, old in before.items():
            if pane >= kept_from:
                self._exchange(tally, pane, old, panes.get(pane, _NONE))
        for holders in tally.holders:
            self._exchange_holder(holders, panes, before, kept_from)

    def move(self, stored: Tally, tally: Tally, panes: Panes, before: Panes, kept_from: int) -> None:
        """Add what a customer gains who has been counted by another tally.

        Args:
            stored: by which the customer was counted.
            tally: by which the customer is counted now.
            panes: see `add`.
            before: see `add`.
            kept_from: see `add`.
        """
        were = {pane: counts for pane, counts in {**panes, **before}.items() if pane >= kept_from}
        for field, amount in tally_panes(stored, were).items():
            if field[0] != NEWEST:
                self._gain(field, -amount)
        for field, amount in tally_panes(tally, panes).items():
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

    def _exchange(self, tally: Tally, pane: int, old: Mapping[str, int], new: Mapping[str, int]) -> None:
        amounts = self._amounts.get(pane)
        if amounts is None:
            amounts = self._amounts[pane] = {}
        for code in tally.codes:
            was, now = old.get(code, 0), new.get(code, 0)
            if was == now:
                continue
            if is_type(code):
                amounts[code] = amounts.get(code, 0) + now - was
                continue
            amounts[code] = amounts.get(code, 0) + now % BILLION - was % BILLION
            billions = now // BILLION - was // BILLION
            if billions:
                apart = self._billions.setdefault(pane, {})
                apart[code] = apart.get(code, 0) + billions
        for code in tally.latest:
            if new.get(code, -1) > old.get(code, -1):
                self._gain(f"{NEWEST}{pane}.{code}", new[code])

    def _exchange_holder(self, holders: Holders, panes: Panes, before: Panes, kept_from: int) -> None:
        turned = []
        for pane, old in before.items():
            if pane >= kept_from and holders.among(old) != holders.among(panes.get(pane, _NONE)):
                turned.append(pane)
        if not turned:
            return
        held = {pane for pane, counts in panes.items() if pane >= kept_from and holders.among(counts)}
        # As it was before any of them turned.
        held.symmetric_difference_update(turned)
        for pane in turned:
            if pane in held:
                held.discard(pane)
                self._turn(holders, held, pane, -1)
            else:
                self._turn(holders, held, pane, 1)
                held.add(pane)

    def _turn(self, holders: Holders, held: set[int], pane: int, sign: int) -> None:
        """Count a pane that makes a holder, or with -1 does not any more: only what its neighbours leave to it."""
        length = holders.panes
        start, end = pane, pane + length
        for other in held:
            if pane - length < other < pane:
                start = max(start, other + length)
            elif pane < other < end:
                end = other
        if start < end:
            self._gain(f"c{start}.{holders.name}", sign)
            self._gain(f"c{end}.{holders.name}", -sign)

    def _gain(self, field: str, amount: int) -> None:
        fields = self._fields
        if field[0] == NEWEST:
            fields[field] = max(fields.get(field, 0), amount)
        else:
            fields[field] = fields.get(field, 0) + amount
