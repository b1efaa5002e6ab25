"""Which erasures have been carried out, in memory."""

from __future__ import annotations

from collections.abc import Mapping


class MemoryErasures:
    """The part of `streams.store.protocol.Store` that notes erasures."""

    def __init__(self) -> None:
        """Start with none."""
        super().__init__()
        self._erased: dict[str, int] = {}
        self._carried_out: list[str] = []

    async def erased(self) -> dict[str, int]:
        """Return which erasures have been carried out."""
        return dict(self._erased)

    async def erasures_carried_out(self) -> int:
        """Count the erasures that have been carried out."""
        return len(self._carried_out)

    async def settle_erasures(self, erasures: Mapping[str, int]) -> None:
        """Note that nothing is left to do for erasures."""
        for digest, erased_at in erasures.items():
            self._settle(digest, erased_at)

    def _settle(self, digest: str, erased_at: int) -> None:
        if self._erased.get(digest, -1) < erased_at:
            self._erased[digest] = erased_at
            self._carried_out.append(digest)
