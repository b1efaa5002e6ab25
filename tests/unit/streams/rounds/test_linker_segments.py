"""Links where customers have segments, named scores, and measures that are told of all customers together."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from streams.store.sums.gains import join
from streams.store.sums.shares import share_of
from tests.unit.scoring.customers import at
from tests.unit.streams.bench import LINKING, LINKS, PROFILES, WEB, Bench, did
from tests.unit.streams.rounds.test_profiles_applied import profile

TEXT = (
    LINKING
    + """
[segments.large.bands]
engaged = 15
[scores.loud]
alerts = true
[scores.loud.channels.web]
weights = { buy = 10, quit = -90 }
[scores.quiet.channels.web]
weights = { view = 7 }
[measures.bought]
kind = "count"
of = ["web.buy"]
[measures.share]
kind = "ratio"
of = ["web.buy"]
to = ["web.view"]
"""
)
EVENTS = [
    did("anna", "buy", "01 09:00", "1"),
    did("cookie", "view", "01 10:00", "2"),
    did("cookie", "buy", "02 09:00", "3"),
    did("anna", "view", "02 09:00", "4"),
    did("cookie", "buy", "03 09:00", "5"),
]
PROFILES_TOLD = [profile("anna", "small", "01 09:00"), profile("cookie", "large", "02 09:00")]
_OWN = (
    "score",
    "band",
    "segment",
    "trend",
    "web",
    "score:loud",
    "band:loud",
    "trend:loud",
    "score:quiet",
    "bought",
    "share",
)


async def worker() -> Bench:
    """Give a worker that reads everything."""
    bench = Bench(text=TEXT)
    await bench.assign(WEB, PROFILES, LINKS)
    bench.clock.partitions = {WEB}
    return bench


def as_annas(values: Sequence[dict[str, object]]) -> list[dict[str, object]]:
    """Give the same as sent under one id."""
    return [value | {"customer_id": "anna"} for value in values]


async def assert_sums_are_those_of_the_stored(bench: Bench) -> None:
    """Compare all sums with what the hashes make together."""
    wanted = join(share_of(fields) for fields in bench.store.hashes.values())
    assert bench.policy.tallied
    stored = {name: fields for name, fields in bench.store.kpi._sums.items() if fields}
    assert stored == wanted


@pytest.mark.parametrize("links_at", [0, 2, 5])
async def test_all_that_is_told_of_the_customer_is_as_if_there_had_been_one_id(links_at: int) -> None:
    linked, one = await worker(), await worker()
    await linked.apply(linked.submission(0, *PROFILES_TOLD, partition=PROFILES))
    await one.apply(one.submission(0, *as_annas(PROFILES_TOLD), partition=PROFILES))
    if links_at:
        await linked.apply(linked.submission(0, *EVENTS[:links_at]))
    await linked.apply(linked.links(0, ("cookie", "anna")))
    await assert_sums_are_those_of_the_stored(linked)
    if EVENTS[links_at:]:
        await linked.apply(linked.submission(links_at, *EVENTS[links_at:]))
    await one.apply(one.submission(0, *as_annas(EVENTS)))
    for bench in (linked, one):
        await bench.apply(bench.submission(5, did("anna", "glance", "03 10:00", "6")))

    found, wanted = linked.store.hashes["anna"], one.store.hashes["anna"]
    assert {name: found.get(name) for name in _OWN} == {name: wanted.get(name) for name in _OWN}
    assert found["segment"] == "large"
    await assert_sums_are_those_of_the_stored(linked)
    await assert_sums_are_those_of_the_stored(one)


async def test_a_named_score_raises_no_alert_by_a_link_and_goes_on_from_both() -> None:
    bench = await worker()
    buys = [did("cookie", "buy", "01 09:00", f"c{number}") for number in range(5)]
    await bench.apply(bench.submission(0, *buys, did("anna", "quit", "01 10:00", "a1")))
    bench.publisher.messages.clear()
    await bench.apply(bench.links(0, ("cookie", "anna")))

    assert {message.body.get("cause") for _, message in bench.publisher.messages} <= {"link"}
    assert bench.store.hashes["anna"]["score:loud"] == "-40"
    # 100 points more make it engaged again, and it can fall then.
    await bench.apply(bench.submission(6, *[did("anna", "buy", "01 11:00", f"b{number}") for number in range(10)]))
    assert bench.store.hashes["anna"]["score:loud"] == "60"
    await bench.apply(bench.submission(16, did("anna", "quit", "03 10:00", "a2")))
    alerts = [message.body for _, message in bench.publisher.messages if "alert_id" in message.body]
    assert [(body["kind"], body.get("score_name")) for body in alerts if body.get("score_name")] == [
        ("recovered", "loud"),
        ("churn_risk", "loud"),
    ]
    [record] = await bench.store.load(["anna"])
    assert record.state.named is not None
    assert record.state.judged == at("03 10:00")


async def test_a_drop_by_a_named_score_is_told_of_who_was_engaged_under_the_id() -> None:
    bench = await worker()
    buys = [did("cookie", "buy", "01 09:00", f"c{number}") for number in range(5)]
    await bench.apply(bench.submission(0, *buys, did("anna", "buy", "01 10:00", "a1")))
    await bench.apply(bench.links(0, ("cookie", "anna")))
    assert bench.store.hashes["anna"]["score:loud"] == "60"
    bench.publisher.messages.clear()
    await bench.apply(bench.submission(6, did("anna", "quit", "01 11:00", "a2")))

    told = [message.body for _, message in bench.publisher.messages if message.body.get("score_name")]
    assert [(body["kind"], body["score_name"]) for body in told] == [("churn_risk", "loud")]


async def test_the_bands_after_a_link_are_those_of_the_segment() -> None:
    bench = await worker()
    await bench.apply(bench.submission(0, profile("cookie", "large", "02 09:00"), partition=PROFILES))
    await bench.apply(bench.submission(0, *[did("anna", "buy", "01 09:00", f"a{number}") for number in range(2)]))
    await bench.apply(bench.submission(2, did("cookie", "buy", "01 09:00", "c1")))
    bench.publisher.messages.clear()
    await bench.apply(bench.links(0, ("cookie", "anna")))

    # 13.5 points are engaged, but not in this segment.
    found = bench.store.hashes["anna"]
    assert (found["score"], found["band"], found["segment"]) == ("13.5", "disengaged", "large")
    assert bench.publisher.messages == []
