"""A shadow policy beside the policy in force, with a real worker: fields, alerts, comparison, promotion, rebuild."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from scoring.instants import DAY, format_instant
from streams.machine_clock import wall_clock
from streams.topic_names import SHADOW_ALERTS
from tests.integration.conftest import MakeSystem
from tests.integration.policies import SECONDS
from tests.polling import poll_until
from tests.services.command import run_command
from tests.services.kafka_client import TopicTail
from tests.services.system import System, event, metric

#: A longer window than that of `SECONDS`, so that a test can look before the points leave it.
LIVE = SECONDS.replace('length = "20s"', 'length = "30s"')


def shadow(system: System, old: str = "", new: str = "") -> str:
    """Write the shadow policy into a file: by it, one purchase makes a customer engaged."""
    path = Path(system.environment["ENGAGEMENT_POLICY"])
    text = path.read_text()
    for before, after in (('"seconds-1"', '"tried"'), ("purchase = 20", "purchase = 50"), (old, new)):
        assert before in text
        text = text.replace(before, after) if before else text
    file = path.with_suffix(".tried.toml")
    file.write_text(text)
    return str(file)


async def compared(system: System, *options: str) -> dict[str, Any]:
    """Run `engagement policy compare --live`."""
    arguments = ("policy", "compare", "--live", "--json", *options)
    done = await asyncio.to_thread(run_command, system.environment, *arguments, status=0, timeout=60)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


async def test_a_shadow_is_tried_on_the_live_stream_compared_and_promoted(
    make_system: MakeSystem, tmp_path: Path
) -> None:
    system = make_system(LIVE)
    await system.create_topics()
    tail = TopicTail(system.kafka, SHADOW_ALERTS)
    one, many = system.customer("one"), system.customer("many")
    status, said = await asyncio.to_thread(system.command, "policy", "promote")
    assert (status, "no shadow policy is running" in said) == (1, True), said

    with system.worker(shadow_policy=shadow(system)) as worker:
        await system.send("clickstream", event(one, "purchase"), *[event(many, "purchase")] * 6)
        await system.wait_for_score(one, "20")
        fields = system.fields(one)
        assert {name: value for name, value in fields.items() if name.endswith(":shadow")} == {
            "score:shadow": "50",
            "band:shadow": "engaged",
            "trend:shadow": "50",
            "policy_version:shadow": "tried",
        }
        assert (fields["band"], fields["policy_version"]) == ("disengaged", "seconds-1")

        found = await compared(system)
        assert (found["policy_version"], found["shadow_version"], found["customers"]) == ("seconds-1", "tried", 2)
        assert found["bands"]["disengaged"] == {"engaged": 1}
        assert [each["customer_id"] for each in found["moved"]] == [one]

        # Both fall when the window has passed; of one, only the shadow tells.
        await system.wait_for_alerts(many, 1, within=60)
        raised = await poll_until_raised(tail, system, 2)
        assert {(each["customer_id"], each["kind"]) for each in raised} == {(one, "churn_risk"), (many, "churn_risk")}
        assert {(each["policy_version"], each["score_name"]) for each in raised} == {("tried", "shadow")}
        live = await system.alerts()
        assert [each["customer_id"] for each in live] == [many]
        assert not {each["alert_id"] for each in live} & {each["alert_id"] for each in raised}

        outcomes = tmp_path / "outcomes.csv"
        churned = format_instant(wall_clock() + DAY)
        outcomes.write_text(f"customer_id,churned,churned_at\n{one},yes,{churned}\n{many},no,\n")
        found = await compared(system, "--outcomes", str(outcomes))
        assert [each["customer_id"] for each in found["alerts"]["come"]] == [one]
        assert (len(found["alerts"]["same"]) + len(found["alerts"]["moved"]), found["alerts"]["go"]) == (1, [])
        rules = {rule["rule"]: (rule["alerts"], rule["right"]) for rule in found["outcomes"]["alerts"]}
        assert rules == {"seconds-1": (1, 0), "tried": (2, 1)}
        done = await asyncio.to_thread(
            run_command, system.environment, "policy", "compare", "--live", "--outcomes", str(outcomes), status=0
        )
        assert "the shadow policy tried runs beside seconds-1 since" in done.stdout
        assert "Alerts before the churn" in done.stdout

        await asyncio.to_thread(run_command, {**system.environment, **named(system)}, "rebuild", "--dry-run", status=0)
        status, said = await asyncio.to_thread(system.command, "rebuild", "--dry-run")
        assert (status, "the rebuild was given no shadow policy" in said) == (1, True), said

        promoted = await asyncio.to_thread(run_command, system.environment, "policy", "promote", status=0, timeout=60)
        assert "ENGAGEMENT_SHADOW_POLICY" in promoted.stdout
        await poll_until(lambda: system.fields(one)["policy_version"] == "tried", 30)
        assert not [name for name in system.fields(one) if name.endswith(":shadow")]
        assert metric(worker, "engagement_policy_in_force", version="tried") == 1
        two = system.customer("two")
        await system.send("clickstream", event(two, "purchase"))
        await system.wait_for_score(two, "50")

    with system.worker(shadow_policy=shadow(system)) as worker:
        assert "was in force before another one took its place" in worker.log.read_text()
        assert metric(worker, "engagement_policy_in_force", version="tried") == 1


def named(system: System) -> dict[str, str]:
    """Name the shadow policy as the workers' environment does."""
    return {"ENGAGEMENT_SHADOW_POLICY": shadow(system)}


async def poll_until_raised(tail: TopicTail, system: System, count: int) -> list[dict[str, Any]]:
    """Wait until a system's shadow has raised so many alerts."""
    found: list[dict[str, Any]] = []

    async def raised() -> bool:
        found.extend(json.loads(record.value) for record in await tail.read() if record.value)
        found[:] = [each for each in found if each["namespace"] == system.namespace]
        return len(found) >= count

    await poll_until(raised, 60)
    return found


async def test_a_shadow_of_other_counts_stops_the_start(make_system: MakeSystem) -> None:
    system = make_system(LIVE)
    wrong = {"ENGAGEMENT_SHADOW_POLICY": shadow(system, 'pane = "1s"', 'pane = "2s"')}
    done = await asyncio.to_thread(run_command, {**system.environment, **wrong}, "worker", status=2, timeout=60)
    assert "ENGAGEMENT_SHADOW_POLICY" in done.stderr
    assert "it cannot be judged on the same counts, as these differ: window.pane" in done.stderr
