"""The policy in force: what the store keeps of it, so that all workers judge by the same one.

Rests on decisions 45 and 124.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from scoring.policy.change import policy_digest
from scoring.policy.policy import Policy
from scoring.policy.shadow import SHADOW, without_shadow

#: The fields of a customer's hash that hold by which policy, and by which shadow policy, the customer was judged.
POLICY_VERSION, SHADOW_VERSION = "policy_version", f"policy_version:{SHADOW}"
IN_FORCE, TAKEN, SUPERSEDED, MOVED = "in force", "taken", "superseded", "moved"


class StoredPolicy(NamedTuple):
    """The policy in force, and the shadow policy beside it.

    `number` counts the changes; it goes back only where the store has lost some. `digest` tells the contents of both
    from those of others, `text` is the file, `since` when it was put in force (microseconds). `own_digest` is without
    the shadow policy. Of that, `shadow_text` is the file, '' where there is none.
    """

    number: int
    version: str
    digest: str
    text: str
    since: int
    own_digest: str = ""
    shadow_version: str = ""
    shadow_digest: str = ""
    shadow_text: str = ""
    shadow_since: int = 0


def offered(policy: Policy, now: int) -> StoredPolicy:
    """Describe a policy as it is put in force.

    Args:
        policy: read from a file, with the shadow policy beside it, if there is one.
        now: the wall clock, in microseconds.
    """
    digest, shadow = policy_digest(policy), policy.shadow
    if shadow is None:
        return StoredPolicy(0, policy.version, digest, policy.text, now, digest)
    own, beside = policy_digest(without_shadow(policy)), policy_digest(shadow)
    return StoredPolicy(0, policy.version, digest, policy.text, now, own, shadow.version, beside, shadow.text, now)


class SweepPlace(NamedTuple):
    """How far all customers have been brought to follow a policy.

    `number` is that of the policy; `server` the run of the server in which `cursor` holds; `passed` and `total` are
    customers, `total` as counted in the beginning. `done` is 1 when all have been passed.
    """

    number: int = 0
    server: str = ""
    cursor: int = 0
    passed: int = 0
    total: int = 0
    done: int = 0

    def text(self) -> str:
        """Write the place as it is stored."""
        return ";".join(map(str, self))


def parse_place(text: str) -> SweepPlace:
    """Read a place back; '' is the one before the first.

    Args:
        text: as stored.
    """
    if not text:
        return SweepPlace()
    number, server, *rest = text.split(";")
    return SweepPlace(int(number), server, *map(int, rest))


class PolicyStore(Protocol):
    """Where the workers agree on the policy.

    Every method raises `StoreUnavailable` where the store does not answer.
    """

    async def in_force(self) -> StoredPolicy | None:
        """Read the policy in force; None where nobody has put one in force."""
        ...

    async def state(self) -> tuple[int, str]:
        """Read number and digest of the policy in force; 0 and '' where there is none."""
        ...

    async def propose(self, offer: StoredPolicy, seen: int | None) -> str:
        """Put a policy in force, with the shadow policy beside it; one that was there goes on since when it was.

        Args:
            offer: the policy; its number is the one that it gets at least.
            seen: number of the policy that the caller takes to be in force; None for a worker that starts.

        Returns:
            `IN_FORCE`; `TAKEN` where a version has been there with other contents; `SUPERSEDED` where a worker
            starts with a policy in whose place another one was put; `MOVED` where `seen` is not in force.
        """
        ...

    async def sweep(self, worker: str) -> tuple[bool, SweepPlace]:
        """Return how far the sweep has come, and whether this worker may go on with it; one may at a time."""
        ...

    async def swept(self, worker: str, place: SweepPlace) -> bool:
        """Note how far the sweep has come; False where the worker may not go on, or another policy is in force."""
        ...

    async def page(self, cursor: int, count: int) -> tuple[list[str], int]:
        """Give about so many ids from a cursor on, and the next cursor, 0 at the end; some ids may come twice."""
        ...

    async def versions(self, customers: Sequence[str]) -> list[tuple[str, str]]:
        """Return by which version, and by which shadow policy, each was judged; '' for one who has not been."""
        ...

    async def place(self) -> SweepPlace:
        """Return how far the sweep has come."""
        ...

    async def server(self) -> str:
        """Name the run of the server: cursors hold within it."""
        ...
