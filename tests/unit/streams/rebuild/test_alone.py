"""A rebuild whose scores another one goes on with, or discards, tells nothing of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from streams.errors import RebuildRefused
from streams.rebuild.bounds import Bounds
from streams.rebuild.rebuild import Rebuild, Result
from streams.rebuild.rebuilt_scores import RebuiltScores
from streams.records import Partition
from streams.settings.settings import read_settings
from streams.store.protocol import Fence

CLICKS = Partition("clickstream", 0)


class Log:
    """A log of one partition."""

    partitions = (CLICKS,)


class Stored:
    """A store of which two groups have come to a place."""

    def __init__(self, stands: list[Fence | None]) -> None:
        """Stand there."""
        self._stands = stands

    async def fences(self, partitions: Sequence[Partition]) -> dict[Partition, list[Fence | None]]:
        """Tell where."""
        return dict.fromkeys(partitions, self._stands)


@pytest.mark.parametrize(
    ("stands", "alone"),
    [([Fence(9, 5), None], True), ([None, None], False), ([Fence(10, 5), None], False)],
)
async def test_who_is_not_alone_is_refused(stands: list[Fence | None], *, alone: bool) -> None:
    rebuilt = RebuiltScores.__new__(RebuiltScores)
    rebuilt._log, rebuilt.store = cast(Any, Log()), cast(Any, Stored(stands))
    rebuilt._fences = {CLICKS: [Fence(9, 5), None]}
    if alone:
        await rebuilt.check_alone()
        return
    with pytest.raises(RebuildRefused, match="another rebuild"):
        await rebuilt.check_alone()


class Disturbed(Rebuild):
    """A rebuild that finds a customer missing as another one has just discarded what it compares with."""

    async def _catch_up(self) -> int:
        return 0

    async def _bounds(self) -> Bounds:
        return Bounds({}, 1)

    async def _check_policy(self) -> None:
        pass

    async def _suspects(self, _bounds: Bounds) -> Result:
        return Result(1)

    async def _differences(self, *_compared: object) -> dict[str, list[str]]:
        return {"anna": ["the log holds nothing of the customer"]}

    @asynccontextmanager
    async def _held(self) -> AsyncIterator[str]:
        yield "me"


class Shown:
    """Shows nothing."""

    def replacing(self, customers: int) -> None:
        """Do nothing."""


async def test_differences_from_what_is_being_discarded_are_not_told() -> None:
    rebuild = Disturbed(read_settings({}), cast(Any, Shown()), from_beginning=False)
    rebuild._rebuilt._log, rebuild._rebuilt.store = cast(Any, Log()), cast(Any, Stored([None]))
    rebuild._rebuilt._fences = {CLICKS: [Fence(9, 5)]}
    with pytest.raises(RebuildRefused, match="another rebuild"):
        await rebuild._compare_and_replace(dry=True)
