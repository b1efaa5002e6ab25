"""The policy in force, in memory.

Rests on decision 45.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from streams.store.policies import IN_FORCE, MOVED, SUPERSEDED, TAKEN, StoredPolicy, SweepPlace


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
        known = self._digests.get(offer.version)
        if digest == offer.digest:
            return IN_FORCE
        if known not in (None, offer.digest):
            return TAKEN
        if seen is None and known is not None:
            return SUPERSEDED
        if seen is not None and seen != number:
            return MOVED
        self._record = offer._replace(number=max(number + 1, offer.number))
        self._digests[offer.version] = offer.digest
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

    async def versions(self, customers: Sequence[str]) -> list[str]:
        """Return by which version each was judged."""
        return [self._hashes.get(customer, {}).get("policy_version", "") for customer in customers]

    async def place(self) -> SweepPlace:
        """Return how far the sweep has come."""
        return self._place

    async def server(self) -> str:
        """Name the run of the server: it is this process."""
        return ""
