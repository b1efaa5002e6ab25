"""Replays an events file through the whole system, and compares what comes out with the brute force.

Real workers, Kafka and Redis; the stream clock. `python -m tests.oulad.whole_system EVENTS` prints the numbers.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from streams.policy_file.document import parse_policy
from tests.polling import wait_until
from tests.reference import absent, brute_force
from tests.reference.comparison import (
    alert_differences,
    band_change_differences,
    expected,
    index_differences,
    judged_to_the_end,
    score_differences,
)
from tests.services.log_reader import read_band_indexes, read_customers, read_messages
from tests.services.worker import WorkerProcess

POLICY = Path(__file__).parents[2] / "deploy" / "policies" / "oulad.toml"


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
        last = max(brute_force.micros(row["last_event_at"]) for row in wanted.values())
        wait_until(lambda: judged_to_the_end(url, namespace, len(wanted), last), timeout=240)
    alerts = asyncio.run(read_messages(kafka, "churn-risk-alerts"))
    changes = asyncio.run(read_messages(kafka, "engagement-band-changes"))
    differences = [
        *score_differences(wanted, read_customers(url, namespace)),
        *index_differences(wanted, read_band_indexes(url, namespace)),
        *alert_differences(wanted, [alert for alert in alerts if alert["kind"] not in absent.KINDS]),
        *absent.absence_differences(absences_of(policy, events), alerts),
        *band_change_differences(wanted, changes),
    ]
    by_id = {alert["alert_id"]: alert for alert in alerts}
    changes_by_id = {change["change_id"] for change in changes}
    return Report(
        customers=len(wanted),
        alerts=sum(alert["kind"] == "churn_risk" for alert in by_id.values()),
        recoveries=sum(alert["kind"] == "recovered" for alert in by_id.values()),
        band_changes=len(changes_by_id),
        repeated=len(alerts) - len(by_id) + len(changes) - len(changes_by_id),
        differences=differences,
        seconds=time.monotonic() - started,
    )


def absences_of(policy: Path, events: Path) -> absent.Alerts:
    """Give the alerts of absence that a file of events says.

    Args:
        policy: in force.
        events: JSON Lines, plain or gzipped.
    """
    opened = gzip.open if events.suffix == ".gz" else open
    with opened(events, "rt", encoding="utf-8") as lines:
        return absent.expected(parse_policy(policy.read_text(encoding="utf-8")), map(json.loads, lines))


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
