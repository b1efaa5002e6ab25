"""A drop that is coming is warned of in time, once, through the end of a worker; `engagement show` tells of it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from tests.integration.policies import SECONDS, WINDOW
from tests.integration.running import Running, run_on
from tests.services.command import run_command
from tests.services.system import event, instant, seconds

BEFORE = 8
WARNING = SECONDS.replace('cooldown = "4s"', f'cooldown = "4s"\nwarn_before = "{BEFORE}s"')
#: A timer of one second, and as much again for what happens to run at the same time.
PROMPT = 3.0


@pytest.fixture(scope="module")
def warned(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Run a worker that warns some seconds before a drop."""
    with run_on(request, tmp_path_factory, "real", WARNING) as running:
        yield running


async def test_a_coming_drop_is_warned_of_before_it_comes(warned: Running) -> None:
    system = warned.system
    customer = system.customer("leaving")
    start = int(time.time())
    await system.send("clickstream", *[event(customer, "purchase", start + 0.001 * n) for n in range(3)])
    alerts = await system.wait_for_alerts(customer, 2, within=3 * WINDOW)

    assert [(alert["kind"], alert["severity"], alert["occurred_at"]) for alert in alerts] == [
        ("disengaging_soon", "notice", instant(start + WINDOW - BEFORE)),
        ("churn_risk", "warning", instant(start + WINDOW)),
    ]
    assert alerts[0]["disengages_at"] == instant(start + WINDOW)
    assert [(reason["cause"], reason["points"]) for reason in alerts[0]["reasons"]] == [("expires", -60)]
    assert 0 <= seconds(alerts[0]["detected_at"]) - (start + WINDOW - BEFORE) < PROMPT


async def test_another_worker_repeats_no_warning_and_show_explains_the_score(warned: Running) -> None:
    system = warned.system
    customer = system.customer("handed-over")
    at = time.time()
    soon_gone = at - WINDOW + BEFORE + 2
    bought = [event(customer, "purchase", soon_gone) for _ in range(2)] + [event(customer, "purchase", at)]
    await system.send("clickstream", *bought)
    warning, *_ = await system.wait_for_alerts(customer, 1)
    assert warning["kind"] == "disengaging_soon"
    warned.restart()
    alerts = await system.wait_for_alerts(customer, 2, within=3 * WINDOW)
    assert [alert["kind"] for alert in alerts] == ["disengaging_soon", "churn_risk"]

    shown = json.loads(run_command(system.environment, "show", customer, "--json", "--since", "1s").stdout)
    change = shown["change"]
    assert shown["warned"] is True
    assert change["to"] - change["from"] == sum(part["points"] for part in change["parts"])
    refused = run_command(system.environment, "show", customer, "--since", "1d", status=2)
    assert "1d is too long: counts are kept for the window and its trend, 2s" in refused.stderr
