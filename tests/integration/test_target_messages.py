"""Targets on real services: a figure that passes one is told once, though workers are killed, and so is its end."""

from __future__ import annotations

from typing import Any

from tests.integration.conftest import MakeSystem
from tests.integration.policies import MONTH
from tests.polling import poll_until
from tests.services.system import System, event

DAY = 86_400
#: A midnight.
START = 1_767_225_600
POLICY = f"""{MONTH}
[clock]
idle_after = "1s"
[targets.daily_active]
at_least = 2
"""


async def _day(system: System, number: int, *names: str) -> None:
    """Send the events of a day, the last of which closes the day before."""
    times = range(START + number * DAY + 60, START + (number + 1) * DAY, 60)
    await system.send(
        "clickstream",
        *[event(system.customer(name), "page_view", time) for name, time in zip(names, times, strict=False)],
    )


async def _told(system: System, count: int) -> list[dict[str, Any]]:
    async def came() -> list[dict[str, Any]]:
        found = await system.feed_alerts()
        return found if len(found) >= count else []

    found: list[dict[str, Any]] = await poll_until(came, 60)
    return found


async def test_a_figure_that_passes_its_target_is_told_once_though_a_worker_is_killed(make_system: MakeSystem) -> None:
    system = make_system(POLICY, clock="stream", session_timeout=6)
    await system.create_topics()
    await _day(system, 0, "anna", "ben")
    with system.worker() as first, system.worker():
        await _day(system, 1, "anna")
        await _day(system, 2, "anna", "ben", "cleo")
        await _told(system, 1)
        first.kill()
        with system.worker():
            await _day(system, 3, "anna", "ben")
            missed, met = await _told(system, 2)
    assert (missed["kind"], missed["value"], missed["occurred_at"]) == ("target_missed", 1, "2026-01-03T00:00:00Z")
    assert (met["kind"], met["value"], met["occurred_at"]) == ("target_met", 3, "2026-01-04T00:00:00Z")
    assert met["missed_since"] == "2026-01-02"
    assert {message["figure"] for message in (missed, met)} == {"daily_active"}
    status, output = system.command("alerts", "--feeds", "--from-beginning", "--limit", "1")
    assert status == 0, output
    assert len(await system.feed_alerts()) == 2
