"""The hold of the writers while a rebuild replaces scores."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from streams.rebuild import rebuild
from streams.rebuild.rebuild import Rebuild


class Live:
    """A store that is held, and whose client loses a cancellation that comes while it answers."""

    def __init__(self) -> None:
        """Start with nobody holding it."""
        self.held = 0
        self.released = False
        self.renewed = asyncio.Event()

    async def hold(self, _holder: str, _milliseconds: int) -> bool:
        """Take a moment, whatever comes."""
        self.held += 1
        if self.held > 1:
            self.renewed.set()
        try:
            await asyncio.sleep(0.05)
        except asyncio.CancelledError:
            # As a client that has the answer already.
            await asyncio.sleep(0)
        return True

    async def release(self, _holder: str) -> None:
        """Let go."""
        self.released = True


@pytest.mark.timeout(20)
async def test_a_hold_ends_though_it_is_just_being_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebuild, "_RENEW_SECONDS", 0.01)
    live, held = Live(), Rebuild.__new__(Rebuild)
    held._live = cast(Any, live)
    async with held._held():
        await live.renewed.wait()
    assert live.released
