"""Redis that fails over to a replica which lags, through Sentinel: acknowledged writes are lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.faults.conftest import MakeRun
from tests.faults.redis_faults import fail_over, fail_over_from_frozen
from tests.faults.run import FaultRun
from tests.services.sentinel import RedisWithSentinel

pytestmark = [pytest.mark.timeout(540), pytest.mark.faults]


@pytest.fixture
def servers() -> Iterator[RedisWithSentinel]:
    """Run a primary, a replica and their Sentinels."""
    with RedisWithSentinel() as running:
        yield running


@pytest.mark.parametrize(
    ("title", "inject", "times"),
    [
        ("Redis fails over to a replica that lags, through Sentinel", fail_over, 5),
        ("Redis frozen, fails over, goes on as if it were the primary", fail_over_from_frozen, 2),
    ],
    ids=["killed", "frozen"],
)
def test_writes_that_a_failover_lost_are_made_again(
    fault_run: MakeRun, servers: RedisWithSentinel, title: str, inject: Callable[[FaultRun], int], times: int
) -> None:
    through_sentinel = {"ENGAGEMENT_REDIS_URL": servers.sentinel_url}
    with fault_run(title, redis_server=servers, environment=through_sentinel) as run:
        for _ in run.faults(times, apart=2_000):
            lost = inject(run)
            assert lost > 0, "nothing was lost"
