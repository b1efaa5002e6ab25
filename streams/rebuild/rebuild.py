"""One rebuild: catches up with the live scores, compares, and replaces what differs while nobody writes.

Rests on decision 42.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

from scoring.instants import DAY
from scoring.policy.change import policy_digest
from scoring.policy.policy import Policy
from scoring.policy.shadow import without_shadow
from streams.errors import RebuildRefused
from streams.ingest.gaps import check_logs
from streams.machine_clock import wall_clock
from streams.policy_file.document import parse_policy
from streams.rebuild.bounds import Bounds, read_bounds
from streams.rebuild.customer_comparison import Comparison
from streams.rebuild.figure_comparison import FigureComparison
from streams.rebuild.rebuilt_scores import RebuiltScores
from streams.rebuild.source_log import SourceLog
from streams.settings.settings import Settings
from streams.store.fields.customer_writing import stands_for
from streams.store.redis.replacing import ReplaceableStore
from streams.store.sums.shares import judged_in

_HOLD_MS, _RENEW_SECONDS = 10_000, 2.0
_HOLD_TRIES = 50
#: So few offsets behind, the rest is read while the workers are held.
_CLOSE_BEHIND = 5_000
_COMPARED_AT_ONCE = 500


class Display(Protocol):
    """Shows what a rebuild is doing."""

    def reading(self, passed: int, total: int, events: int) -> None:
        """Show how far the log has been read: offsets, of how many, and the events applied."""

    def comparing(self, customers: int, differing: int) -> None:
        """Show how many customers have been compared, and how many seem to differ."""

    def replacing(self, customers: int) -> None:
        """Show that the writers are held, and how many customers are looked at again."""


@dataclass(slots=True)
class Result:
    """What a rebuild found: all customers compared, and the differences of those that are wrong.

    `figures` are the differences between the sums over customers and what the customers make together.
    """

    compared: int = 0
    time: int = 0
    differences: dict[str, list[str]] = field(default_factory=dict)
    figures: list[str] = field(default_factory=list)


class Rebuild:
    """Compares the live scores with the log, and replaces those that differ."""

    def __init__(self, settings: Settings, display: Display, *, from_beginning: bool, figures: bool = False) -> None:
        """Prepare, without connecting.

        Args:
            settings: of the live namespace.
            display: shows what happens.
            from_beginning: read all that the log holds, and not just window and trend.
            figures: add up the figures over all customers, too, while the workers are held.
        """
        self._figures = figures
        self._settings = settings
        self._display = display
        # The stream clock has always read the log from its beginning.
        self._whole = from_beginning or settings.clock == "stream"
        self._live = ReplaceableStore(settings)
        self._log = SourceLog(settings)
        self._rebuilt = RebuiltScores(settings, self._log)
        self._since: int | None = 0

    async def run(self, *, dry: bool) -> Result:
        """Do it.

        Args:
            dry: only compare.

        Returns:
            What differed; afterwards nothing does, unless it was dry.

        Raises:
            RebuildRefused: if it has to be started again; what has been replaced by then is right.
            TransientError: if Kafka or Redis does not answer; another run goes on where this one ended.
        """
        try:
            if not await self._live.exists():
                raise RebuildRefused(
                    f"nothing is stored under {self._live.namespace!r}; a worker builds it from the log"
                )
            await self._live.open()
            await self._check_policy()
            async with self._log:
                # What is to be compared with the log has to be made of it.
                await check_logs(self._live, await self._log.logs())
                await self._rebuilt.open(from_beginning=self._whole)
                self._since = await self._told_since()
                result = await self._compare_and_replace(dry=dry)
                await self._rebuilt.store.discard()
        finally:
            await self._rebuilt.close()
            await self._live.close()
        return result

    async def _compare_and_replace(self, *, dry: bool) -> Result:
        before = passed = await self._catch_up()
        while passed > _CLOSE_BEHIND:
            before, passed = passed, await self._catch_up()
            if passed > before / 2:
                # Events come so fast that it gets no closer.
                break
        bounds = await self._bounds()
        suspects = await self._suspects(bounds)
        result = Result(suspects.compared)
        async with self._held() as holder:
            # Nobody writes now, so both sides can stand at the very same place.
            await self._check_policy()
            await self._catch_up()
            bounds = await self._bounds()
            self._display.replacing(len(suspects.differences))
            result.time = bounds.time
            comparison = Comparison(self._settings, bounds.time, self._whole, bounds.feeds, self._since)
            result.differences = await self._differences(suspects.differences, comparison, bounds)
            await self._rebuilt.check_alone()
            if not dry:
                await self._judge_as_far(result.differences, bounds)
                await self._live.replace(self._rebuilt.store, result.differences, holder, self._since)
            if self._figures:
                figures = FigureComparison(self._settings, self._live, bounds.time)
                result.figures = await figures.differences()
                if not dry:
                    await figures.mend(self._rebuilt.store, holder)
        return result

    async def _judge_as_far(self, customers: Iterable[str], bounds: Bounds) -> None:
        """Judge those who will be put in place up to when they have been judged, so that none goes back in time."""
        live, rebuilt = await self._live.views(customers), await self._rebuilt.store.views(customers)
        further: dict[int, list[str]] = {}
        for customer in customers:
            judged, fields = judged_in(live[customer].fields), rebuilt[customer].fields
            if judged > bounds.time and fields and not stands_for(fields):
                further.setdefault(judged, []).append(customer)
        for time, some in further.items():
            await self._rebuilt.judge(some, time, bounds)

    async def _check_policy(self) -> None:
        in_force = await self._live.policies.in_force()
        if in_force is None:
            return
        own = self._settings.policy
        if policy_digest(parse_policy(in_force.text)) != policy_digest(without_shadow(own)):
            raise RebuildRefused(
                f"the workers judge by the policy {in_force.version!r}, which is not the one that the rebuild was "
                "given: print it with engagement policy show --in-force, and give it with --policy"
            )
        there = parse_policy(in_force.shadow_text) if in_force.shadow_text else None
        if _digest(there) != _digest(own.shadow):
            raise RebuildRefused(
                f"the workers judge by {_named(there)}, and the rebuild was given {_named(own.shadow)}: set "
                "ENGAGEMENT_SHADOW_POLICY as they have it; engagement policy show --shadow prints it"
            )

    async def _told_since(self) -> int | None:
        """Find the first day of which the log has everything, where it has not all."""
        if self._whole and await self._log.is_whole():
            return None
        policy = self._settings.policy
        return (wall_clock() - policy.length - policy.trend) // DAY + 1

    async def _bounds(self) -> Bounds:
        return await read_bounds(self._live, self._settings, self._log.partitions)

    async def _catch_up(self) -> int:
        passed = await self._rebuilt.catch_up(await self._bounds(), self._display.reading)
        # Both require the same erasures, or they would not be taken for equal.
        await self._rebuilt.erasures.settle()
        for store in (self._live, self._rebuilt.store):
            await store.require_erasures(self._rebuilt.erasures.known)
        return passed

    async def _suspects(self, bounds: Bounds) -> Result:
        """Compare all while the workers go on: who is found equal is right, who is not may just be on the move."""
        found = Result()
        comparison = Comparison(self._settings, bounds.time, self._whole, bounds.feeds, self._since)
        seen: set[str] = set()
        known = (self._rebuilt.store.customers(), self._live.customers(), self._live.indexed())
        for customers in known:
            async for some in customers:
                new = [customer for customer in dict.fromkeys(some) if customer not in seen]
                seen.update(new)
                for start in range(0, len(new), _COMPARED_AT_ONCE):
                    found.differences |= await self._differences(
                        new[start : start + _COMPARED_AT_ONCE], comparison, bounds
                    )
                found.compared = len(seen)
                self._display.comparing(found.compared, len(found.differences))
        return found

    async def _differences(
        self, customers: Iterable[str], comparison: Comparison, bounds: Bounds
    ) -> dict[str, list[str]]:
        asked = list(customers)
        live, rebuilt = await self._live.views(asked), await self._rebuilt.store.views(asked)
        told = {customer: comparison.forgotten(live[customer], rebuilt[customer]) for customer in asked}
        forgotten = {customer: segment for customer, segment in told.items() if segment is not None}
        if forgotten:
            await self._rebuilt.learn_segments(forgotten, bounds)
            rebuilt |= await self._rebuilt.store.views(list(forgotten))
        found = {customer: comparison.differences(live[customer], rebuilt[customer]) for customer in asked}
        return {customer: words for customer, words in found.items() if words}

    @asynccontextmanager
    async def _held(self) -> AsyncIterator[str]:
        """Hold the writers; if this process dies, they go on after some seconds."""
        holder = secrets.token_urlsafe(8)
        for _ in range(_HOLD_TRIES):
            if await self._live.hold(holder, _HOLD_MS):
                break
            await asyncio.sleep(_RENEW_SECONDS / 4)
        else:
            raise RebuildRefused("another rebuild of the same namespace is at work")
        # Not by cancelling: what comes just as Redis answers is lost in the client, and the task would go on.
        over = asyncio.Event()
        renewing = asyncio.create_task(self._renew(holder, over))
        try:
            yield holder
        finally:
            over.set()
            await renewing
            await self._live.release(holder)

    async def _renew(self, holder: str, over: asyncio.Event) -> None:
        while not over.is_set():
            try:
                async with asyncio.timeout(_RENEW_SECONDS):
                    await over.wait()
            except TimeoutError:
                await self._live.hold(holder, _HOLD_MS)


def _digest(shadow: Policy | None) -> str:
    return policy_digest(shadow) if shadow is not None else ""


def _named(shadow: Policy | None) -> str:
    return f"the shadow policy {shadow.version!r}" if shadow is not None else "no shadow policy"
