"""Silent feeds in a worker: nobody is called churning for them, operators are told once, and workers agree."""

from __future__ import annotations

from typing import Any

import pytest

from scoring.instants import MINUTE, SECOND
from streams.errors import BrokerUnavailable, StoreUnavailable
from streams.records import Partition
from streams.topic_names import FEED_ALERTS
from tests.unit.scoring.customers import POLICY, at
from tests.unit.streams.bench import SOCIAL, WEB, Bench, did

WATCHED = POLICY.replace('topic = "web"', 'topic = "web"\nsilence_after = "6h"')
OTHER_WEB = Partition("web", 1)
PARTITIONS = (WEB, OTHER_WEB, SOCIAL)


async def worker(clock: str = "wall", *, beside: Bench | None = None) -> Bench:
    """Give a worker with all partitions, alone or on the store of another."""
    bench = Bench(clock=clock, text=WATCHED, store=beside.store if beside else None)
    bench.now = beside.now if beside else at("01 09:00")
    await bench.assign(*PARTITIONS)
    return bench


async def engaged(clock: str = "wall", customers: int = 1) -> Bench:
    """Give a worker that has applied engaged customers, on the 1st at 09:00."""
    bench = await worker(clock)
    names = [f"anna{number}" for number in range(customers)]
    await bench.apply(bench.submission(0, *[did(name, "buy", "01 09:00") for name in names for _ in range(3)]))
    await turn(bench)
    return bench


async def turn(bench: Bench, now: str = "") -> None:
    """Let the timer do one turn, at a time."""
    bench.now = at(now) if now else bench.now
    await bench.timer.turn(lambda: dict.fromkeys(PARTITIONS, True), 1, set(PARTITIONS))


def told(bench: Bench) -> list[dict[str, Any]]:
    """Give what was published of the feeds."""
    return [message.body for _, message in bench.publisher.messages if message.topic == FEED_ALERTS]


def churning(bench: Bench) -> list[str]:
    """Give the times of the churn alerts that were published."""
    bodies = [message.body for _, message in bench.publisher.messages]
    return [body["occurred_at"] for body in bodies if body.get("kind") == "churn_risk"]


async def test_a_feed_that_stops_makes_one_notice_and_no_churn_wave() -> None:
    bench = await engaged(customers=600)
    await bench.apply(bench.submission(0, did("ben", "post", "01 09:00"), partition=SOCIAL))
    await turn(bench, "01 14:59:59")
    assert (told(bench), bench.count("engagement_feed_silent", channel="web", source="")) == ([], 0)

    for day in ("01 15:00", "02 00:00", "04 00:00", "04 00:01", "05 00:00", "06 00:00"):
        await turn(bench, day)
    assert churning(bench) == []
    assert await bench.field("anna7", "band") == "disengaged"
    (notice,) = told(bench)
    assert (notice["kind"], notice["channel"]) == ("feed_silent", "web")
    assert (notice["last_event_at"], notice["silent_since"]) == ("2024-01-01T09:00:00Z", "2024-01-01T15:00:00Z")
    assert bench.count("engagement_feed_silent", channel="web", source="") == 1
    assert bench.count("engagement_held_crossings_total", channel="web") == 600
    assert bench.count("engagement_transitions_total", kind="feed_silent") == 1


async def test_when_the_feed_is_back_who_is_still_below_is_told_of_once_and_others_are_not() -> None:
    bench = await engaged(customers=3)
    await turn(bench, "04 00:00:01")
    bench.now = at("05 21:00")
    await bench.apply(bench.submission(9, *[did("anna1", "buy", "05 21:00")] * 3))
    await turn(bench)
    assert [notice["kind"] for notice in told(bench)] == ["feed_silent", "feed_back"]
    assert told(bench)[1]["occurred_at"] == "2024-01-05T21:00:00Z"
    assert churning(bench) == []

    await turn(bench, "06 00:00:01")
    await turn(bench, "06 00:00:02")
    alerts = [(key, body.body["occurred_at"]) for key, body in bench.publisher.messages if "severity" in body.body]
    churn = [(key, time) for key, time in alerts if key.startswith("anna")]
    assert sorted(churn) == [("anna0", "2024-01-06T00:00:00Z"), ("anna2", "2024-01-06T00:00:00Z")]
    assert bench.count("engagement_feed_silent", channel="web", source="") == 0


