"""A log of real Segment calls through the whole service, compared with the brute force to the last digit."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest

from tests.polling import wait_until
from tests.reference import brute_force
from tests.reference.comparison import (
    alert_differences,
    band_change_differences,
    expected,
    index_differences,
    judged_to_the_end,
    score_differences,
)
from tests.services.kafka import KafkaBroker
from tests.services.kafka_client import Record, send_batches
from tests.services.log_reader import read_band_indexes, read_customers, read_messages
from tests.services.redis import local_redis
from tests.services.system import System

LOG = os.environ.get("ENGAGEMENT_TEST_SEGMENT_LOG", "")
SECONDS = 540
_TOGETHER = 2_000
POLICY = """
version = "log-1"
[window]
length = "30d"
pane = "1d"
trend = "7d"
[bands]
disengaged = 0
engaged = 20
highly_engaged = 60
power = 150
[alerts]
rearm_margin = 5
cooldown = "24h"
[clock]
lateness = "0s"
idle_after = "5s"
[channels.clickstream]
topic = "own-clickstream"
weights = { page_view = 1, "Feature Selected" = 2, "Feature Run Clicked" = 5 }
cap = { page_view = 10 }
"""
SOURCE = """
[sources.calls]
format = "segment"
topic = "NAMESPACE-calls"
"""


def calls(path: Path) -> Iterator[dict[str, Any]]:
    """Read the calls."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def own_event(call: dict[str, Any]) -> dict[str, Any] | None:
    """Say what a call of the log means: nobody in it has a user's id, so nothing can be linked."""
    assert "userId" not in call
    if call["type"] == "identify":
        return None
    kind = "page_view" if call["type"] == "page" else call["event"]
    times = {"timestamp": call["timestamp"], "event_id": call["messageId"]}
    return {"channel": "clickstream", "customer_id": call["anonymousId"], "type": kind, **times}


def batches(log: list[dict[str, Any]]) -> list[tuple[int, list[Record]]]:
    """Cut the log into batches of two partitions, in the order of time; a customer keeps to one of them."""
    found = []
    for start in range(0, len(log), _TOGETHER):
        parts: tuple[list[Record], list[Record]] = ([], [])
        for call in log[start : start + _TOGETHER]:
            key = call["anonymousId"].encode()
            parts[crc32(key) % 2].append(Record(json.dumps(call).encode(), key))
        found += [(number, part) for number, part in enumerate(parts) if part]
    return found


@pytest.mark.slow
@pytest.mark.timeout(SECONDS)
@pytest.mark.skipif(not LOG, reason="ENGAGEMENT_TEST_SEGMENT_LOG names no log of Segment calls")
@pytest.mark.usefixtures("kafka_here")
async def test_a_log_of_real_segment_calls_is_scored_to_the_last_digit(tmp_path: Path) -> None:
    policy, events = tmp_path / "own.toml", tmp_path / "events.jsonl"
    policy.write_text(POLICY, encoding="utf-8")
    made = [event for call in calls(Path(LOG)) if (event := own_event(call)) is not None]
    events.write_text("".join(f"{json.dumps(event)}\n" for event in made), encoding="utf-8")
    wanted = await asyncio.to_thread(expected, policy, events)
    newest = max(brute_force.micros(event["timestamp"]) for event in made)

    # Nobody else's alerts are in the topics of a broker of one's own.
    with (
        KafkaBroker() as kafka,
        local_redis() as store,
        System(kafka.bootstrap, store.url, "calls", tmp_path, policy=POLICY + SOURCE, clock="stream") as system,
    ):
        await system.create_topics(partitions=2)
        with system.worker(), system.worker():
            await send_batches(system.kafka, "calls-calls", batches(list(calls(Path(LOG)))))
            done = lambda: judged_to_the_end(store.url, "calls", len(wanted), newest)  # noqa: E731 - said once
            await asyncio.to_thread(wait_until, done, timeout=300)
        differences = [
            *score_differences(wanted, read_customers(store.url, "calls")),
            *index_differences(wanted, read_band_indexes(store.url, "calls")),
            *alert_differences(wanted, await read_messages(kafka.bootstrap, "churn-risk-alerts")),
            *band_change_differences(wanted, await read_messages(kafka.bootstrap, "engagement-band-changes")),
        ]
        letters = await system.dead_letters()
    assert differences == []
    assert letters == []
    assert len(wanted) > 1_000
    assert sum(len(row["alerts"]) for row in wanted.values()) > 0
