"""One use of the whole system, apart from all others: topics, group, keys and customers of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self, cast

import redis

from streams.kafka.topics import ensure_topics, topic_settings
from streams.settings.settings import Settings, read_settings
from streams.store.redis.store import GROUPS
from streams.topic_names import ALERTS, BAND_CHANGES, DEAD_LETTERS, FEED_ALERTS, SIGNALS, WRITTEN_TOPICS
from tests.polling import poll_until
from tests.services.kafka_client import Record, TopicTail, committed, log_ends, send_batches
from tests.services.log_reader import read_fences
from tests.services.worker import WorkerProcess

#: Placeholder for the namespace in the text of a policy.
NAMESPACE = "NAMESPACE"
_PARTITIONS = 4
_SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$")
_LABEL = re.compile(r'(\w+)="([^"]*)"')


class System:
    """Topics, keys and customers of one namespace, on a broker and a Redis server that others may use too."""

    def __init__(
        self,
        kafka: str,
        redis_url: str,
        namespace: str,
        folder: Path,
        *,
        policy: str,
        clock: str = "wall",
        session_timeout: float = 6.0,
        output_topics: str = "shared",
    ) -> None:
        """Prepare.

        Args:
            kafka: host:port of a broker.
            redis_url: of a Redis server.
            namespace: of its own.
            folder: for the policy and the logs of the workers.
            policy: its text; `NAMESPACE` in it stands for the namespace, so that the topics are of its own.
            clock: ``wall`` or ``stream``.
            session_timeout: of the consumer group, in seconds. The embedded broker answers a join after half of it.
            output_topics: ``shared`` with the other systems, or ``namespace``.
        """
        self.kafka = kafka
        self.redis_url = redis_url
        self.namespace = namespace
        self.folder = folder
        path = folder / f"{namespace}.toml"
        path.write_text(policy.replace(NAMESPACE, namespace), encoding="utf-8")
        self.environment = {
            "ENGAGEMENT_KAFKA_BROKERS": kafka,
            "ENGAGEMENT_KAFKA_SESSION_TIMEOUT": f"{session_timeout:g}",
            "ENGAGEMENT_REDIS_URL": redis_url,
            "ENGAGEMENT_POLICY": str(path),
            "ENGAGEMENT_NAMESPACE": namespace,
            "ENGAGEMENT_OUTPUT_TOPICS": output_topics,
            "ENGAGEMENT_CLOCK": clock,
        }
        self.settings: Settings = read_settings(self.environment)
        self._redis = redis.Redis.from_url(redis_url, decode_responses=True)
        self._alerts = TopicTail(kafka, self.settings.written(ALERTS))
        self._changes = TopicTail(kafka, self.settings.written(BAND_CHANGES))
        self._signals = TopicTail(kafka, self.settings.written(SIGNALS))
        self._letters = TopicTail(kafka, self.settings.written(DEAD_LETTERS))
        self._feeds = TopicTail(kafka, self.settings.written(FEED_ALERTS))
        self._workers: list[WorkerProcess] = []

    def __enter__(self) -> Self:
        """Do nothing; the end stops what was started."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Stop the workers, hard where one hangs, and show their logs (pytest prints them for a failed test)."""
        self._redis.close()
        for worker in self._workers:
            worker.kill()
            if worker.log.exists():
                print(f"--- {worker.log.name}\n{worker.log_tail(80)}")

    async def create_topics(self, partitions: int = _PARTITIONS) -> None:
        """Create the topics as the product does; what others write to the topics of the results is left out."""
        # All systems of a broker share the topics of the results: as many partitions, whichever test comes first.
        created = topic_settings(self.settings.policy, self.settings.topic_prefix)
        always = [topic for topic in map(self.settings.written, WRITTEN_TOPICS) if topic in created]
        await ensure_topics(self.settings, _PARTITIONS, always)
        await ensure_topics(self.settings, partitions)
        for tail in (self._alerts, self._changes, self._signals, self._letters, self._feeds):
            await tail.begin()

    def worker(self, module: Sequence[str] = ("streams", "worker"), **settings: str) -> WorkerProcess:
        """Prepare a worker.

        Args:
            module: what Python runs, and its arguments.
            **settings: other than those of the system, named without their prefix.
        """
        changed = {f"ENGAGEMENT_{name.upper()}": value for name, value in settings.items()}
        log = self.folder / f"{self.namespace}-{len(self._workers)}.log"
        worker = WorkerProcess({**self.environment, **changed}, log, module=module)
        self._workers.append(worker)
        return worker

    def command(self, *arguments: str) -> tuple[int, str]:
        """Run a command of the product to its end; return the exit status and all that it printed."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("ENGAGEMENT_")}
        done = subprocess.run(
            [sys.executable, "-m", "streams", *arguments],
            env={**inherited, **self.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout

    # --- In

    def topic(self, channel: str) -> str:
        """Name the topic of a channel."""
        return f"{self.namespace}-{channel}"

    @property
    def topics(self) -> list[str]:
        """The topics of all channels."""
        return [channel.topic for channel in self.settings.policy.channels]

    def customer(self, name: str) -> str:
        """Make a customer's id that no other system has."""
        return f"{self.namespace}/{name}"

    async def send(self, channel: str, *events: Mapping[str, Any], partition: int = 0) -> None:
        """Write events to a channel's topic, all in one batch."""
        await self.send_raw(channel, [event_record(event) for event in events], partition=partition)

    async def send_raw(self, channel: str, records: Iterable[Record], partition: int = 0) -> None:
        """Write records to a channel's topic, all in one batch."""
        await send_batches(self.kafka, self.topic(channel), [(partition, list(records))])

    # --- Out

    @property
    def redis(self) -> Any:
        """A client of the Redis server."""
        return self._redis

    def fields(self, customer: str) -> dict[str, str]:
        """Read the published fields of a customer."""
        found = cast("dict[str, str]", self._redis.hgetall(f"{self.namespace}:customer:{customer}"))
        return {name: value for name, value in found.items() if not name.startswith("_")}

    def score(self, customer: str) -> str | None:
        """Read a customer's score as it stands."""
        return self.fields(customer).get("score")

    async def wait_for_score(self, customer: str, score: str, within: float = 30.0) -> dict[str, str]:
        """Wait until a customer has a score; return all published fields."""
        found: dict[str, str] = {}

        def reached() -> bool:
            found.clear()
            found.update(self.fields(customer))
            return found.get("score") == score

        try:
            await poll_until(reached, within)
        except AssertionError:
            raise AssertionError(f"{customer!r} has not reached {score}; there is {found}") from None
        return found

    def bands_of(self, customer: str) -> dict[str, float]:
        """Return the bands in whose indexes a customer stands, and since when."""
        bands = ("at_risk", "disengaged", "engaged", "highly_engaged", "power")
        scores = {band: self._redis.zscore(f"{self.namespace}:band:{band}", customer) for band in bands}
        return {band: score for band, score in scores.items() if score is not None}

    def fences(self) -> dict[tuple[str, int], set[int]]:
        """Read the fences: for each partition the offsets at which its groups stand."""
        return read_fences(self.redis_url, self.namespace)

    async def alerts(self, customer: str | None = None) -> list[dict[str, Any]]:
        """Read the alerts of this system's customers, or of one: all that belong to the scores of now."""
        await self._published()
        return self._own(await self._alerts.read(), customer)

    async def band_changes(self, customer: str | None = None) -> list[dict[str, Any]]:
        """Read the band changes of this system's customers, or of one: all that belong to the scores of now."""
        await self._published()
        return self._own(await self._changes.read(), customer)

    async def signals(self, customer: str | None = None) -> list[dict[str, Any]]:
        """Read the signals of this system's customers, or of one: all that belong to the scores of now."""
        await self._published()
        return self._own(await self._signals.read(), customer)

    async def _published(self, within: float = 30.0) -> None:
        """Wait until a running worker has published what belongs to the scores of now.

        A message is stored with the score and published after it, so whoever has seen a score may come before it.
        """
        waiting = self._waiting()

        def gone() -> bool:
            waiting.intersection_update(self._waiting())
            return not (waiting and any(worker.running for worker in self._workers))

        await poll_until(gone, within)

    def _waiting(self) -> set[tuple[int, str]]:
        """List the messages that are stored and not published, by their group."""
        pipeline = self._redis.pipeline(transaction=False)
        for group in range(GROUPS):
            pipeline.zrange(f"{self.namespace}:_outbox:{group}", 0, -1)
        return {(group, entry) for group, entries in enumerate(pipeline.execute()) for entry in entries}

    def _own(self, records: Iterable[Any], customer: str | None) -> list[dict[str, Any]]:
        wanted = customer if customer is not None else f"{self.namespace}/"
        own = []
        for record in records:
            key = record.key.decode()
            if key == customer or (customer is None and key.startswith(wanted)):
                message = json.loads(record.value)
                assert message["customer_id"] == key
                own.append(message)
        return own

    async def wait_for_alerts(self, customer: str, count: int, within: float = 30.0) -> list[dict[str, Any]]:
        """Wait until a customer has at least that many alerts."""

        async def came() -> list[dict[str, Any]]:
            found = await self.alerts(customer)
            return found if len(found) >= count else []

        found: list[dict[str, Any]] = await poll_until(came, within)
        return found

    async def dead_letters(self) -> list[Any]:
        """Read the dead letters of this system's topics, as aiokafka's consumer records."""
        return [
            record
            for record in await self._letters.read()
            if dict(record.headers)["dlq.topic"].decode().startswith(self.namespace)
        ]

    async def feed_alerts(self) -> list[dict[str, Any]]:
        """Read what was told of this system's feeds, in the order of its time."""
        messages = [json.loads(record.value) for record in await self._feeds.read()]
        own = [message for message in messages if message["namespace"] == self.namespace]
        return sorted(own, key=lambda message: str(message["occurred_at"]))

    async def committed(self) -> dict[tuple[str, int], int]:
        """Return what the consumer group has committed."""
        return await committed(self.kafka, self.namespace, self.topics)

    async def log_ends(self) -> dict[tuple[str, int], int]:
        """Return the ends of the logs of the source topics."""
        return await log_ends(self.kafka, self.topics)


