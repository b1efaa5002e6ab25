"""Segments and named scores with the real worker: profiles and events from Kafka to Redis, alerts and the screen."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator

import pytest

from tests.integration.conftest import MakeSystem
from tests.integration.policies import MONTH, SECONDS
from tests.integration.running import Running, run_on
from tests.polling import poll_until
from tests.services.command import run_command
from tests.services.kafka_client import Record
from tests.services.system import event, event_record, wait_for_metric

_PROFILES = '\n[profiles]\ntopic = "NAMESPACE-profiles"\n'
SEGMENTED = (
    MONTH
    + _PROFILES
    + """
[segments.enterprise.bands]
engaged = 60
[segments.trial.channels.clickstream]
weights = { purchase = 50 }
[scores.mail.channels.email]
weights = { open = 2 }
"""
)
NAMED = (
    SECONDS
    + _PROFILES
    + """
[scores.talk]
alerts = true
[scores.talk.bands]
engaged = 10
[scores.talk.channels.social]
weights = { comment = 6 }
"""
)


@pytest.fixture(scope="module")
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Run a worker with segments."""
    with run_on(request, tmp_path_factory, "real", SEGMENTED) as running:
        yield running


@pytest.fixture(scope="module")
def fleeting(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Run a worker whose window is seconds, with a named score that raises alerts."""
    with run_on(request, tmp_path_factory, "real", NAMED) as fleeting:
        yield fleeting


def profile(customer: str, segment: str | None, at: float | None = None) -> dict[str, object]:
    """Make a profile."""
    return {"customer_id": customer, "segment": segment, **({} if at is None else {"timestamp": at})}


async def wait_for(running: Running, customer: str, **expected: str | None) -> dict[str, str]:
    """Wait until fields of a customer have values, None for no field; give all fields."""

    def reached() -> dict[str, str]:
        fields = running.system.fields(customer)
        return fields if {name: fields.get(name) for name in expected} == expected else {}

    return await poll_until(reached, 30)


async def test_a_profile_moves_a_customer_into_a_segment_with_rules_of_its_own(running: Running) -> None:
    system, customer = running.system, running.system.customer("buyer")
    await system.send("clickstream", *[event(customer, "purchase")] * 3)
    await system.wait_for_score(customer, "60")
    await system.send("clickstream", event(customer, "page_view"))
    await wait_for(running, customer, score="61", band="engaged", segment=None)
    await system.send("profiles", profile(customer, "trial"), partition=2)
    await wait_for(running, customer, score="151", band="power", segment="trial")
    await system.send("profiles", profile(customer, "enterprise", time.time() - 3600), partition=1)
    await system.send("clickstream", event(customer, "page_view"))
    await wait_for(running, customer, score="152", segment="trial")
    await system.send("profiles", profile(customer, None), partition=2)
    await wait_for(running, customer, score="62", band="engaged", segment=None)

    async def told() -> bool:
        # What is told comes a moment after the score.
        return len(await system.band_changes(customer)) == 3

    await poll_until(told, 30)
    changes = await system.band_changes(customer)
    assert [(change["cause"], change.get("segment"), change["band"]) for change in changes] == [
        ("event", None, "engaged"),
        ("segment", "trial", "power"),
        ("segment", None, "engaged"),
    ]
    assert await system.alerts(customer) == []


async def test_an_event_tells_the_segment_and_a_restart_keeps_it(running: Running) -> None:
    system, customer = running.system, running.system.customer("told")
    await system.send("social", *[event(customer, "comment", properties={"segment": "enterprise"})] * 11)
    await wait_for(running, customer, score="44", band="disengaged", segment="enterprise")
    running.restart()
    await system.send("email", *[event(customer, "click")] * 4, event(customer, "open", properties={"segment": 3}))
    await wait_for(running, customer, score="65", band="engaged", segment="enterprise")
    await wait_for_metric(1, running.worker, "engagement_events_total", channel="email", outcome="property_ignored")
    assert (await wait_for(running, customer, score="65"))["score:mail"] == "2"

    status, words = system.command("show", customer)
    assert status == 0
    lines = [line.split() for line in words.splitlines()]
    assert ["segment", "enterprise"] in lines
    assert ["mail", "2", "points,", "disengaged,", "trend", "2"] in lines
    document = json.loads(system.command("show", customer, "--json")[1])
    assert (document["segment"], document["score:mail"], document["band"]) == ("enterprise", 2.0, "engaged")


async def test_bad_profiles_become_dead_letters_and_the_good_ones_count(running: Running) -> None:
    system, customer = running.system, running.system.customer("good")
    bad = [Record(b"{", b"k"), event_record(profile(customer, "x" * 65)), Record(None, customer.encode())]
    await system.send_raw("profiles", [*bad, event_record(profile(customer, "trial"))], partition=3)

    async def letters() -> list[str]:
        own = [letter for letter in await system.dead_letters() if letter.topic]
        found = [dict(letter.headers) for letter in own]
        return [
            headers["dlq.reason"].decode()
            for headers in found
            if headers["dlq.topic"].decode() == system.topic("profiles")
        ]

    async def both() -> bool:
        return sorted(await letters()) == ["not_json", "segment_too_long"]

    await poll_until(both, 30)
    await system.send("clickstream", event(customer, "purchase"))
    await wait_for(running, customer, score="50", segment="trial")


async def test_an_audit_finds_nothing_and_a_rebuild_mends_a_segment(running: Running) -> None:
    system, customer = running.system, running.system.customer("audited")
    await system.send("profiles", profile(system.customer("silent"), "trial"), profile(customer, "trial"))
    await system.send("clickstream", event(customer, "purchase"))
    await wait_for(running, customer, score="50", segment="trial")
    for arguments in (("--dry-run",), ("--dry-run", "--from-beginning")):
        await asyncio.to_thread(run_command, system.environment, "rebuild", *arguments, status=0, timeout=100)
    key = f"{system.namespace}:customer:{customer}"
    system.redis.hset(key, mapping={"segment": "enterprise", "score": "20"})
    done = await asyncio.to_thread(run_command, system.environment, "rebuild", status=0, timeout=100)
    assert "1 customer" in done.stdout or customer in done.stdout
    await wait_for(running, customer, score="50", segment="trial")


async def test_a_rebuild_keeps_a_segment_of_which_the_log_tells_nothing_any_more(running: Running) -> None:
    system, customer = running.system, running.system.customer("old")
    await system.send("clickstream", event(customer, "purchase"))
    await wait_for(running, customer, score="20", segment=None)
    key = f"{system.namespace}:customer:{customer}"
    system.redis.hset(key, mapping={"segment": "elsewhere", "_g": "1700000000000000"})
    await asyncio.to_thread(run_command, system.environment, "rebuild", "--dry-run", status=0, timeout=100)
    system.redis.hset(key, "score", "21")
    await asyncio.to_thread(run_command, system.environment, "rebuild", status=0, timeout=100)
    await wait_for(running, customer, score="20", segment="elsewhere")
    # The whole log is another matter: it tells that nobody has ever said so.
    done = await asyncio.to_thread(
        run_command, system.environment, "rebuild", "--dry-run", "--from-beginning", status=1, timeout=100
    )
    assert "segment is elsewhere, by the log nothing" in done.stdout
    await asyncio.to_thread(run_command, system.environment, "rebuild", "--from-beginning", status=0, timeout=100)
    await wait_for(running, customer, score="20", segment=None)


async def test_a_named_score_raises_an_alert_when_its_points_leave(fleeting: Running) -> None:
    system, customer = fleeting.system, fleeting.system.customer("talker")
    await system.send("social", *[event(customer, "comment")] * 2)
    await wait_for(fleeting, customer, **{"score:talk": "12", "band:talk": "engaged", "band": "disengaged"})
    [alert] = await system.wait_for_alerts(customer, 1)
    assert (alert["kind"], alert["score_name"], alert["severity"], alert["score"]) == (
        "churn_risk",
        "talk",
        "warning",
        0.0,
    )
    assert [reason["type"] for reason in alert["reasons"]] == ["comment"]
    await wait_for(fleeting, customer, **{"score:talk": "0", "band:talk": "disengaged", "score": "0"})
    assert await system.band_changes(customer) == []


async def test_a_profile_older_than_the_window_is_read_by_who_starts_later(make_system: MakeSystem) -> None:
    system = make_system(SEGMENTED)
    await system.create_topics()
    customer, long_ago = system.customer("early"), time.time() - 90 * 86_400
    record = event_record(profile(customer, "trial"))
    await system.send_raw("profiles", [Record(record.value, record.key, at=long_ago)], partition=1)
    await system.send("clickstream", event(customer, "purchase"))
    with system.worker():
        await poll_until(lambda: system.fields(customer).get("segment") == "trial", 30)
        await system.wait_for_score(customer, "50")
    stored = int(system.redis.hget(f"{system.namespace}:customer:{customer}", "_g") or 0)
    assert stored // 1_000 == int(long_ago * 1_000)
    await asyncio.to_thread(run_command, system.environment, "rebuild", "--dry-run", status=0, timeout=100)
