"""A whole system to measure: broker, Redis, topics, and one worker that is ready."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks import product
from tests.benchmarks.workload import PARTITIONS, Workload, create_topics
from tests.services.kafka import KafkaBroker
from tests.services.process_figures import cpu_seconds
from tests.services.redis import local_redis
from tests.services.worker import WorkerProcess

PREFIX = "bench-"
NAMESPACE = "bench"


@dataclass(frozen=True)
class System:
    """A running system; the topics' names begin with PREFIX, the keys with NAMESPACE."""

    brokers: str
    url: str
    worker: WorkerProcess
    pids: Mapping[str, int]

    def cpu_seconds(self) -> dict[str, float]:
        """Return how long each of worker, Redis and broker has computed."""
        return {name: cpu_seconds(pid) for name, pid in self.pids.items()}


@contextmanager
def running(policy: str, package: Path | None, partitions: int = PARTITIONS) -> Iterator[System]:
    """Run a system on Apache Kafka.

    Args:
        policy: TOML, for topics with the prefix.
        package: where the package to run is installed; None for the sources.
        partitions: of each source topic.

    Yields:
        The system, with its worker ready.
    """
    with KafkaBroker(heap="1g") as kafka, local_redis() as store, tempfile.TemporaryDirectory() as folder:
        asyncio.run(create_topics(kafka.bootstrap, Workload(PREFIX, 0, 0, partitions)))
        file = Path(folder) / "policy.toml"
        file.write_text(policy)
        settings = product.settings(kafka.bootstrap, store.url, NAMESPACE, file, package)
        with WorkerProcess(settings, Path(folder) / "worker.log") as worker:
            assert kafka.pid
            assert store.pid
            pids = {"worker": worker.process.pid, "Redis": store.pid, "broker": kafka.pid}
            yield System(kafka.bootstrap, store.url, worker, pids)


def cpu_shares(before: Mapping[str, float], after: Mapping[str, float], seconds: float) -> str:
    """Say how busy the parts of a system were.

    Args:
        before: CPU seconds of each at the start.
        after: at the end.
        seconds: between.

    Returns:
        One line.
    """
    shares = [f"{name} {(after[name] - before[name]) / seconds:.0%}" for name in after]
    return f"of one core each: {', '.join(shares)}"
