"""Commands on servers that demand TLS, SASL and rights: with the least rights of the runbook, and without them."""

from __future__ import annotations

import re

import aiohttp
import orjson
import pytest

from tests.integration.secured import COMMAND_RIGHTS, REDIS_PASSWORD, USER, Secured
from tests.polling import poll_until
from tests.services.kafka.secured import grant, withdraw
from tests.services.kafka_client import delete_records, log_ends, send_batches
from tests.services.redis_scan import places_of
from tests.services.rights import redis_user
from tests.services.system import System, event, event_record, metric
from tests.services.worker import WorkerProcess


@pytest.fixture
async def system(secured: Secured) -> System:
    """Give the system, through the port that lets the tests in."""
    return await secured.system()


def ran(secured: Secured, user: str, *arguments: str, redis: str = "", status: int = 0) -> str:
    """Run a command as a user of Kafka, and one of Redis; give what it says."""
    done = secured.run(*arguments, kafka_sasl_username=user, redis_username=redis or user)
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


async def test_dead_letters_are_listed_shown_and_replayed(secured: Secured, system: System) -> None:
    with secured.worker() as worker:
        bad = event_record({"customer_id": "", "type": "open"})
        await send_batches(system.kafka, "email", [(0, [bad])])
        await poll_until(lambda: metric(worker, "engagement_dead_letters_total") >= 1)
        assert worker.stop() == 0
    listed = ran(secured, "letter-reader", "dead-letters", "list", "--json")
    letters = [orjson.loads(line) for line in listed.splitlines()]
    assert letters[-1]["reason"] == "customer_id_empty"
    shown = ran(secured, "letter-reader", "dead-letters", "show", letters[-1]["place"], "--json")
    assert orjson.loads(shown)["reason"] == "customer_id_empty"
    dry = ran(secured, "letter-replayer", "dead-letters", "replay", "--reason", "customer_id_empty", "--dry-run")
    assert "would be replayed" in dry
    said = ran(secured, "letter-replayer", "dead-letters", "replay", "--reason", "customer_id_empty")
    # Another test on these servers may have left letters of other channels.
    assert re.search(r"replayed: .*\bemail 1\b", said), said
    assert "0 dead letters replayed" in ran(secured, "letter-replayer", "dead-letters", "replay")


async def test_customers_are_erased_gaps_accepted_and_scores_rebuilt(secured: Secured, system: System) -> None:
    gone, kept = system.customer("gone"), system.customer("kept")
    with secured.worker() as worker:
        events = [event_record(event(who, "purchase")) for who in (gone, kept)]
        await send_batches(system.kafka, "social", [(0, [event_record(event(kept, "like"))])])
        await send_batches(system.kafka, "clickstream", [(0, events)])
        await system.wait_for_score(gone, "20")
        await system.wait_for_score(kept, "21")
        assert f"{gone}: erased" in ran(secured, "eraser", "erase", gone, "--yes")
        assert places_of(secured.redis.admin_url, gone) == []
        system.redis.hset(f"{USER}:customer:{kept}", "score", "5")
        assert kept in ran(secured, "rebuilder", "rebuild", "--dry-run", status=1)
        assert "1 differed and have been replaced" in ran(secured, "rebuilder", "rebuild")
        assert system.score(kept) == "21"
        assert '"days":[' in ran(secured, "rebuilder", "kpi", "--json", redis="reader")
        assert worker.stop() == 0
    assert "No gaps" in ran(secured, "gap-keeper", "gaps", "show", redis="gap-reader")
    await send_batches(system.kafka, "social", [(0, [event_record(event(kept, "like")) for _ in range(3)])])
    (end,) = [end for (_, number), end in (await log_ends(system.kafka, ["social"])).items() if number == 0]
    await delete_records(system.kafka, "social", 0, end)
    assert "3 offsets lost" in ran(secured, "gap-keeper", "gaps", "show", redis="gap-reader", status=1)
    assert "Accepted" in ran(secured, "gap-keeper", "gaps", "accept", "social/0", redis="gap-acceptor")
    assert "No gaps" in ran(secured, "gap-keeper", "gaps", "show", redis="gap-reader")