async def test_any_partition_of_the_channel_keeps_the_feed_alive() -> None:
    bench = await engaged()
    bench.now = at("03 20:00")
    await bench.apply(bench.submission(0, did("ben", "glance", "03 20:00"), partition=OTHER_WEB))
    await turn(bench, "04 00:00:01")
    assert churning(bench) == ["2024-01-04T00:00:00Z"]


async def test_a_worker_that_starts_anew_knows_that_the_feed_is_silent() -> None:
    before = await engaged()
    await turn(before, "02 00:00")
    after = await worker(beside=before)
    after.store._leases.clear()
    await turn(after, "04 00:00:01")

    assert churning(after) == []
    assert await after.field("anna0", "band") == "disengaged"
    assert (len(told(before)), told(after)) == (1, [])


async def test_what_a_worker_applied_before_it_died_is_known_to_the_next() -> None:
    before = await worker()
    before.now = at("01 21:00")
    await before.apply(
        before.submission(0, *[did("anna", "buy", "01 09:00")] * 3, did("ben", "view", "01 20:00")),
        before.submission(0, did("ben", "post", "01 10:00"), partition=SOCIAL),
    )
    after = await worker(beside=before)
    silence = after.feeds.known.silence_at("web", at("01 16:00"))
    assert silence == (at("01 09:00"), at("01 15:00"), at("01 20:00"))


async def test_two_workers_tell_of_a_silence_once() -> None:
    first = await engaged()
    second = await worker(beside=first)
    for now in ("01 15:00", "01 15:01", "02 00:00"):
        await turn(first, now)
        await turn(second, now)
    assert len(told(first) + told(second)) == 1


async def test_of_two_workers_that_see_a_silence_at_the_same_moment_one_tells() -> None:
    first = await engaged()
    second = await worker(beside=first)
    await turn(first)
    await turn(second)
    await turn(first, "01 15:00")
    await second.feeds.tell(at("01 15:00"))
    assert (len(told(first)), told(second)) == (1, [])


async def test_a_round_holds_what_it_finds_fallen() -> None:
    bench = await engaged()
    # Another worker is at the schedules.
    bench.store._leases = dict.fromkeys(range(bench.store.groups), "other")
    await turn(bench, "04 01:00")
    await bench.apply(bench.submission(0, did("anna0", "post", "04 01:00"), partition=SOCIAL))
    assert (await bench.field("anna0", "band"), churning(bench)) == ("disengaged", [])
    assert bench.count("engagement_held_crossings_total", channel="web") == 1


async def test_a_worker_that_looks_again_learns_what_others_know_of_the_feeds() -> None:
    first = await engaged()
    second = await worker(beside=first)
    first.now = second.now = at("01 20:00")
    await first.apply(first.submission(3, did("ben", "view", "01 20:00")))
    await second.pipeline.read_anew()
    assert second.feeds.known.silence_at("web", at("01 21:00")) is None


async def test_of_the_feeds_a_worker_knows_at_least_what_its_clock_rests_on(monkeypatch: pytest.MonkeyPatch) -> None:
    first = await engaged()
    second = await worker(beside=first)
    await turn(second)
    seen: list[int] = []
    exchange = second.store.exchange_feeds

    async def look(*arguments: Any) -> Any:
        seen.append(second.clock._marks[WEB].newest)
        return await exchange(*arguments)

    second.clock.own = {SOCIAL}
    first.now = second.now = at("01 20:00")
    await first.apply(first.submission(3, did("ben", "view", "01 20:00")))
    await turn(first)
    monkeypatch.setattr(second.store, "exchange_feeds", look)
    await second.timer.turn(lambda: {SOCIAL: True}, 1, set(PARTITIONS))
    assert (seen, second.clock._marks[WEB].newest) == ([at("01 09:00")], at("01 20:00"))


