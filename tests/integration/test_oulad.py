"""The whole system over a year of real events, compared with the brute force to the last digit."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from tests.oulad.whole_system import replay
from tests.services.kafka import KafkaBroker
from tests.services.redis import local_redis

EVENTS = os.environ.get("ENGAGEMENT_TEST_OULAD", "")
#: Minutes: brute force, replay and two workers share the machine.
SECONDS = 540


@pytest.mark.slow
@pytest.mark.timeout(SECONDS)
@pytest.mark.skipif(not EVENTS, reason="ENGAGEMENT_TEST_OULAD names no file of events")
@pytest.mark.usefixtures("kafka_here")
async def test_a_year_of_real_events_is_scored_to_the_last_digit() -> None:
    # The policy names the topics, so the broker is one of its own.
    with KafkaBroker() as kafka, local_redis() as store:
        report = await asyncio.to_thread(replay, Path(EVENTS), kafka.bootstrap, store.url, "oulad")
    print(report)
    assert report.differences == []
    assert report.customers > 1_000
    assert report.alerts > report.recoveries > 0
