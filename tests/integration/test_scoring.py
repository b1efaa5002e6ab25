"""Events become scores in Redis: the real worker, on the best services and on the embedded pair."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import pytest

from tests.integration.policies import MONTH_WITH_SUPPORT
from tests.integration.running import Running, run_on
from tests.polling import poll_until
from tests.services.system import event, instant, metric, wait_for_metric

REAL = pytest.mark.parametrize("running", ["real"], indirect=True)
BOTH = pytest.mark.parametrize("running", ["real", "embedded"], indirect=True)
DAY = 86_400
STRANGE = "{a}:b}{\n😀 é:"


@pytest.fixture(scope="module")
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Run a worker on the services of the parameter."""
    with run_on(request, tmp_path_factory, request.param, MONTH_WITH_SUPPORT) as running:
        yield running


@BOTH
async def test_a_customer_is_the_sum_of_all_channels(running: Running) -> None:
    system = running.system
    customer = system.customer("three-channels")
    at = int(time.time()) - 60
    await system.send("clickstream", *[event(customer, "purchase", at, event_id=f"p{n}") for n in range(2)])
    await system.wait_for_score(customer, "40")
    await system.send("social", *[event(customer, "comment", at + 10.25) for _ in range(2)], partition=1)
    await system.wait_for_score(customer, "48")
    await system.send("email", *[event(customer, kind, at + 5) for kind in ("click", "open", "open")], partition=2)

    fields = await system.wait_for_score(customer, "55")
    updated_at = fields.pop("updated_at")
    assert fields == {
        "score": "55",
        "clickstream": "40",
        "email": "7",
        "social": "8",
        "support": "0",
        "band": "engaged",
        "band_since": instant(at + 10.25),
        "previous_band": "disengaged",
        "trend": "55",
        "disengages_at": instant((at // DAY + 30) * DAY),
        "last_event_at": instant(at + 10.25),
        "policy_version": "month-1",
    }
    assert abs(datetime.fromisoformat(updated_at).timestamp() - time.time()) < 30
    assert system.bands_of(customer) == {"engaged": at + 10}


@BOTH
async def test_an_event_id_counts_once_whenever_it_comes_again(running: Running) -> None:
    system = running.system
    customer, witness = system.customer("repeated"), system.customer("repeated-witness")
    at = time.time() - 60
    first = event(customer, "comment", at, event_id="one")
    before = metric(running.worker, "engagement_scored_events_total", outcome="duplicates")
    await system.send("social", first, first, event(customer, "comment", at, event_id="two"), first)
    await system.wait_for_score(customer, "8")
    await system.send("social", {**first, "timestamp": at + 5})
    await system.send("social", first, event(witness, "comment"))
    await system.wait_for_score(witness, "4")
    assert system.score(customer) == "8"
    await wait_for_metric(before + 4, running.worker, "engagement_scored_events_total", outcome="duplicates")


@BOTH
async def test_a_customer_of_any_characters_is_the_same_everywhere(running: Running) -> None:
    system = running.system
    customer = system.customer(STRANGE)
    now = int(time.time())
    for channel, kind, score in (
        ("clickstream", "purchase", "20"),
        ("social", "comment", "24"),
        ("email", "open", "25"),
    ):
        await system.send(channel, event(customer, kind, now))
        await system.wait_for_score(customer, score)
    await system.send("clickstream", event(customer, "purchase", now), partition=3)
    await system.wait_for_score(customer, "45")
    assert system.bands_of(customer) == {"engaged": now}

    async def published() -> bool:
        return bool(await system.band_changes(customer))

    await poll_until(published, 30)
    (change,) = await system.band_changes(customer)
    assert (change["band"], change["score"]) == ("engaged", 45)
    await system.send("email", event(customer, "unsubscribe", now + 1))
    (alert,) = await system.wait_for_alerts(customer, 1)
    assert (alert["kind"], alert["score"], alert["previous_score"]) == ("churn_risk", 5, 45)


@BOTH
async def test_a_type_outside_the_policy_is_counted_and_scores_nothing(running: Running) -> None:
    system, worker = running.system, running.worker
    customer = system.customer("unknown-type")
    before = metric(worker, "engagement_events_total", channel="social", outcome="unknown_type")
    at = time.time() - 9
    unknown = [event(customer, kind, at + n) for n, kind in enumerate(("wave", "purchase", "Comment", "コメント"))]
    await system.send("social", *unknown, event(customer, "comment", at))
    fields = await system.wait_for_score(customer, "4")
    await wait_for_metric(before + 4, worker, "engagement_events_total", channel="social", outcome="unknown_type")
    assert (fields["social"], fields["clickstream"], fields["band"]) == ("4", "0", "disengaged")
    assert datetime.fromisoformat(fields["last_event_at"]).timestamp() == pytest.approx(at + 3, abs=0.001)
    assert await system.dead_letters() == []


@REAL
async def test_a_customer_of_unknown_types_only_has_a_score_of_0(running: Running) -> None:
    customer = running.system.customer("unknown-only")
    await running.system.send("social", event(customer, "wave"))
    fields = await running.system.wait_for_score(customer, "0")
    assert (fields["band"], fields["disengages_at"]) == ("disengaged", "")


@REAL
async def test_an_event_older_than_the_window_is_counted_and_scores_nothing(running: Running) -> None:
    system, worker = running.system, running.worker
    customer, stranger = system.customer("outdated"), system.customer("outdated-only")
    labels = {"channel": "clickstream", "outcome": "outdated"}
    before = metric(worker, "engagement_events_total", **labels)
    old, now = time.time() - 31 * DAY, time.time()
    await system.send(
        "clickstream",
        event(customer, "purchase", old),
        event(customer, "purchase", now),
        event(stranger, "purchase", old),
        event(customer, "purchase", old),
    )
    fields = await system.wait_for_score(customer, "20")
    await wait_for_metric(before + 3, worker, "engagement_events_total", **labels)
    assert datetime.fromisoformat(fields["last_event_at"]).timestamp() == pytest.approx(now, abs=0.001)
    assert system.fields(stranger) == {}
    assert await system.dead_letters() == []


@BOTH
async def test_a_timestamp_may_be_rfc_3339_seconds_or_milliseconds(running: Running) -> None:
    system = running.system
    at = int(time.time()) - 3600
    east = datetime.fromtimestamp(at, timezone(timedelta(hours=5, minutes=30)))
    written: dict[str, float | str] = {
        "utc": instant(at),
        "lower-case": instant(at).lower(),
        "offset": east.isoformat(),
        "fraction": instant(at)[:-1] + ".125+00:00",
        "seconds": at,
        "float-seconds": at + 0.125,
        "milliseconds": at * 1000 + 125,
        "float-milliseconds": at * 1000 + 0.5,
    }
    await system.send("social", *[event(system.customer(name), "comment", value) for name, value in written.items()])
    for name in written:
        await system.wait_for_score(system.customer(name), "4")
    last = {name: system.fields(system.customer(name))["last_event_at"] for name in written}
    expected = dict.fromkeys(written, instant(at))
    expected |= dict.fromkeys(("fraction", "float-seconds", "milliseconds"), instant(at + 0.125))
    assert last == expected | {"float-milliseconds": instant(at + 0.0005)}


@BOTH
async def test_a_fourth_channel_needs_nothing_but_the_policy(running: Running) -> None:
    system = running.system
    customer = system.customer("supported")
    await system.send("support", event(customer, "praise"), event(customer, "ticket"), event(customer, "praise"))
    await system.send("social", event(customer, "comment"), event(customer, "impression"))
    fields = await system.wait_for_score(customer, "16")
    assert (fields["support"], fields["social"]) == ("12", "4")
    await wait_for_metric(3, running.worker, "engagement_events_total", channel="support", outcome="read")


@REAL
async def test_a_type_counts_up_to_its_cap_in_a_pane(running: Running) -> None:
    system = running.system
    customer = system.customer("capped")
    today = time.time() // DAY * DAY
    days = [event(customer, "page_view", today - n * DAY + 1) for n in (1, 1, 1, 1, 1, 1, 1, 2, 3, 3)]
    await system.send("clickstream", *days)
    assert (await system.wait_for_score(customer, "8"))["trend"] == "8"
    await system.send("clickstream", *days[:3], event(customer, "page_view", today - 29 * DAY + 1))
    fields = await system.wait_for_score(customer, "9")
    assert (fields["trend"], fields["disengages_at"]) == ("8", "")


@BOTH
async def test_an_event_id_counts_once_across_a_restart(running: Running) -> None:
    system = running.system
    customer = system.customer("repeated-later")
    first = event(customer, "comment", event_id="one")
    await system.send("social", first, event(customer, "comment", event_id="two"), event(customer, "comment"))
    await system.wait_for_score(customer, "12")
    running.restart()
    await system.send("social", first, event(customer, "comment", event_id="three"))
    await system.wait_for_score(customer, "16")
    # A score can be read before the round that made it is counted.
    await poll_until(lambda: metric(running.worker, "engagement_scored_events_total", outcome="duplicates") == 1, 30)
