"""Systems for the tests of this folder: on the best services of the machine, and on the embedded pair."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.integration.secured import Secured, run_secured
from tests.services.kafka import DistributionError, KafkaBroker, class_path
from tests.services.system import System

MakeSystem = Callable[..., System]


@pytest.fixture
def make_system(kafka_bootstrap: str, redis_url: str, tmp_path: Path) -> Iterator[MakeSystem]:
    """Make systems on the best services, or on those that are named."""
    with ExitStack() as stack:

        def make(policy: str, **options: Any) -> System:
            name = f"test-{secrets.token_hex(6)}"
            servers = {"kafka": kafka_bootstrap, "redis_url": redis_url}
            options = {**servers, **options}
            return stack.enter_context(
                System(options.pop("kafka"), options.pop("redis_url"), name, tmp_path, policy=policy, **options)
            )

        yield make


@pytest.fixture(scope="session")
def kafka_here() -> None:
    """Skip where no broker of one's own can be started."""
    try:
        class_path()
    except DistributionError as reason:
        pytest.skip(f"needs a broker of its own: {reason}")


@pytest.fixture(scope="session")
def secured(kafka_here: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:  # noqa: ARG001
    """Give servers that let nobody in without TLS, a password and rights."""
    with run_secured(tmp_path_factory.mktemp("secured")) as servers:
        yield servers


@pytest.fixture(scope="session")
def own_kafka(kafka_here: None) -> Iterator[KafkaBroker]:  # noqa: ARG001
    """Give a broker that may be killed and started again, and whose log cleaner does not wait."""
    with KafkaBroker({"log.cleaner.backoff.ms": "200", "log.cleaner.min.compaction.lag.ms": "0"}) as broker:
        yield broker
