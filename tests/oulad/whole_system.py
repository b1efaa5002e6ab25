"""Replays an events file through the whole system, and compares what comes out with the brute force.

Real workers, Kafka and Redis; the stream clock. `python -m tests.oulad.whole_system EVENTS` prints the numbers.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import redis

from tests.oulad import brute_force
from tests.polling import wait_until
from tests.services.log_reader import read_customers, read_messages
from tests.services.worker import WorkerProcess

POLICY = Path(__file__).parents[2] / "deploy" / "policies" / "oulad.toml"
_COMPARED = ("band", "band_since", "previous_band", "disengages_at", "last_event_at")


@dataclass(slots=True)
class Report:
    """What came out, and every difference to the brute force."""

    customers: int
    alerts: int
    recoveries: int
    band_changes: int
    repeated: int
    differences: list[str]
    seconds: float


def expected(policy: Path, events: Path) -> dict[str, Any]:
    """Compute what should come out, in a process of its own that shares no code with the product."""
    command = [sys.executable, brute_force.__file__, str(policy), str(events)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return {row["customer_id"]: row for row in map(brute_force.json.loads, output.splitlines())}


def replay(events: Path, kafka: str, url: str, namespace: str, *, workers: int = 2, policy: Path = POLICY) -> Report:
    """Run the system over a file.

    Args:
        events: JSON Lines, plain or gzipped.
        kafka: host:port of a broker whose topics are not used otherwise.
        url: of Redis.
        namespace: of the run.
        workers: how many.
        policy: in force.

    Returns:
        The report.
    """
    environment = {
        "ENGAGEMENT_KAFKA_BROKERS": kafka,
        "ENGAGEMENT_KAFKA_SESSION_TIMEOUT": "10",
        "ENGAGEMENT_REDIS_URL": url,
        "ENGAGEMENT_NAMESPACE": namespace,
        "ENGAGEMENT_POLICY": str(policy),
        "ENGAGEMENT_CLOCK": "stream",
    }
    wanted = expected(policy, events)
    started = time.monotonic()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for number in range(workers):
            stack.enter_context(WorkerProcess(environment, folder / f"worker-{number}.log"))
        command = [sys.executable, "-m", "streams", "replay", str(events)]
        subprocess.run(command, check=True, env=environment, capture_output=True, timeout=300)
        last = max(row["last_event_at"] for row in wanted.values())
        wait_until(lambda: _judged_to_the_end(url, namespace, wanted, last), timeout=240)
    differences = list(_score_differences(wanted, read_customers(url, namespace)))
    alerts = asyncio.run(read_messages(kafka, "churn-risk-alerts"))
    changes = asyncio.run(read_messages(kafka, "engagement-band-changes"))
    by_id = {alert["alert_id"]: alert for alert in alerts}
    differences += _history_differences(wanted, "alerts", by_id.values(), ("kind", "occurred_at", "band", "score"))
    changes_by_id = {change["change_id"]: change for change in changes}
    names = ("occurred_at", "band", "previous_band", "score", "previous_score")
    differences += _history_differences(wanted, "band_changes", changes_by_id.values(), names)
    return Report(
        customers=len(wanted),
        alerts=sum(alert["kind"] == "churn_risk" for alert in by_id.values()),
        recoveries=sum(alert["kind"] == "recovered" for alert in by_id.values()),
        band_changes=len(changes_by_id),
        repeated=len(alerts) - len(by_id) + len(changes) - len(changes_by_id),
        differences=differences,
        seconds=time.monotonic() - started,
    )


def _judged_to_the_end(url: str, namespace: str, wanted: Mapping[str, Any], last: str) -> bool:
    """Tell whether every customer has been judged after the last event, and nothing waits to be published."""
    client = redis.Redis.from_url(url, decode_responses=True)
    try:
        until = brute_force.micros(last)
        names = [name for name in client.keys(f"{namespace}:_*") if name.split(":")[1] in ("_crossings", "_refreshes")]
        due = sum(client.zcount(name, "-inf", until) for name in names)
        waiting = sum(client.zcard(name) for name in client.keys(f"{namespace}:_outbox:*"))
        found = sum(client.zcard(name) for name in client.keys(f"{namespace}:band:*"))
    finally:
        client.close()
    return due == 0 and waiting == 0 and found == len(wanted)


def _score_differences(wanted: Mapping[str, Any], found: Mapping[str, Mapping[str, str]]) -> Iterable[str]:
    for customer in sorted(wanted.keys() | found.keys()):
        if customer not in wanted or customer not in found:
            yield f"{customer}: only in {'the store' if customer in found else 'the reference'}"
            continue
        right, stored = wanted[customer], found[customer]
        points = {"score": right["score"], "trend": right["trend"], **right["points"]}
        for name, value in points.items():
            if Decimal(stored[name]) != Decimal(str(value)):
                yield f"{customer}: {name} is {stored[name]}, not {value}"
        for name in _COMPARED:
            if stored[name] != right[name]:
                yield f"{customer}: {name} is {stored[name]!r}, not {right[name]!r}"


def _history_differences(
    wanted: Mapping[str, Any], kind: str, found: Iterable[Mapping[str, Any]], names: tuple[str, ...]
) -> list[str]:
    right = {_words(customer, entry, names) for customer, row in wanted.items() for entry in row[kind]}
    came = {_words(entry["customer_id"], entry, names) for entry in found}
    return [f"{kind}: missing {words}" for words in right - came] + [f"{kind}: wrong {words}" for words in came - right]


def _words(customer: str, entry: Mapping[str, Any], names: tuple[str, ...]) -> tuple[str, ...]:
    words = [customer]
    for name in names:
        value = entry[name]
        words.append(f"{Decimal(str(value)):.2f}" if "score" in name else str(value))
    return tuple(words)


def main() -> int:
    """Run with services of its own; return 1 where there are differences."""
    from tests.services.kafka import KafkaBroker  # noqa: PLC0415 - only here
    from tests.services.redis import local_redis  # noqa: PLC0415

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("events", type=Path)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    with KafkaBroker() as kafka, local_redis() as store:
        report = replay(arguments.events, kafka.bootstrap, store.url, "oulad", workers=arguments.workers)
    print(
        f"{report.customers} customers, {report.alerts} churn alerts, {report.recoveries} recoveries, "
        f"{report.band_changes} band changes, {report.repeated} repeated messages, "
        f"{len(report.differences)} differences, {report.seconds:.0f} s"
    )
    print("\n".join(report.differences[:20]))
    return 1 if report.differences else 0


if __name__ == "__main__":
    sys.exit(main())
