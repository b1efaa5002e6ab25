"""The fixture of the fault suite, and its table at the end."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.faults.run import FaultRun, Plan, Result
from tests.services.redis import local_redis

RESULTS = pytest.StashKey[list[Result]]()
MakeRun = Callable[..., AbstractContextManager[FaultRun]]
_TABLE = "{:<64} {:>8} {:>9} {:>7} {:>7} {:>8} {:>11} {:>5}"


@pytest.fixture
def fault_run(request: pytest.FixtureRequest, tmp_path: Path) -> MakeRun:
    """Give what makes runs: called with the title of the row and the options of `Plan`, a context that is a run.

    Further options: `kafka` (host:port) is by default the best broker of the machine, shared by the rows; a row that
    harms the broker brings its own. `redis_config` are directives for the run's own Redis server, `redis_server` is
    another one.
    """

    @contextmanager
    def make(fault: str, **options: Any) -> Iterator[FaultRun]:
        kafka = options.pop("kafka", None) or request.getfixturevalue("kafka_bootstrap")
        server = options.pop("redis_server", None) or local_redis(options.pop("redis_config", None))
        run = FaultRun(fault, Plan(**options), kafka, server, tmp_path, f"faults-{secrets.token_hex(4)}")
        try:
            with run:
                yield run
        finally:
            if run.result is not None:
                request.config.stash.setdefault(RESULTS, []).append(run.result)

    return make


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table: what was injected, and what came out of it."""
    results = config.stash.get(RESULTS, [])
    if not results:
        return
    terminalreporter.section("faults")
    heads = ("fault", "injected", "records", "workers", "alerts", "repeated", "differences", "s")
    terminalreporter.line(_TABLE.format(*heads))
    for each in results:
        numbers = (each.injected, each.records, each.workers, each.alerts, each.repeated, each.differences)
        terminalreporter.line(_TABLE.format(each.fault, *(f"{n:,}" for n in numbers), f"{each.seconds:.0f}"))
