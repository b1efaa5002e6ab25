"""Redis that answers, but refuses: full, busy, no primary, another's slot, a key of another type."""

from __future__ import annotations

import pytest

from tests.faults.conftest import MakeRun
from tests.faults.redis_faults import answer_with, demote, fill, keep_busy, plant
from tests.services.redis import local_redis
from tests.services.redis_proxy import RedisProxy

pytestmark = [pytest.mark.timeout(540), pytest.mark.faults]


def test_redis_at_its_memory_limit_holds_the_stream_until_it_is_relieved(fault_run: MakeRun) -> None:
    with fault_run("Redis at its memory limit (noeviction), then relieved") as run:
        for _ in run.faults(2, apart=10_000):
            fill(run)


def test_a_script_of_somebody_else_holds_the_stream_until_it_ends(fault_run: MakeRun) -> None:
    with fault_run("Redis answers BUSY: a script of another client") as run:
        for _ in run.faults(2, apart=10_000):
            keep_busy(run)


def test_a_primary_that_becomes_a_replica_holds_the_stream(fault_run: MakeRun) -> None:
    with fault_run("Redis answers READONLY: it is a replica for a while") as run:
        for _ in run.faults(2, apart=10_000):
            demote(run)


@pytest.mark.parametrize("error", ["MOVED 3999 127.0.0.1:1", "OOM command not allowed when used memory > 'maxmemory'."])
def test_an_error_in_place_of_every_answer_holds_the_stream(fault_run: MakeRun, error: str) -> None:
    server = local_redis()
    server.start()
    with RedisProxy(server.port) as proxy:
        title = f"Redis answers {error.partition(' ')[0]} to everything"
        with fault_run(title, redis_server=server, redis_url=proxy.url) as run:
            for _ in run.faults(2, apart=10_000):
                answer_with(run, proxy, error)


def test_a_key_that_holds_something_else_ends_workers_and_changes_nothing(fault_run: MakeRun) -> None:
    with fault_run("a function would fail half-way: a key of another type") as run:
        for number in run.faults(4, apart=5_000):
            plant(run, ("band:engaged", "_crossings:3", "_fences:5", "_refreshes:7")[number])
