"""Drops become alerts: by silence on a window of seconds, by events on one of a month."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial

import pytest

from tests.integration.policies import MONTH, SECONDS, WINDOW
from tests.integration.running import Running, run_on
from tests.polling import poll_until
from tests.services.system import System, event, instant, seconds

REAL_SHORT = pytest.mark.parametrize("short", ["real"], indirect=True)
BOTH_SHORT = pytest.mark.parametrize("short", ["real", "embedded"], indirect=True)
#: A timer of one second, and as much again for what happens to run at the same time. Of several looks one has to be so
#: prompt: a timer that is late is so each time, a machine that is busy is not.
PROMPT = 3.0


@pytest.fixture(scope="module")
def month(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Run a worker with a window of a month."""
    with run_on(request, tmp_path_factory, "real", MONTH) as running:
        yield running


@pytest.fixture(scope="module")
def short(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Run a worker with a window of seconds."""
    with run_on(request, tmp_path_factory, request.param, SECONDS) as running:
        yield running


def steps(messages: list[dict[str, object]]) -> list[tuple[object, ...]]:
    """Reduce band changes to what happened; those of one customer come in order."""
    names = ("previous_band", "band", "previous_score", "score", "occurred_at", "cause")
    return [tuple(message[name] for name in names) for message in messages]


def scores_at_most(system: System, customer: str, most: int) -> bool:
    """Return whether a customer's score has fallen so far."""
    return int(system.score(customer) or 0) <= most


async def wait_for_changes(system: System, customer: str, count: int) -> list[dict[str, object]]:
    """Wait until a customer has at least that many band changes."""

    async def came() -> list[dict[str, object]]:
        found = await system.band_changes(customer)
        return found if len(found) >= count else []

    return await poll_until(came, 30)


@BOTH_SHORT
async def test_silence_alone_lowers_the_score_and_alerts_at_the_pane_boundary(short: Running) -> None:
    system = short.system
    customer, climber, fading = (system.customer(name) for name in ("silent", "two-steps", "fading"))
    start = int(time.time())
    bought = [event(customer, "purchase", start + 0.001 * n) for n in range(3)]
    await system.send("clickstream", *bought)
    # Two panes of 60 points: the first to leave takes the customer from `power` to `engaged`, the second out of it.
    early = [event(climber, "purchase", start - 2 + 0.001 * n) for n in range(3)]
    late = [event(climber, "purchase", start + 0.001 * n) for n in range(3)]
    await system.send("clickstream", *early, *late, partition=1)
    # Never engaged, so nothing is crossed: plain refreshes have to bring the score down.
    await system.send("email", *[event(fading, "click", start - n + 0.5) for n in (3, 2, 1)])
    boundary = start + WINDOW

    before = await system.wait_for_score(customer, "60", within=WINDOW)
    delays: list[float] = []
    assert (before["band"], before["disengages_at"]) == ("engaged", instant(boundary))
    assert (await system.wait_for_score(climber, "120", within=WINDOW))["disengages_at"] == instant(boundary)
    await system.wait_for_score(fading, "15", within=WINDOW)
    for left, points in ((3, 10), (2, 5), (1, 0)):
        await poll_until(partial(scores_at_most, system, fading, points), 2 * WINDOW)
        delays.append(time.time() - (boundary - left))

    after = await system.wait_for_score(customer, "0", within=2 * WINDOW)
    delays.append(time.time() - boundary)
    assert {name: after[name] for name in after if name not in ("updated_at", "trend")} == {
        **dict.fromkeys(("score", "clickstream", "email", "social"), "0"),
        "band": "disengaged",
        "previous_band": "engaged",
        "band_since": instant(boundary),
        "disengages_at": "",
        "last_event_at": instant(start + 0.002),
        "policy_version": "seconds-1",
    }
    assert seconds(after["updated_at"]) >= boundary
    assert system.bands_of(customer) == {"disengaged": boundary}

    (alert,) = await system.wait_for_alerts(customer, 1)
    delays.append(seconds(alert.pop("detected_at")) - boundary)
    assert 0 <= min(delays) < PROMPT, delays
    assert alert.pop("alert_id") == alert.pop("episode_id")
    assert alert.pop("namespace") == system.namespace
    assert alert == {
        "customer_id": customer,
        "kind": "churn_risk",
        "severity": "warning",
        "score": 0,
        "previous_score": 60,
        "band": "disengaged",
        "previous_band": "engaged",
        "occurred_at": instant(boundary),
        "policy_version": "seconds-1",
        "reasons": [
            {
                "channel": "clickstream",
                "type": "purchase",
                "points": -60,
                "count": 3,
                "counted": 3,
                "cause": "expired",
                "pane": instant(start),
            }
        ],
    }

    assert steps(await wait_for_changes(system, climber, 5)) == [
        ("disengaged", "engaged", 40, 60, instant(start - 2 + 0.002), "event"),
        ("engaged", "highly_engaged", 60, 80, instant(start), "event"),
        ("highly_engaged", "power", 100, 120, instant(start + 0.002), "event"),
        ("power", "engaged", 120, 60, instant(boundary - 2), "expired"),
        ("engaged", "disengaged", 60, 0, instant(boundary), "expired"),
    ]
    assert [alert["occurred_at"] for alert in await system.wait_for_alerts(climber, 1)] == [instant(boundary)]
    assert await system.alerts(fading) == []
    # The trend goes on by itself: what was lost is forgotten after its two seconds.
    await poll_until(lambda: system.fields(customer)["trend"] == "0", WINDOW)


async def test_an_unsubscribe_alerts_at_its_own_time_with_its_reason(month: Running) -> None:
    system = month.system
    customer = system.customer("unsubscribed")
    at = int(time.time()) - 30
    bought = [event(customer, "purchase", at + 0.125 * n) for n in range(3)]
    await system.send("clickstream", *bought)
    await system.wait_for_score(customer, "60")
    await system.send("email", event(customer, "unsubscribe", at + 10.5))
    fields = await system.wait_for_score(customer, "20")
    assert (fields["band"], fields["band_since"], fields["disengages_at"]) == ("disengaged", instant(at + 10.5), "")

    (alert,) = await system.wait_for_alerts(customer, 1)
    assert -0.001 <= time.time() - seconds(alert.pop("detected_at")) < 10
    assert alert.pop("alert_id") == alert.pop("episode_id")
    assert alert.pop("namespace") == system.namespace
    assert alert == {
        "customer_id": customer,
        "kind": "churn_risk",
        "severity": "warning",
        "score": 20,
        "previous_score": 60,
        "band": "disengaged",
        "previous_band": "engaged",
        "occurred_at": instant(at + 10.5),
        "policy_version": "month-1",
        "reasons": [
            {
                "channel": "email",
                "type": "unsubscribe",
                "points": -40,
                "count": 1,
                "counted": 1,
                "cause": "event",
                "at": instant(at + 10.5),
            }
        ],
    }


async def test_a_complaint_is_critical_and_a_return_is_a_recovery(month: Running) -> None:
    system = month.system
    customer = system.customer("complained")
    at = int(time.time()) - 60
    await engage(system, customer, at)
    await system.send("email", event(customer, "complaint", at + 1))
    fields = await system.wait_for_score(customer, "-15")
    assert (fields["band"], fields["email"], fields["trend"]) == ("at_risk", "-55", "-15")
    assert system.bands_of(customer) == {"at_risk": at + 1}
    (drop,) = await system.wait_for_alerts(customer, 1)
    assert (drop["kind"], drop["severity"], drop["occurred_at"]) == ("churn_risk", "critical", instant(at + 1))
    assert (drop["score"], drop["previous_score"], drop["band"]) == (-15, 45, "at_risk")
    assert [(why["type"], why["points"]) for why in drop["reasons"]] == [("complaint", -60)]

    await system.send("clickstream", *[event(customer, "purchase", at + 2 + n) for n in range(4)])
    await system.wait_for_score(customer, "65")
    _, back = await system.wait_for_alerts(customer, 2)
    assert (back["kind"], back["severity"], back["occurred_at"]) == ("recovered", "info", instant(at + 5))
    assert (back["score"], back["previous_score"], back["band"], back["previous_band"]) == (
        65,
        45,
        "engaged",
        "engaged",
    )
    assert back["alert_id"] != drop["alert_id"] == back["episode_id"]
    assert back["closes"] == [drop["alert_id"]]


async def test_a_flap_around_the_boundary_raises_one_alert(month: Running) -> None:
    system = month.system
    customer, witness = system.customer("flapping"), system.customer("flapping-witness")
    at = int(time.time()) - 60
    await engage(system, customer, at)
    moves = (("unsubscribe", "5"), ("click", "45"), ("unsubscribe", "5"), ("click", "45"), ("unsubscribe", "5"))
    for step, (kind, score) in enumerate(moves, start=1):
        count = 8 if kind == "click" else 1
        await system.send("email", *[event(customer, kind, at + step) for _ in range(count)])
        await system.wait_for_score(customer, score)
    # The episode ends 5 points above; dropped again, but within the cooldown.
    await system.send("clickstream", *[event(customer, "purchase", at + 10) for _ in range(3)])
    await system.wait_for_score(customer, "65")
    await system.send("email", event(customer, "unsubscribe", at + 11))
    await system.wait_for_score(customer, "25")

    await drop_as_witness(system, witness)
    assert [(alert["kind"], alert["occurred_at"]) for alert in await system.alerts(customer)] == [
        ("churn_risk", instant(at + 1)),
        ("recovered", instant(at + 10)),
    ]
    changes = steps(await system.band_changes(customer))
    assert [(change[1], change[4]) for change in changes] == [
        ("engaged", instant(at)),
        *[("engaged" if n % 2 == 0 else "disengaged", instant(at + n)) for n in range(1, 6)],
        ("engaged", instant(at + 10)),
        ("disengaged", instant(at + 11)),
    ]


@REAL_SHORT
async def test_a_drop_within_the_cooldown_is_alerted_when_it_ends(short: Running) -> None:
    system = short.system
    customer = system.customer("cooling")
    at = int(time.time())
    await system.send("clickstream", *[event(customer, "purchase", at) for _ in range(3)])
    await system.wait_for_score(customer, "60", within=WINDOW)
    await system.send("email", event(customer, "unsubscribe", at + 0.25))
    await system.wait_for_score(customer, "20", within=WINDOW)
    await system.send("clickstream", *[event(customer, "purchase", at + 0.5) for _ in range(2)])
    await system.wait_for_score(customer, "60", within=WINDOW)
    await system.send("email", event(customer, "unsubscribe", at + 0.75))
    await system.wait_for_score(customer, "20", within=WINDOW)
    # The policy's cooldown is four seconds from the first alert.
    alerts = await system.wait_for_alerts(customer, 3)
    assert [(alert["kind"], alert["occurred_at"]) for alert in alerts] == [
        ("churn_risk", instant(at + 0.25)),
        ("recovered", instant(at + 0.5)),
        ("churn_risk", instant(at + 0.25 + 4)),
    ]
    assert seconds(alerts[2]["detected_at"]) >= at + 4.25
    assert (alerts[2]["previous_score"], alerts[2]["score"]) == (60, 20)


async def test_who_was_never_engaged_is_alerted_on_in_at_risk(month: Running) -> None:
    system = month.system
    customer, witness = system.customer("never-engaged"), system.customer("never-engaged-witness")
    at = int(time.time()) - 60
    await system.send("clickstream", event(customer, "purchase", at), event(customer, "purchase", at))
    await system.wait_for_score(customer, "40")
    await system.send("email", event(customer, "complaint", at + 1))
    await system.wait_for_score(customer, "-20")
    await drop_as_witness(system, witness)
    assert [(alert["severity"], alert["occurred_at"]) for alert in await system.alerts(customer)] == [
        ("critical", instant(at + 1))
    ]
    assert steps(await system.band_changes(customer)) == [("disengaged", "at_risk", 40, -20, instant(at + 1), "event")]


async def test_every_change_of_band_is_published_up_and_down(month: Running) -> None:
    system = month.system
    customer = system.customer("up-and-down")
    at = int(time.time()) - 60
    await engage(system, customer, at)
    for step, score in enumerate(("75", "105"), start=1):
        bought = [event(customer, "purchase", at + step)] + [event(customer, "click", at + step) for _ in range(2)]
        await system.send("clickstream", bought[0])
        await system.send("email", *bought[1:])
        await system.wait_for_score(customer, score)
    await system.send("email", event(customer, "unsubscribe", at + 3))
    await system.wait_for_score(customer, "65")
    await system.send("email", event(customer, "complaint", at + 4), event(customer, "unsubscribe", at + 5))
    await system.wait_for_score(customer, "-35")
    changes = await wait_for_changes(system, customer, 6)
    assert [(change["previous_band"], change["band"]) for change in changes] == [
        ("disengaged", "engaged"),
        ("engaged", "highly_engaged"),
        ("highly_engaged", "power"),
        ("power", "engaged"),
        ("engaged", "disengaged"),
        ("disengaged", "at_risk"),
    ]
    assert [change["score"] for change in changes][3:] == [65, 5, -35]
    assert len({change["change_id"] for change in changes}) == 6
    alert, deeper = await system.wait_for_alerts(customer, 2)
    assert (alert["severity"], alert["occurred_at"]) == ("warning", instant(at + 4))
    assert (deeper["severity"], deeper["occurred_at"]) == ("critical", instant(at + 5))
    assert alert["episode_id"] == deeper["episode_id"] == alert["alert_id"] != deeper["alert_id"]
    assert system.bands_of(customer) == {"at_risk": at + 5}


async def engage(system: System, customer: str, at: float) -> None:
    """Bring a customer to 45 points at a time, in one step after 40."""
    await system.send("clickstream", event(customer, "purchase", at), event(customer, "purchase", at))
    await system.wait_for_score(customer, "40")
    await system.send("email", event(customer, "click", at))
    await system.wait_for_score(customer, "45")


async def drop_as_witness(system: System, customer: str) -> None:
    """Let another customer drop: what this one's alert comes after has been published by then."""
    await engage(system, customer, time.time() - 1)
    await system.send("email", event(customer, "unsubscribe"))
    await system.wait_for_alerts(customer, 1)
