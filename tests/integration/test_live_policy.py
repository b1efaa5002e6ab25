"""A policy that changes under running workers: all customers follow while events flow, and nobody is alerted."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from functools import partial
from pathlib import Path

from tests.integration.conftest import MakeSystem
from tests.integration.flow import Flow
from tests.integration.policies import COUNTING
from tests.polling import poll_until
from tests.services.log_reader import read_customers
from tests.services.system import NAMESPACE, System, event, metric, wait_for_metric
from tests.services.worker import WorkerProcess

QUIET = 300
#: Customers a second: slow enough that the test sees them follow one after another.
RATE = "100"


def policy(system: System, version: str, points: float, **changes: str) -> str:
    """Write the policy `COUNTING` with another version and weight."""
    text = COUNTING.replace(NAMESPACE, system.namespace)
    text = text.replace('"counting-1"', f'"{version}"').replace("page_view = 1", f"page_view = {points}")
    for old, new in changes.items():
        text = text.replace(old, new)
    return text


def put(system: System, text: str) -> None:
    """Put a file in the place of the workers' file, from one moment to the next, as a link to another one."""
    path = Path(system.environment["ENGAGEMENT_POLICY"])
    target = path.with_suffix(f".{len(list(path.parent.iterdir()))}")
    target.write_text(text)
    link = path.with_suffix(".link")
    link.symlink_to(target)
    link.rename(path)


def versions(system: System) -> Counter[str]:
    """Count the customers by the version that has judged them."""
    found = read_customers(system.redis_url, system.namespace)
    return Counter(fields["policy_version"] for fields in found.values())


async def quiet_customers(system: System) -> list[str]:
    """Have customers with 50 points each, of whom nothing more comes."""
    quiet = [system.customer(f"quiet{number}") for number in range(QUIET)]
    await system.send("clickstream", *[event(customer, "page_view") for customer in quiet for _ in range(50)])
    await poll_until(lambda: all(system.score(customer) == "50" for customer in quiet), 60)
    return quiet


async def wait_until_all_follow(system: System, version: str, within: float = 60.0) -> list[int]:
    """Wait until every customer has been judged by a version; return how many were, each time one looked."""
    seen: list[int] = []

    def followed() -> bool:
        found = versions(system)
        seen.append(found[version])
        return set(found) == {version}

    await poll_until(followed, within)
    return seen


async def test_everybody_follows_while_events_flow_and_nobody_is_alerted(make_system: MakeSystem) -> None:
    system = make_system(COUNTING)
    await system.create_topics()
    flow = Flow(system)
    with system.worker(policy_rate=RATE) as one, system.worker(policy_rate=RATE) as two:
        quiet = await quiet_customers(system)
        writing = asyncio.create_task(flow.run())
        await flow.go_on(500)
        put(system, policy(system, "cheaper", 0.5))
        seen = await wait_until_all_follow(system, "cheaper")
        assert len([count for count in seen if 0 < count < QUIET]) > 2, seen
        assert {system.score(customer) for customer in quiet} == {"25"}

        put(system, policy(system, "dearer", 2))
        await wait_until_all_follow(system, "dearer")
        await flow.go_on(500)
        flow.stop()
        await writing
        assert {system.score(customer) for customer in quiet} == {"100"}
        await poll_until(lambda: _exact(system, flow, 2), 30)

        for worker in (one, two):
            await wait_for_metric(1, worker, "engagement_policy_in_force", version="dearer")
            await wait_for_metric(0, worker, "engagement_policy_behind_customers")
        status, said = await asyncio.to_thread(system.command, "policy", "status")
        assert (status, "dearer is in force since" in said) == (0, True), said

    assert await system.alerts() == []
    changes = Counter((each["customer_id"], each["band"], each["cause"]) for each in await system.band_changes())
    for customer in quiet:
        told = {(band, cause): count for (name, band, cause), count in changes.items() if name == customer}
        assert told == {("engaged", "event"): 1, ("disengaged", "policy"): 1, ("highly_engaged", "policy"): 1}


def _exact(system: System, flow: Flow, points: int) -> bool:
    found = read_customers(system.redis_url, system.namespace)
    scores = {customer: float(fields["score"]) for customer, fields in found.items()}
    return all(scores.get(customer) == points * count for customer, count in flow.counts.items())


async def test_a_signal_has_the_file_read_at_once_and_a_broken_one_is_refused(make_system: MakeSystem) -> None:
    system = make_system(COUNTING)
    await system.create_topics()
    with system.worker() as worker:
        await quiet_customers(system)
        put(system, policy(system, "second", 1.5))
        worker.send(signal.SIGHUP)
        await wait_until_all_follow(system, "second")

        for text, reason in (
            ("this is not TOML", "wrong"),
            (policy(system, "third", 2, **{'pane = "1d"': 'pane = "12h"'}), "fixed"),
            (policy(system, "second", 2), "version_taken"),
        ):
            put(system, text)
            await poll_until(partial(refused, worker, reason), 30)
        assert worker.log.read_text().count("is not followed") == 3
        await system.send("clickstream", event(system.customer("new"), "page_view"))
        await system.wait_for_score(system.customer("new"), "1.5")
        assert worker.status("/ready") == 200

        put(system, policy(system, "fourth", 2))
        await wait_until_all_follow(system, "fourth")
        assert metric(worker, "engagement_policy_refused") == 0
        assert worker.stop() == 0


def refused(worker: WorkerProcess, reason: str) -> bool:
    """Return whether a worker refuses its file for a reason."""
    return metric(worker, "engagement_policy_refused", reason=reason) == 1


async def test_workers_with_files_of_their_own_judge_by_one_policy(make_system: MakeSystem, tmp_path: Path) -> None:
    system = make_system(COUNTING)
    await system.create_topics()
    old, new = tmp_path / "old.toml", tmp_path / "new.toml"
    old.write_text(policy(system, "counting-1", 1))
    new.write_text(policy(system, "second", 3))
    flow = Flow(system)
    with system.worker(policy=str(old)) as first:
        await quiet_customers(system)
        writing = asyncio.create_task(flow.run())
        with system.worker(policy=str(new)):
            await wait_until_all_follow(system, "second")
            with system.worker(policy=str(old)) as third:
                assert refused(third, "superseded")
                await flow.go_on(1_000)
                flow.stop()
                await writing
                await poll_until(lambda: _exact(system, flow, 3), 30)
                assert set(versions(system)) == {"second"}
                await wait_for_metric(1, first, "engagement_policy_in_force", version="second")

    status, said = await asyncio.to_thread(system.command, "rebuild", "--dry-run")
    assert (status, "the workers judge by the policy 'second'" in said) == (1, True), said
    changes = Counter(each["customer_id"] for each in await system.band_changes() if each["cause"] == "policy")
    assert set(changes.values()) == {1}