async def test_of_a_worker_that_dies_before_it_has_told_another_tells_the_same() -> None:
    first = await engaged()
    second = await worker(beside=first)
    first.publisher.faults = [BrokerUnavailable("gone")]
    await turn(first, "01 15:00")
    assert "gone" in first.timer.fault
    await turn(second, "01 15:00:04")
    assert told(second) == []

    await turn(second, "01 15:00:06")
    await turn(first, "01 15:00:07")
    (notice,) = told(second)
    assert notice["detected_at"] == "2024-01-01T15:00:00Z"
    assert told(first) == []


async def test_a_notice_that_could_not_be_published_is_published_by_the_next_turn_under_its_id() -> None:
    bench = await engaged()
    bench.publisher.faults = [BrokerUnavailable("gone")]
    await turn(bench, "01 15:00")
    await turn(bench, "01 15:00:01")
    await turn(bench, "01 15:00:02")
    (notice,) = told(bench)
    assert notice["detected_at"] == "2024-01-01T15:00:00Z"


async def test_events_are_noted_in_the_store_before_they_are_applied() -> None:
    bench = await engaged()
    noted: list[Any] = []

    async def look() -> None:
        noted.append((await bench.store.exchange_feeds({}, {}))["web"].stretches)

    bench.store.before_apply = [look]
    bench.now = at("01 10:00")
    await bench.apply(bench.submission(3, did("ben", "view", "01 10:00")))
    assert noted == [[(at("01 09:00"), at("01 10:00"))]]


