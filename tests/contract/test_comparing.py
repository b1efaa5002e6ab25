"""Two policies on the customers in Redis, read as they are stored; and how many have followed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from streams.cli.main import engagement
from streams.settings.settings import Settings
from streams.store.policies import offered
from streams.store.protocol import CustomerRecord
from streams.store.redis.store import RedisStore
from tests.contract.records import engaged, write_all
from tests.unit.scoring.customers import POLICY, Customer, policy_with

Run = Callable[..., Awaitable[Result]]
CHEAPER = POLICY.replace('"by-hand"', '"cheaper"').replace("post = 2", "post = 1")


@pytest.fixture
async def stored(redis_url: str, namespace: str) -> AsyncIterator[RedisStore]:
    """Give a store with ten customers of 2, 4, .. 20 points."""
    store = RedisStore(Settings(policy_with(), redis_url=redis_url, namespace=namespace))
    await store.open()
    await write_all(store, {f"c{posts:02}": engaged(posts)[1] for posts in range(1, 11)})
    yield store
    async for key in store._client.scan_iter(match=f"{namespace}:*"):
        await store._client.delete(key)
    await store.close()


@pytest.fixture
def run(redis_url: str, namespace: str, tmp_path: Path) -> Run:
    """Give what runs a command of `engagement policy` on that store."""
    (tmp_path / "old.toml").write_text(POLICY)
    (tmp_path / "new.toml").write_text(CHEAPER)
    (tmp_path / "other-panes.toml").write_text(CHEAPER.replace('pane = "1d"', 'pane = "12h"'))

    async def invoke(command: str, *arguments: str) -> Result:
        files = [str(tmp_path / name) if name.endswith(".toml") else name for name in arguments]
        words = ["policy", command, *files, "--redis", redis_url, "--namespace", namespace]
        return await asyncio.to_thread(CliRunner().invoke, engagement, words, env={"COLUMNS": "120"})

    return invoke


async def test_who_would_move_between_bands_is_counted(stored: RedisStore, run: Run) -> None:
    before = await stored._client.dbsize()
    result = await run("compare", "old.toml", "new.toml")

    assert result.exit_code == 0, result.output
    rows = [row.split() for row in result.stdout.splitlines()]
    assert ["disengaged", "·", "4", "·", "·", "·"] in rows
    assert ["engaged", "·", "5", "·", "·", "·"] in rows
    assert ["highly_engaged", "·", "·", "1", "·", "·"] in rows
    assert "10 customers: 4 stay in their band, 5 would drop below engaged, 0 would rise to it" in result.stdout
    assert ["c10", "20", "→", "10", "(-10)", "highly_engaged", "→", "engaged"] in rows
    assert await stored._client.dbsize() == before


async def test_for_machines_there_is_one_object(stored: RedisStore, run: Run) -> None:  # noqa: ARG001
    document = json.loads((await run("compare", "new.toml", "old.toml", "--json", "--limit", "1")).stdout)

    assert (document["customers"], document["dropping"], document["rising"]) == (10, 0, 5)
    assert document["bands"]["engaged"] == {"highly_engaged": 1}
    [largest] = document["largest"]
    assert largest == {
        "customer_id": "c10",
        "score": 10.0,
        "new_score": 20.0,
        "band": "engaged",
        "new_band": "highly_engaged",
    }


async def test_counts_in_other_panes_cannot_be_compared(stored: RedisStore, run: Run) -> None:  # noqa: ARG001
    result = await run("compare", "old.toml", "other-panes.toml")

    assert result.exit_code == 1
    assert "the stored counts lie in panes of 1d: compare on a replay" in result.output


async def test_the_status_tells_who_has_followed(stored: RedisStore, run: Run) -> None:
    assert "no policy is in force" in (await run("status")).output

    await stored.policies.propose(offered(policy_with(), 0), None)
    result = await run("status")
    assert (result.exit_code, "0 customers not followed yet" in result.stdout) == (0, True)

    cheaper = policy_with(text=CHEAPER)
    await stored.policies.propose(offered(cheaper, 0), 1)
    stored.follow(cheaper, offered(cheaper, 0).digest)
    anna = Customer(cheaper)
    anna.do("post", "01 09:00")
    await write_all(stored, {"anna": CustomerRecord(anna.state)})
    result = await run("status")
    rows = [row.split() for row in result.stdout.splitlines()]
    assert result.exit_code == 1
    assert rows[0][:4] == ["cheaper", "is", "in", "force"]
    assert ["cheaper", "1"] in rows
    assert ["by-hand", "10"] in rows
    assert "10 customers not followed yet; no worker has begun to go through them" in result.stdout


async def test_the_policy_in_force_is_printed_as_it_was_written(stored: RedisStore, run: Run) -> None:
    assert "no policy is in force" in (await run("show", "--in-force")).output
    await stored.policies.propose(offered(policy_with(text=CHEAPER), 0), None)

    assert (await run("show", "--in-force")).stdout == CHEAPER
