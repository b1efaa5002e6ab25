"""A network between workers and Redis that loses every packet for a while, or is slow."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from streams.embedded import EmbeddedRedis
from tests.faults.conftest import MakeRun
from tests.faults.redis_faults import drop_packets
from tests.services.redis import local_redis
from tests.services.redis_proxy import RedisProxy

pytestmark = [pytest.mark.timeout(540), pytest.mark.faults]


@pytest.fixture
def server() -> Iterator[EmbeddedRedis]:
    """Run a server that workers reach by a proxy."""
    with local_redis() as running:
        yield running


@pytest.fixture
def proxy(server: EmbeddedRedis) -> Iterator[RedisProxy]:
    """Run the proxy."""
    with RedisProxy(server.port) as running:
        yield running


def test_calls_that_arrive_long_after_they_were_given_up_change_nothing(
    fault_run: MakeRun, server: EmbeddedRedis, proxy: RedisProxy
) -> None:
    with fault_run("Redis unreachable, sockets open, 30 s", redis_server=server, redis_url=proxy.url) as run:
        for _ in run.faults(2, apart=10_000):
            drop_packets(run, proxy, 30)


def test_a_slow_redis_slows_the_stream_and_changes_nothing(
    fault_run: MakeRun, server: EmbeddedRedis, proxy: RedisProxy
) -> None:
    title = "Redis slow, 200 ms a call, for 10,000 records"
    with fault_run(title, redis_server=server, redis_url=proxy.url) as run:
        for _ in run.faults(1, apart=10_000):
            proxy.delay = 0.2
            run.wait_for_progress(10_000, within=240)
            proxy.delay = 0.0
