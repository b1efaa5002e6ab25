"""What a worker has in hand stays small however much waits: a short form of `make memory`."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path

import pytest

from tests.memory.backlog import Backlog, fill
from tests.memory.measurement import MIB, measure
from tests.memory.slow_redis import SlowProxy
from tests.services.redis import local_redis

pytestmark = pytest.mark.timeout(280)


@pytest.mark.beyond_embedded_kafka("answers with more of a partition than it was asked for")
def test_large_bad_records_do_not_pile_up_while_redis_is_slow(kafka_bootstrap: str, tmp_path: Path) -> None:
    prefix, backlog = f"test-{secrets.token_hex(4)}-", Backlog(5_000, 1_000, garbage=250, garbage_bytes=2_000_000)
    asyncio.run(fill(kafka_bootstrap, prefix, backlog))
    with local_redis() as store, SlowProxy(store.port, 0.2) as proxy:
        slow = store.url.replace(f":{store.port}", f":{proxy.port}")
        memory = measure(kafka_bootstrap, prefix, store.url, slow, tmp_path, 240)

    assert memory.events == 5_250
    assert memory.most < 400 * MIB
