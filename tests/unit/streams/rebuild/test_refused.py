"""A rebuild that is refused before it begins."""

from __future__ import annotations

from typing import Any, cast

import pytest

from streams.errors import RebuildRefused
from streams.rebuild.rebuild import Rebuild
from streams.settings.settings import read_settings


class Nothing:
    """A namespace in which nothing is stored."""

    namespace = "none"

    def __init__(self) -> None:
        """Start connected."""
        self.closed = False

    async def exists(self) -> bool:
        """Return False."""
        return False

    async def close(self) -> None:
        """Give up the connection."""
        self.closed = True


async def test_a_rebuild_of_nothing_gives_up_its_connections() -> None:
    rebuild = Rebuild(read_settings({}), cast(Any, None), from_beginning=False)
    live, rebuilt = Nothing(), Nothing()
    rebuild._live, rebuild._rebuilt = cast(Any, live), cast(Any, rebuilt)
    with pytest.raises(RebuildRefused, match="nothing is stored under 'none'"):
        await rebuild.run(dry=True)

    assert live.closed
    assert rebuilt.closed
