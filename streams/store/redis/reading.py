"""The scores as they are stored, for who only looks: nothing is written, no function library is needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from scoring.policy.policy import Policy
from streams.settings.settings import Settings
from streams.store.fields.customer_reading import fields_in
from streams.store.redis.store import RedisStore


class ScoreReader(RedisStore):
    """Reads customers whole, many at a time."""

    async def hashes(self, customers: Sequence[str]) -> list[dict[str, str]]:
        """Read all fields of customers.

        Args:
            customers: their ids.

        Returns:
            The fields of each, none for one who is not stored, or whose key holds something else than a hash.
        """
        answers = await self._send([["HGETALL", self._key(customer)] for customer in customers], foreign=True)
        return [fields_in(answer or ()) for answer in answers]

    async def pane(self) -> str:
        """Return the length of the panes in which counts are stored, such as ``1d``; '' where nothing is stored."""
        [pane] = await self._send([["HGET", f"{self._prefix}_format", "window.pane"]])
        return str(pane or "")


def score_reader(settings: Settings, policy: Policy) -> ScoreReader:
    """Make a reader.

    Args:
        settings: name the server and the namespace.
        policy: by which the customers are read.
    """
    return ScoreReader(replace(settings, policy=policy))