async def test_without_the_note_nothing_is_applied(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = await engaged()
    attempts: list[int] = []
    exchange = bench.store.exchange_feeds

    async def fails_once(*arguments: Any) -> Any:
        attempts.append(1)
        if len(attempts) == 1:
            raise StoreUnavailable("gone")
        return await exchange(*arguments)

    monkeypatch.setattr(bench.store, "exchange_feeds", fails_once)
    journal = len(bench.journal)
    bench.now = at("01 10:00")
    await bench.apply(bench.submission(3, did("ben", "view", "01 10:00")))
    assert len(attempts) == 2
    assert bench.journal[journal:].count("store") == 1
    assert bench.count("engagement_retries_total", what="StoreUnavailable") == 1


async def test_a_store_that_has_forgotten_is_told_again() -> None:
    bench = await engaged()
    bench.store._feeds.clear()
    await turn(bench)
    await turn(bench)
    assert (await bench.store.exchange_feeds({}, {}))["web"].stretches == [(at("01 09:00"), at("01 09:00"))]


async def test_a_feed_that_was_dead_before_it_was_watched_is_silent_by_its_marks() -> None:
    before = await engaged()
    before.store._feeds.clear()
    before.store._leases.clear()
    after = await worker(beside=before)
    await turn(after, "04 00:00:01")
    assert churning(after) == []
    assert [notice["last_event_at"] for notice in told(after)] == ["2024-01-01T09:00:00Z"]


async def test_while_a_backlog_of_the_feed_is_read_it_stays_silent_until_it_is_caught_up_with() -> None:
    bench = await engaged()
    await turn(bench, "03 09:00")
    for number, time in enumerate(("01 20:00", "02 12:00", "03 02:00")):
        bench.now += SECOND
        await bench.apply(bench.submission(3 + number, did("ben", "view", time)))
        await turn(bench)
    assert [notice["kind"] for notice in told(bench)] == ["feed_silent"]

    bench.now += SECOND
    await bench.apply(bench.submission(6, did("ben", "view", "03 04:00")))
    await turn(bench)
    assert [notice["kind"] for notice in told(bench)] == ["feed_silent", "feed_back"]


@pytest.mark.parametrize("batches", [1, 2, 5, 40])
async def test_on_the_stream_clock_the_same_is_told_and_held_however_the_log_is_cut(batches: int) -> None:
    bench = await worker("stream")
    bench.now = at("28 00:00")
    times = [f"{day:02} {hour:02}:00" for day in range(1, 21) for hour in range(0, 24, 5) if not 7 <= day < 12]
    web = [did("ben", "glance", time) for time in times]
    web[times.index("05 00:00") : 0] = [did("anna", "buy", "05 00:00")] * 3
    posts = [did("cleo", "post", f"{day:02} 06:00") for day in range(1, 21)]
    size, sent = -(-len(web) // batches), 0
    for start in range(0, len(web), size):
        cut = web[start : start + size]
        some = [post for post in posts[sent:] if str(post["timestamp"]) < str(cut[-1]["timestamp"])]
        batch = [bench.submission(start, *cut)]
        if some:
            batch.append(bench.submission(sent, *some, partition=SOCIAL))
        sent += len(some)
        await bench.apply(*batch)
        # The partition that has nothing holds the clock back until it counts as idle.
        bench.now += MINUTE
        await turn(bench)

    assert [(notice["kind"], notice["occurred_at"]) for notice in told(bench)] == [
        ("feed_silent", "2024-01-07T02:00:00Z"),
        ("feed_back", "2024-01-12T00:00:00Z"),
    ]
    assert len({notice["alert_id"] for notice in told(bench)}) == 2
    assert churning(bench) == ["2024-01-12T00:00:00Z"]


SITE, PHONE = Partition("calls", 0), Partition("phone", 0)
SOURCES = """
[sources.site]
topic = "calls"
channel = "web"
customer = "customer_id"
type = "type"
time = "timestamp"
silence_after = "6h"
[sources.phone]
topic = "phone"
channel = "web"
customer = "customer_id"
type = "type"
time = "timestamp"
silence_after = "8h"
"""
ON_ONE_TOPIC = SOURCES.replace('"phone"\nch', '"calls"\nwhen = { type = "glance" }\nch').replace(
    '"calls"\nch', '"calls"\nunless = { type = "glance" }\nch'
)


@pytest.mark.parametrize(("sources", "phone"), [(SOURCES, PHONE), (ON_ONE_TOPIC, SITE)])
async def test_a_source_that_stops_beside_one_that_does_not_is_told_by_its_name(sources: str, phone: Partition) -> None:
    bench = Bench(clock="wall", text=POLICY + sources)
    bench.now = at("01 09:00")
    await bench.assign(*{SITE, phone, SOCIAL})

    async def look(now: str) -> None:
        bench.now = at(now)
        await bench.timer.turn(lambda: {SITE: True, phone: True, SOCIAL: True}, 1, {SITE, phone, SOCIAL})

    await bench.apply(bench.submission(0, *[did("anna", "buy", "01 09:00")] * 3, partition=SITE))
    offset = {SITE: 3, PHONE: 0}
    for hour in range(10, 22, 3):
        bench.now = at(f"01 {hour}:00")
        glance = did("ben", "glance", f"01 {hour}:00")
        await bench.apply(bench.submission(offset[phone], glance, partition=phone))
        offset[phone] += 1
        await look(f"01 {hour}:00")
    (notice,) = told(bench)
    assert (notice["kind"], notice["channel"], notice["source"]) == ("feed_silent", "web", "site")
    assert (notice["topic"], notice["silence_after"]) == ("calls", "6h")
    assert notice["silent_since"] == "2024-01-01T15:00:00Z"
    assert bench.count("engagement_feed_silent", channel="web", source="site") == 1
    assert bench.count("engagement_feed_silent", channel="web", source="phone") == 0
    assert bench.count("engagement_feed_silent", channel="web", source="") == 0

    await look("02 06:00")
    assert [notice["source"] for notice in told(bench)] == ["site", "phone"]
    assert bench.count("engagement_feed_silent", channel="web", source="") == 1
    await look("04 00:00:01")
    assert churning(bench) == []
    bench.now = at("04 01:00")
    await bench.apply(bench.submission(offset[SITE], did("anna", "buy", "04 01:00"), partition=SITE))
    await look("04 01:00")
    assert [(each["kind"], each["source"]) for each in told(bench)[2:]] == [("feed_back", "site")]


async def test_a_policy_that_watches_nothing_costs_no_call() -> None:
    bench = Bench(clock="wall")
    bench.now = at("01 09:00")

    async def refuse(*_: Any) -> Any:
        raise AssertionError("called")

    bench.store.exchange_feeds = bench.store.note_told = refuse  # type: ignore[method-assign, assignment]
    await bench.assign(WEB)
    await bench.apply(bench.submission(0, *[did("anna", "buy", "01 09:00")] * 3))
    bench.now = at("04 00:01")
    await bench.timer.turn(lambda: {WEB: True}, 1, {WEB})
    assert (bench.timer.fault, len(churning(bench))) == ("", 1)