def event(customer: str, kind: str, at: float | str | None = None, **more: Any) -> dict[str, Any]:
    """Make an event, by default of now."""
    return {"customer_id": customer, "type": kind, "timestamp": time.time() if at is None else at, **more}


def instant(seconds: float) -> str:
    """Write a time (Unix seconds) as the product publishes it."""
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None).isoformat() + "Z"


def seconds(published: str) -> float:
    """Read a time as the product publishes it: Unix seconds."""
    return datetime.fromisoformat(published).timestamp()


def event_record(body: Mapping[str, Any], key: bytes | None = None) -> Record:
    """Write an event as a record; by default the customer's id is the key."""
    return Record(json.dumps(body).encode(), str(body["customer_id"]).encode() if key is None else key)


def metric(worker: WorkerProcess, name: str, **labels: str) -> float:
    """Add up the samples of a metric that have some labels."""
    total = 0.0
    for line in worker.get("/metrics")[1].splitlines():
        sample = _SAMPLE.match(line)
        if sample and sample[1] == name and labels.items() <= dict(_LABEL.findall(sample[2] or "")).items():
            total += float(sample[3])
    return total


async def wait_for_metric(value: float, worker: WorkerProcess, name: str, **labels: str) -> None:
    """Wait until the samples of a metric that have some labels add up to a value.

    A worker counts what it has done after it has done it, so whoever has seen a score may come before it.
    """
    found = 0.0

    def reached() -> bool:
        nonlocal found
        found = metric(worker, name, **labels)
        return found == value

    try:
        await poll_until(reached, 30)
    except AssertionError:
        raise AssertionError(f"{name} {labels} has not reached {value:g}; it is {found:g}") from None
