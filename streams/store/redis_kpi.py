"""Sums over customers and figures in Redis."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from scoring import tally
from scoring.kpi import folding
from streams.store.sums import MEASURES, add_field, words_of
from streams.store.wire import Words


class RedisKpi:
    """See `streams.store.protocol.KpiStore` for the contract."""

    def __init__(
        self, prefix: str, library: str, groups: int, send: Callable[[Sequence[Words]], Awaitable[list[Any]]]
    ) -> None:
        """Prepare.

        Args:
            prefix: of every key.
            library: of functions.
            groups: how many fence groups there are.
            send: sends commands and gives their answers.
        """
        self._prefix = prefix
        self._library = library
        self._groups = groups
        self._send = send

    async def sums(self, segment: str = "", *, spells: bool = False) -> dict[str, int]:
        """Read the sums over customers."""
        total: dict[str, int] = {}
        for group in range(self._groups):
            # One by one: a year has some thousand fields, and others want their turn.
            for field, count in (await self.group_sums(group, segment, spells=spells)).items():
                total[field] = total.get(field, 0) + count
        return total

    async def group_sums(self, group: int, segment: str = "", *, spells: bool = True) -> dict[str, int]:
        """Read the sums of one fence group.

        Args:
            group: its number.
            segment: '' for all customers.
            spells: whether to read those of spells, too.

        Returns:
            By field.
        """
        name = f":{segment}" if segment else ""
        kinds = ("_kpi", "_spells") if spells else ("_kpi",)
        hashes = await self._send([["HGETALL", f"{self._prefix}{kind}:{group}{name}"] for kind in kinds])
        return {field: int(count) for answer in hashes for field, count in _pairs(answer).items()}

    async def measures(self) -> dict[str, int]:
        """Read the sums of which measures are made."""
        total: dict[str, int] = {}
        for group in range(self._groups):
            for field, amount in (await self.group_measures(group)).items():
                add_field(total, field, amount)
        return total

    async def group_measures(self, group: int) -> dict[str, int]:
        """Read the sums of one fence group of which measures are made.

        Args:
            group: its number.

        Returns:
            By field.
        """
        [answer] = await self._send([["HGETALL", f"{self._prefix}_kpi:{group}:{MEASURES}"]])
        return {field: int(amount) for field, amount in _pairs(answer).items()}

    async def fold(self, segment: str, before: int) -> None:
        """Let the sums forget days."""
        for group in range(self._groups):
            folded = await self._folded(group, segment)
            if folded is None or folded < before:
                fields = await self.group_sums(group, segment)
                await self._fold(group, segment, folded, before, folding(fields, before))

    async def fold_measures(self, kept_from: int, told_from: int) -> None:
        """Let the sums of measures forget panes."""
        at_once = 1 + (told_from - kept_from) // 8
        for group in range(self._groups):
            folded = await self._folded(group, MEASURES)
            if folded is None or folded + at_once <= kept_from:
                changes = tally.folding(await self.group_measures(group), kept_from, told_from)
                await self._fold(group, MEASURES, folded, kept_from, changes)

    async def _folded(self, group: int, name: str) -> int | None:
        """Tell from where on sums are kept; None if from the first."""
        [folded] = await self._send([["HGET", f"{self._prefix}_kpi_from", f"{group}:{name}"]])
        return int(folded) if folded else None

    async def _fold(self, group: int, name: str, folded: int | None, before: int, changes: Mapping[str, int]) -> None:
        words: Words = [f"{self._library}_fold", 1, f"{self._prefix}_fences:{group}", self._prefix, group, name]
        stands = "" if folded is None else folded
        await self._send([["FCALL", *words, stands, before, *words_of({name: dict(changes)})]])

    async def publish(self, segment: str, figures: Mapping[str, str]) -> None:
        """Put figures where applications read them."""
        key = self._key(segment)
        commands: list[Words] = [["HSET", key, *[word for pair in figures.items() for word in pair]]]
        if gone := (await self.figures(segment)).keys() - figures.keys():
            commands.append(["HDEL", key, *sorted(gone)])
        await self._send(commands)

    async def figures(self, segment: str = "") -> dict[str, str]:
        """Read the figures that applications read."""
        [answer] = await self._send([["HGETALL", self._key(segment)]])
        return _pairs(answer)

    async def take_turn(self, milliseconds: int) -> bool:
        """Tell whether to make the figures now."""
        [answer] = await self._send([["SET", f"{self._prefix}_kpi_turn", "taken", "NX", "PX", milliseconds]])
        return answer is not None

    def _key(self, segment: str) -> str:
        return f"{self._prefix}kpi:{segment}" if segment else f"{self._prefix}kpi"


def _pairs(answer: Mapping[str, str] | Sequence[str]) -> dict[str, str]:
    """Read a hash, which comes as a map or as a list by the version of the protocol."""
    if isinstance(answer, Mapping):
        return dict(answer)
    return dict(zip(answer[::2], answer[1::2], strict=True))
