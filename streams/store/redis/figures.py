"""Sums over customers and figures in Redis.

Rests on decisions 48 and 55.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from itertools import product
from typing import Any

from scoring.figures import tally_fields
from scoring.figures.kpi import folding
from scoring.rules.groupings import GroupingDay, join_days
from streams.errors import UnreadableKey
from streams.store.fields.customer_reading import fields_in
from streams.store.redis.wire import Words
from streams.store.segment_sums import PAST, KpiStore
from streams.store.sums.gains import Additions, add_field, words_of

_CODE = 4


class RedisKpi(KpiStore):
    """See `KpiStore` for the contract."""

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

    async def named(self, *names: str, spells: bool = False) -> dict[str, int]:
        """Read sums by their names."""
        total: dict[str, int] = {}
        for name, group in product(names, range(self._groups)):
            # One by one: a year has some thousand fields, and others want their turn.
            for field, count in (await self.group_sums(group, name, spells=spells)).items():
                add_field(total, field, count)
        return total

    async def group_sums(self, group: int, name: str, *, spells: bool = False) -> dict[str, int]:
        """Read sums of one fence group.

        Args:
            group: its number.
            name: of the sums, see `streams.store.sums.gains`.
            spells: whether to read those of spells, too.

        Returns:
            By field.
        """
        place = f"{group}:{name}" if name else str(group)
        kinds = ("_kpi", "_spells") if spells else ("_kpi",)
        keys = [f"{self._prefix}{kind}:{place}" for kind in kinds]
        hashes = await self._send([["HGETALL", key] for key in keys])
        return {
            field: count
            for key, answer in zip(keys, hashes, strict=True)
            for field, count in _counts(key, fields_in(answer)).items()
        }

    async def fold_days(self, name: str, before: int) -> None:
        """Let sums forget days."""
        for group in range(self._groups):
            folded = await self._folded(group, name)
            if folded is None or folded < before:
                fields = await self.group_sums(group, name, spells=True)
                await self._fold(group, name, folded, before, {name: folding(fields, before)})

    async def fold_panes(self, name: str, kept_from: int, told_from: int, past: tuple[int, int] | None) -> None:
        """Let sums of measures forget panes."""
        other = PAST + name
        at_once = 1 + (told_from - kept_from) // 8
        for group in range(self._groups):
            folded = await self._folded(group, name)
            if folded is None or folded + at_once <= kept_from:
                fields = await self.group_sums(group, name)
                changes = tally_fields.folding(fields, kept_from, told_from)
                additions = {name: changes}
                if past is not None:
                    additions[other] = tally_fields.archive(fields, changes)
                await self._fold(group, name, folded, kept_from, additions)
                if past is not None:
                    changes = tally_fields.folding(await self.group_sums(group, other), *past)
                    await self._fold(group, other, await self._folded(group, other), past[0], {other: changes})

    async def grouping(self, name: str, first: int, last: int) -> dict[int, GroupingDay]:
        """Read what is counted of a grouping by day."""
        found: dict[int, list[GroupingDay]] = {}
        for group in range(self._groups):
            totals: dict[int, dict[str, int]] = {}
            for field, count in (await self.group_sums(group, name)).items():
                day, _, code = field.partition(".")
                if first <= int(day) <= last:
                    totals.setdefault(int(day), {})[code] = count
            key = f"{self._prefix}_kpi:{group}:{name}"
            answers = await self._send([["HGETALL", f"{key}:{day}"] for day in totals])
            for (number, counted), answer in zip(totals.items(), answers, strict=True):
                found.setdefault(number, []).append(_grouping_day(fields_in(answer), counted))
        return {day: join_days(parts) for day, parts in found.items()}

    async def fold_grouping(self, name: str, before: int) -> None:
        """Forget what was counted of a grouping."""
        for group in range(self._groups):
            key = f"{self._prefix}_kpi:{group}:{name}"
            old = [field for field in await self.group_sums(group, name) if int(field.partition(".")[0]) < before]
            if old:
                days = sorted({field.partition(".")[0] for field in old})
                gone = [word for day in days for word in (f"{key}:{day}", f"{key}:{day}:order")]
                await self._send([["DEL", *gone], ["HDEL", key, *old]])

    async def _folded(self, group: int, name: str) -> int | None:
        """Return from where on sums are kept; None if from the first."""
        [folded] = await self._send([["HGET", f"{self._prefix}_kpi_from", f"{group}:{name}"]])
        return int(folded) if folded else None

    async def _fold(self, group: int, name: str, folded: int | None, before: int, additions: Additions) -> None:
        words: Words = [f"{self._library}_fold", 1, f"{self._prefix}_fences:{group}", self._prefix, group, name]
        stands = "" if folded is None else folded
        await self._send([["FCALL", *words, stands, before, *words_of(additions)]])

    async def publish(self, segment: str, figures: Mapping[str, str]) -> None:
        """Put figures where applications read them."""
        key = self._key(segment)
        commands: list[Words] = [["HSET", key, *[word for pair in figures.items() for word in pair]]]
        if gone := (await self.figures(segment)).keys() - figures.keys():
            commands.append(["HDEL", key, *sorted(gone)])
        if segment:
            commands.append(["HSET", self._published_key, segment, "1"])
        await self._send(commands)

    async def keep_published(self, segments: Collection[str]) -> None:
        """Remove the published figures of all segments but these."""
        [answer] = await self._send([["HKEYS", self._published_key]])
        if gone := [segment for segment in answer if segment not in segments]:
            deleted: list[Words] = [["DEL", self._key(segment)] for segment in gone]
            await self._send([*deleted, ["HDEL", self._published_key, *gone]])

    async def figures(self, segment: str = "") -> dict[str, str]:
        """Read the figures that applications read."""
        [answer] = await self._send([["HGETALL", self._key(segment)]])
        return fields_in(answer)

    async def take_turn(self, milliseconds: int) -> bool:
        """Return whether to make the figures now."""
        [answer] = await self._send([["SET", f"{self._prefix}_kpi_turn", "taken", "NX", "PX", milliseconds]])
        return answer is not None

    @property
    def _published_key(self) -> str:
        return f"{self._prefix}_kpi_segments"

    def _key(self, segment: str) -> str:
        return f"{self._prefix}kpi:{segment}" if segment else f"{self._prefix}kpi"


def _grouping_day(fields: Mapping[str, str], totals: Mapping[str, int]) -> GroupingDay:
    counts: dict[str, dict[str, int]] = {}
    for field, words in fields.items():
        if field.startswith("="):
            codes = [words[at : at + _CODE] for at in range(0, len(words), _CODE)]
            counts[field[1:]] = {code: int(fields.get(code + field[1:], 0)) for code in codes}
    return GroupingDay(counts, totals, int(fields.get("#", 0)))


def _counts(key: str, fields: Mapping[str, str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for field, count in fields.items():
        try:
            found[field] = int(count)
        except ValueError:
            raise UnreadableKey(key, field) from None
    return found
