"""Compares two policies on the counts of the same customers: who would move between bands, and how far.

Rests on decision 46.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Mapping
from typing import NamedTuple

from scoring.customer.state import NONE, derive
from scoring.policy.policy import ENGAGED, Policy
from streams.errors import UnreadableCustomer
from streams.store.fields.customer_reading import decode
from streams.store.redis.reading import ScoreReader


class Move(NamedTuple):
    """A customer under both policies; scores in millionths, bands as indexes of `BANDS`."""

    customer: str
    score: int
    new_score: int
    band: int
    new_band: int


class BandMoves:
    """Counts the customers by their bands under both policies, and keeps those whose score moves furthest."""

    def __init__(self, old: Policy, new: Policy, most: int) -> None:
        """Start with nobody.

        Args:
            old: one policy.
            new: another one, with panes of the same length.
            most: moves to keep.
        """
        self._old, self._new = old, new
        self._most = most
        self._largest: list[tuple[int, str, Move]] = []
        self.matrix: Counter[tuple[int, int]] = Counter()
        self.customers = self.unreadable = 0

    def add(self, customer: str, fields: Mapping[str, str]) -> None:
        """Add a customer.

        Args:
            customer: the id.
            fields: all that is stored.
        """
        try:
            state = decode(self._old, fields, customer).state
        except UnreadableCustomer:
            self.unreadable += 1
            return
        if state.judged == NONE:
            return
        score = state.score
        # The old policy may not ask for segments that are stored all the same.
        segment = fields.get("segment", "") if "_g" in fields else ""
        old, new = self._old.of(segment), self._new.of(segment)
        derive(new, state)
        self.note(Move(customer, score, state.score, old.band_of(score), new.band_of(state.score)))

    def note(self, move: Move) -> None:
        """Count a customer.

        Args:
            move: how the customer stands by both policies.
        """
        self.customers += 1
        self.matrix[move.band, move.new_band] += 1
        if move.score != move.new_score:
            heapq.heappush(self._largest, (abs(move.new_score - move.score), move.customer, move))
            if len(self._largest) > self._most:
                heapq.heappop(self._largest)

    @property
    def largest(self) -> list[Move]:
        """The largest moves, the largest first."""
        return [move for *_, move in sorted(self._largest, reverse=True)]

    @property
    def dropping(self) -> int:
        """How many would drop below `engaged`."""
        return sum(count for (old, new), count in self.matrix.items() if old >= ENGAGED > new)

    @property
    def rising(self) -> int:
        """How many would rise to `engaged` or above."""
        return sum(count for (old, new), count in self.matrix.items() if old < ENGAGED <= new)


async def compare_live(reader: ScoreReader, moves: BandMoves, show: Callable[[int, int, int], None]) -> None:
    """Add all customers who are stored.

    Args:
        reader: of the scores.
        moves: to be filled.
        show: is told how many have been passed, of how many, and how many count.

    Raises:
        StoreUnavailable: if Redis does not answer.
    """
    total = sum((await reader.band_counts()).values())
    seen: set[str] = set()
    async for page in reader.customers():
        new = [customer for customer in dict.fromkeys(page) if customer not in seen]
        seen.update(new)
        for customer, fields in zip(new, await reader.hashes(new), strict=True):
            moves.add(customer, fields)
        show(len(seen), max(total, len(seen)), moves.customers)
