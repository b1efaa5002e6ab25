"""A release that makes nearly every record bad does not drain a topic into the dead letters."""

from __future__ import annotations

import json
from typing import Any

from tests.integration.conftest import MakeSystem
from tests.integration.policies import COUNTING
from tests.polling import poll_until
from tests.services.kafka_client import Record, producer
from tests.services.system import System, event, metric, wait_for_metric
from tests.services.worker import WorkerProcess

#: More than one fetch holds.
BACKLOG = 30_000
BAD = Record(b'{"customer": "the field has another name in this release", "padding": "' + b"x" * 60 + b'"}', b"k")
LIMITED = COUNTING + '[channels.email]\ntopic = "NAMESPACE-email"\nweights = { open = 1 }\n'
WITHOUT_LIMIT = LIMITED + "[dead_letters]\nstop_above = 1\n"
LEAST = 100


async def release(system: System, records: int, channel: str = "clickstream", partition: int = 0) -> None:
    """Write bad records."""
    async with producer(system.kafka, linger_ms=20) as client:
        sent = [
            await client.send(system.topic(channel), BAD.value, key=BAD.key, partition=partition)
            for _ in range(records)
        ]
        for delivery in sent:
            await delivery


async def stopped(worker: WorkerProcess) -> str:
    """Wait until a worker has stopped consuming; return the reason that `/ready` gives."""

    async def reason() -> str:
        status, body = worker.get("/ready")
        found: str = json.loads(body)["reason"] if status == 503 else ""
        return found if found.startswith("stopped consuming") else ""

    return await poll_until(reason, 30)


async def letters_once(system: System, count: int) -> list[Any]:
    """Wait until there are so many dead letters."""

    async def there() -> list[Any]:
        letters = await system.dead_letters()
        return letters if len(letters) >= count else []

    letters = await poll_until(there, 30)
    assert len(letters) == count
    return letters


async def test_above_the_limit_the_worker_stops_with_the_rest_in_the_log_and_goes_on_when_it_is_raised(
    make_system: MakeSystem,
) -> None:
    system = make_system(LIMITED)
    await system.create_topics(partitions=2)
    before, after, other = system.customer("before"), system.customer("after"), system.customer("other")
    topic = system.topic("clickstream")
    with system.worker() as worker:
        await system.send("clickstream", *[event(before, "page_view")] * 30)
        await system.wait_for_score(before, "30")
        await release(system, BACKLOG)
        reason = await stopped(worker)

        letters = await letters_once(system, 570)
        # 30 good ones are in the share: 95 % are reached at 570 bad ones, and what is above stays.
        assert len(letters) == 570
        assert [int(dict(letter.headers)["dlq.offset"]) for letter in letters] == list(range(30, 600))
        assert "of the last 601 records of channel clickstream 571 are bad, more than the 95 %" in reason
        assert f"{topic}[0] at offset 600: customer_id_missing" in reason
        await wait_for_metric(1, worker, "engagement_stopped", channel="clickstream")
        assert metric(worker, "engagement_stopped", channel="email") == 0
        assert metric(worker, "engagement_ready") == 0
        assert worker.status("/health") == 200
        assert worker.log.read_text().count("stopped consuming") == 1

        # Nothing after it is applied or acknowledged, of no channel; the fence and the group stand at the record.
        await system.send("email", event(other, "open"))
        await system.send("clickstream", event(after, "page_view"), partition=1)
        await poll_until(lambda: worker.metric("engagement_lag_seconds") > 3, 30)
        assert system.fences()[topic, 0] == {600}
        await poll_until(lambda: _committed(system, topic, 600), 30)
        assert (system.score(other), system.score(after)) == (None, None)
        assert len(await system.dead_letters()) == 570
        # Lag of a stopped partition goes on rising: nobody takes it for read to its end.
        assert worker.stop() == 0
    assert (await system.committed())[topic, 0] == 600

    again = system.worker()
    # Not to be waited for: it may have stopped before anybody could see it ready.
    again.start()
    await stopped(again)
    # A worker does not remember what it counted before. The good record of the other partition may come first.
    await poll_until(lambda: _at_least(system, 570 + LEAST - 2), 30)
    assert len(await system.dead_letters()) <= 570 + LEAST - 1
    assert again.stop() == 0

    raised = system.folder / "raised.toml"
    raised.write_text(WITHOUT_LIMIT.replace("NAMESPACE", system.namespace))
    with system.worker(policy=str(raised)) as through:
        await system.wait_for_score(after, "1", within=60)
        await system.wait_for_score(other, "1")
        await poll_until(lambda: system.fences()[topic, 0] == {30 + BACKLOG}, 60)
        assert through.status("/ready") == 200
    letters = await system.dead_letters()
    assert sorted(int(dict(letter.headers)["dlq.offset"]) for letter in letters) == list(range(30, 30 + BACKLOG))
    assert system.score(before) == "30"


async def _at_least(system: System, letters: int) -> bool:
    return len(await system.dead_letters()) >= letters


async def _at_rest(system: System) -> bool:
    """Return whether the group has committed all that is applied."""
    applied = {partition: min(offsets) for partition, offsets in system.fences().items()}
    return bool(applied) and await system.committed() == applied


async def _committed(system: System, topic: str, offset: int) -> bool:
    return (await system.committed()).get((topic, 0)) == offset


async def test_one_bad_record_on_a_quiet_topic_stops_nothing(make_system: MakeSystem) -> None:
    system = make_system(LIMITED)
    await system.create_topics(partitions=1)
    customer = system.customer("a")
    with system.worker() as worker:
        await release(system, LEAST - 1)
        await system.send("clickstream", event(customer, "page_view"))
        await system.wait_for_score(customer, "1")
        assert worker.status("/ready") == 200
    assert len(await system.dead_letters()) == LEAST - 1


async def test_workers_that_have_stopped_can_still_join_and_leave(make_system: MakeSystem) -> None:
    system = make_system(LIMITED)
    await system.create_topics(partitions=4)
    for partition in range(4):
        await release(system, 2_000, partition=partition)
    first, second = system.worker(), system.worker()
    first.start()
    await stopped(first)
    second.start()
    await stopped(second)
    await poll_until(lambda: _at_rest(system), 30)
    assert first.stop() == 0
    # What the second one takes over stays where it is.
    await poll_until(lambda: f"{system.topic('clickstream')} | {{0-3}}" in second.log.read_text(), 30)
    fences = system.fences()
    assert second.status("/ready") == 503
    assert second.stop() == 0
    assert system.fences() == fences
    letters = await system.dead_letters()
    assert len(letters) <= 2 * LEAST
    found = {
        (int(dict(letter.headers)["dlq.partition"]), int(dict(letter.headers)["dlq.offset"])) for letter in letters
    }
    topic = system.topic("clickstream")
    assert found == {(n, at) for n in range(4) for at in range(min(fences.get((topic, n), {0})))}
