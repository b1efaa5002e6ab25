"""Profiles on their way through a worker: as exact as events, and yet no events."""

from __future__ import annotations

import pytest

from scoring.instants import DAY, format_instant
from streams.ingest.event_decoding import Decoder
from tests.unit.scoring.customers import POLICY, at
from tests.unit.streams.bench import PROFILES, WEB, Bench, did

SEGMENTS = POLICY + "[segments.large.bands]\nengaged = 15\n"


def profile(customer: str, segment: str | None, time: str) -> dict[str, object]:
    """Write a profile."""
    return {"customer_id": customer, "segment": segment, "timestamp": format_instant(at(time))}


@pytest.fixture
async def bench() -> Bench:
    """Give a worker that reads events and profiles."""
    bench = Bench(text=SEGMENTS)
    await bench.assign(WEB, PROFILES)
    bench.clock.partitions = {WEB}
    return bench


async def test_a_profile_is_stored_with_its_fence_and_judges_the_customer_anew(bench: Bench) -> None:
    await bench.apply(bench.submission(0, *[did("anna", "buy", "01 09:00")] * 3))
    assert await bench.field("anna", "band") == "engaged"
    batch = bench.submission(0, profile("anna", "large", "01 10:00"), partition=PROFILES)
    await bench.apply(batch)

    assert (await bench.field("anna", "segment"), await bench.field("anna", "band")) == ("large", "disengaged")
    fences = (await bench.store.fences([PROFILES]))[PROFILES]
    assert {fence.offset for fence in fences if fence} == {1}
    assert None not in fences
    assert batch.event.acks == 1
    [(_, change)] = [entry for entry in bench.publisher.messages if entry[1].body.get("cause") == "segment"]
    assert (change.body["segment"], change.body["band"], change.topic) == (
        "large",
        "disengaged",
        "engagement-band-changes",
    )
    assert bench.publisher.kinds() == ["band_change", "band_change"]


async def test_a_profile_is_no_event(bench: Bench) -> None:
    await bench.apply(bench.submission(0, did("anna", "buy", "01 09:00")))
    before = bench.clock.evaluation()
    await bench.apply(bench.submission(0, profile("anna", "large", "15 00:00"), partition=PROFILES))

    assert bench.clock.evaluation() == before
    record = await bench.store.read("anna")
    assert record is not None
    assert (record.fields["last_event_at"], record.fields["score"]) == ("2024-01-01T09:00:00Z", "4.5")
    assert record.state.activity.list_days() == [at("01 00:00") // DAY]
    assert bench.count("engagement_scored_events_total", outcome="taken") == 1


async def test_somebody_with_only_a_profile_has_no_score_until_the_first_event(bench: Bench) -> None:
    await bench.apply(bench.submission(0, profile("anna", "large", "01 08:00"), partition=PROFILES))
    assert await bench.store.read("anna") is None
    assert bench.store.hashes["anna"].keys() == {"_v", "_s", "_g", "segment"}
    await bench.apply(bench.submission(0, *[did("anna", "buy", "01 09:00")] * 3))

    assert (await bench.field("anna", "band"), await bench.field("anna", "segment")) == ("disengaged", "large")


async def test_a_profile_that_comes_again_changes_nothing(bench: Bench) -> None:
    told = profile("anna", "large", "01 08:00"), profile("anna", None, "01 09:00")
    await bench.apply(bench.submission(0, *told, partition=PROFILES))
    before = bench.store.hashes["anna"]
    await bench.apply(bench.submission(0, *told, partition=PROFILES))

    assert bench.store.hashes["anna"] == before
    assert bench.count("engagement_scored_events_total", outcome="applied_before") == 2
    await bench.apply(bench.submission(2, *told, partition=PROFILES))
    assert "segment" not in bench.store.hashes["anna"]


async def test_a_bad_profile_is_a_dead_letter(bench: Bench) -> None:
    bad = {"customer_id": "anna", "segment": 7}
    await bench.apply(bench.submission(0, bad, profile("ben", "large", "01 08:00"), partition=PROFILES))

    assert [(letter.reason, letter.record.offset) for letter in bench.publisher.dead_letters] == [
        ("segment_not_a_string", 0)
    ]
    assert set(bench.store.hashes) == {"ben"}


async def test_a_worker_that_took_a_policy_over_reads_segments_from_events(bench: Bench) -> None:
    plain = Bench()
    decoder = plain.engine.intakes["web"].decoder
    assert isinstance(decoder, Decoder)
    decoder.follow(bench.policy)
    telling = {**did("anna", "buy", "01 09:00"), "properties": {"segment": "large"}}
    [(_, _, event)] = plain.submission(0, telling).batch.events

    assert event.detail is not None
    assert event.detail.segment == "large"