WITHOUT = {
    "letter-reader": ("dead-letters", "list"),
    "letter-replayer": ("dead-letters", "replay"),
    "eraser": ("erase", "nobody", "--yes"),
    "gap-keeper": ("gaps", "show"),
    "rebuilder": ("rebuild",),
}


@pytest.mark.parametrize("user", WITHOUT)
async def test_every_right_on_kafka_that_a_command_lacks_is_named_before_it_begins(secured: Secured, user: str) -> None:
    rights = [right for right in COMMAND_RIGHTS[user] if right.resource != "transactional id"]
    for right in rights:
        await withdraw(secured.kafka.inside, user, right)
    try:
        said = ran(secured, user, *WITHOUT[user], redis="eraser", status=1)
    finally:
        await grant(secured.kafka.inside, user, rights)
    assert f"does not let user '{user}' do what is needed. Missing: " in said
    for right in rights:
        assert f"{right.operation} on {right.resource} {right.name}" in said


async def test_without_the_right_on_its_transactional_id_a_replay_names_it(secured: Secured) -> None:
    (right,) = [right for right in COMMAND_RIGHTS["letter-replayer"] if right.resource == "transactional id"]
    await withdraw(secured.kafka.inside, "letter-replayer", right)
    describe = right._replace(operation="Describe")
    try:
        said = ran(secured, "letter-replayer", "dead-letters", "replay", status=1)
        assert "Missing: Write on transactional id engagement-dead-letter-replay. " in said
        # One who may look at it, and no more, is told the same.
        await grant(secured.kafka.inside, "letter-replayer", [describe])
        said = ran(secured, "letter-replayer", "dead-letters", "replay", status=1)
        assert "Missing: Write on transactional id engagement-dead-letter-replay. " in said
        await withdraw(secured.kafka.inside, "letter-replayer", describe)
    finally:
        await grant(secured.kafka.inside, "letter-replayer", [right])


@pytest.mark.parametrize(
    ("user", "redis", "arguments", "command"),
    [
        ("eraser", "eraser", ("erase", "nobody", "--yes"), "del"),
        ("gap-keeper", "gap-reader", ("gaps", "show"), "hmget"),
        ("gap-keeper", "gap-acceptor", ("gaps", "accept", "--all"), "hdel"),
        ("rebuilder", "rebuilder", ("rebuild",), "copy"),
    ],
)
def test_a_right_on_redis_that_a_command_lacks_is_named(
    secured: Secured, user: str, redis: str, arguments: tuple[str, ...], command: str
) -> None:
    line = redis_user(redis, REDIS_PASSWORD)
    secured.set_redis_user(line.replace(f" +{command} ", " ").removesuffix(f" +{command}"))
    try:
        said = ran(secured, user, *arguments, redis=redis, status=1)
    finally:
        secured.set_redis_user(line)
    assert f"Redis does not let this user do what is needed. Missing: {command.upper()}" in said


async def test_a_receiver_needs_the_right_to_write_to_its_topics_and_no_other(secured: Secured) -> None:
    folder = secured.folder
    policy, plan, key = folder / "received.toml", folder / "receiver.toml", folder / "write-key"
    policy.write_text(
        "[channels.clickstream]\nweights = { page_view = 1 }\n"
        '[sources.web]\nformat = "segment"\ntopic = "clickstream"\n',
        encoding="utf-8",
    )
    plan.write_text(f'[sources.web]\nwrite_key_file = "{key}"\n', encoding="utf-8")
    key.write_text("key", encoding="utf-8")
    files = {"policy": str(policy), "receiver_file": str(plan)}
    # One who replays may write to the topics, and nothing else.
    settings = {"kafka_sasl_username": "replayer", **files}
    environment = {f"ENGAGEMENT_{name.upper()}": value for name, value in settings.items()}
    with WorkerProcess(
        {**secured.environment, **environment}, folder / "receiver.log", module=("streams", "receive")
    ) as receiver:
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"http://127.0.0.1:{receiver.port}/v1/page", data=b'{"writeKey": "key"}') as answer,
        ):
            assert answer.status == 200
    done = secured.run("receive", kafka_sasl_username="letter-reader", **files)
    assert done.returncode == 1
    assert "Missing: Write on topic clickstream. " in done.stderr
    assert "Traceback" not in done.stderr
