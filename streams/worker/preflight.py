"""What a worker stands on, checked before it takes its first record: Redis, Kafka, the topics.

Rests on decision 62.
"""

from __future__ import annotations

from typing import Any

from mode import Service

from streams.backoff import Backoff
from streams.doctor.start import warn_of_lost_records
from streams.erasures.knowledge import Erasures
from streams.errors import AccessDenied
from streams.kafka.access import check_worker
from streams.kafka.publisher import Publisher
from streams.kafka.topics import ensure_topics, read_topics
from streams.metrics import Metrics
from streams.policies.in_force import PolicyInForce
from streams.settings.settings import Settings
from streams.store.protocol import Store

_FIRST_WAIT, _LONGEST_WAIT = 0.5, 10.0


class Preflight(Service):
    """Waits for Redis and Kafka, for as long as it takes; the web server is up before and says what is missing."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        publisher: Publisher,
        erasures: Erasures,
        policies: PolicyInForce,
        metrics: Metrics,
        **kwargs: Any,
    ) -> None:
        """Prepare.

        Args:
            settings: name what is looked for.
            store: to be opened.
            publisher: to be opened.
            erasures: to be read before anything is applied.
            policies: to be agreed on with the other workers before anything is judged.
            metrics: count what is waited for, and show topics that keep too little.
            **kwargs: for `mode.Service`.
        """
        super().__init__(**kwargs)
        self._settings = settings
        self._store = store
        self._publisher = publisher
        self._erasures = erasures
        self._policies = policies
        self._metrics = metrics
        self._waiting = Backoff(metrics, self.logger, "waiting for it", _FIRST_WAIT, _LONGEST_WAIT)
        self._not_begun = "starting"

    @property
    def missing(self) -> str:
        """What the start waits for; '' once all is there."""
        return self._waiting.reason or self._not_begun

    async def on_start(self) -> None:
        """Wait, check, create what is absent.

        Raises:
            UnsafeStore: if Redis would lose or drop scores.
            AccessDenied: if Redis or Kafka does not let the worker do its work.
        """
        created = await self._waiting.until_done(self, self._prepare, unless=(AccessDenied,))
        if created is None:
            return
        self._not_begun = ""
        if created:
            self.log.info("created the topics %s", ", ".join(created))
        await warn_of_lost_records(self._settings, self._metrics)

    async def _prepare(self) -> list[str]:
        await self._store.open()
        await self._policies.open()
        await check_worker(self._settings, read_topics(self._settings.policy))
        created = await ensure_topics(self._settings)
        await self._publisher.open()
        await self._erasures.open()
        return created
