"""Sums over customers and figures in Redis."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from scoring.kpi import folding
from streams.store.sums import words_of
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

    async def fold(self, segment: str, before: int) -> None:
        """Let the sums forget days."""
        for group in range(self._groups):
            [folded] = await self._send([["HGET", f"{self._prefix}_kpi_from", f"{group}:{segment}"]])
            if not folded or int(folded) < before:
                fields = await self.group_sums(group, segment)
                additions = words_of({segment: folding(fields, before)})
                words: Words = [f"{self._library}_fold", 1, f"{self._prefix}_fences:{group}"]
                await self._send([["FCALL", *words, self._prefix, group, segment, folded or "", before, *additions]])

    async def publish(self, segment: str, figures: Mapping[str, str]) -> None:
        """Put figures where applications read them."""
        await self._send([["HSET", self._key(segment), *[word for pair in figures.items() for word in pair]]])

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
