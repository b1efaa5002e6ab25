"""The policy in force, in memory.

Rests on decision 45.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from streams.store.policies import (
    IN_FORCE,
    MOVED,
    POLICY_VERSION,
    SHADOW_VERSION,
    SUPERSEDED,
    TAKEN,
    StoredPolicy,
    SweepPlace,
)


class MemoryPolicies:
    """See `streams.store.policies.PolicyStore` for the contract."""

    def __init__(self, hashes: Mapping[str, Mapping[str, str]]) -> None:
        """Start with no policy in force.

        Args:
            hashes: each customer's fields.
        """
        self._hashes = hashes
        self._record: StoredPolicy | None = None
        self._digests: dict[str, str] = {}
        self._shadows: dict[str, str] = {}
        self._walker = ""
        self._place = SweepPlace()

    def allows(self, digest: str) -> bool:
        """Return whether what was judged by a policy may be written.

        Args:
            digest: of the policy.
        """
        return self._record is None or self._record.digest == digest

    async def in_force(self) -> StoredPolicy | None:
        """Read the policy in force."""
        return self._record

    async def state(self) -> tuple[int, str]:
        """Read number and digest."""
        return (self._record.number, self._record.digest) if self._record else (0, "")

    async def propose(self, offer: StoredPolicy, seen: int | None) -> str:
        """Put a policy in force."""
        number, digest = await self.state()
        before, known = self._record, self._digests.get(offer.version)
        shadow, shadow_known = offer.shadow_version, self._shadows.get(offer.shadow_version)
        if digest == offer.digest:
            return IN_FORCE
        if known not in (None, offer.own_digest) or shadow_known not in (None, offer.shadow_digest):
            return TAKEN
        if seen is None and known is not None and before is not None and before.version != offer.version:
            return SUPERSEDED
        if seen is not None and seen != number:
            return MOVED
        since, shadow_since = offer.since, offer.shadow_since
        if before is not None and before.version == offer.version:
            since = before.since
        if before is not None and shadow and before.shadow_version == shadow:
            shadow_since = before.shadow_since
        self._record = offer._replace(number=max(number + 1, offer.number), since=since, shadow_since=shadow_since)
        self._digests[offer.version] = offer.own_digest
        if shadow:
            self._shadows[shadow] = offer.shadow_digest
        return IN_FORCE

    async def sweep(self, worker: str) -> tuple[bool, SweepPlace]:
        """Return how far the sweep has come."""
        self._walker = self._walker or worker
        return self._walker == worker, self._place

    async def swept(self, worker: str, place: SweepPlace) -> bool:
        """Note how far the sweep has come."""
        if self._walker != worker or place.number != (await self.state())[0]:
            return False
        self._place = place
        return True

    async def page(self, cursor: int, count: int) -> tuple[list[str], int]:
        """Give some ids, in the order in which they came."""
        some = list(self._hashes)[cursor : cursor + count]
        after = cursor + len(some)
        return some, after if after < len(self._hashes) else 0

    async def versions(self, customers: Sequence[str]) -> list[tuple[str, str]]:
        """Return by which version each was judged."""
        found = [self._hashes.get(customer, {}) for customer in customers]
        return [(fields.get(POLICY_VERSION, ""), fields.get(SHADOW_VERSION, "")) for fields in found]

    async def place(self) -> SweepPlace:
        """Return how far the sweep has come."""
        return self._place

    async def server(self) -> str:
        """Name the run of the server: it is this process."""
        return ""
