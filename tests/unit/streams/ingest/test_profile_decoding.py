"""From the bytes of profiles to what they tell, and to dead letters."""

from __future__ import annotations

import orjson

from scoring.events.event import Event
from scoring.instants import MILLISECOND, SECOND
from scoring.rules.details import PROFILE, Detail
from scoring.rules.segments import Profiles
from streams.ingest.dead_letter_limit import Consumption, DeadLetterLimit
from streams.ingest.profile_decoding import ProfileDecoder
from streams.metrics import Metrics
from streams.policy_file.document import builtin_policy, parse_policy
from streams.records import RecordBatch
from tests.unit.streams.bench import PROFILES, Record

NOW = 1_700_000_000 * SECOND


def batch(*values: bytes | None) -> RecordBatch:
    """Make a batch of records of now."""
    records = [Record(offset, NOW // MILLISECOND, b"anna", content) for offset, content in enumerate(values)]
    return RecordBatch(PROFILES, 0, records)


def profile(segment: object, customer: str = "anna") -> bytes:
    """Write a profile."""
    return orjson.dumps({"customer_id": customer, "segment": segment})


def test_profiles_are_told_by_offset_and_are_no_events_of_a_time() -> None:
    decoded = ProfileDecoder(Profiles(), Metrics()).decode(batch(profile("large"), profile(None, "ben")), NOW)

    assert decoded.events == [
        (0, "anna", Event(NOW, PROFILE, "", Detail((), "", "large"))),
        (1, "ben", Event(NOW, PROFILE, "", Detail((), "", ""))),
    ]
    assert (decoded.newest, decoded.appended, decoded.dead_letters) == (0, NOW, [])


def test_what_compaction_asks_for_tells_nothing_and_is_no_dead_letter() -> None:
    decoded = ProfileDecoder(Profiles(), Metrics()).decode(batch(None, b'{"customer_id": "anna"}'), NOW)

    assert (decoded.events, decoded.dead_letters) == ([], [])


def test_bad_profiles_are_dead_letters_with_their_reasons_and_counted() -> None:
    metrics = Metrics()
    bad = batch(b"", b"{", b"\xff", b"[" * 2000, profile(3), profile("a" * 65), profile("fine"))
    decoded = ProfileDecoder(Profiles(), metrics).decode(bad, NOW)

    reasons = [letter.reason for letter in decoded.dead_letters]
    assert reasons[:3] == ["empty_value", "not_json", "invalid_utf8"]
    assert reasons[4:] == ["segment_not_a_string", "segment_too_long"]
    assert len(decoded.events) == 1
    for outcome, count in (("read", 7), ("dead_letter", 6)):
        labels = {"channel": "profiles", "outcome": outcome}
        assert metrics.registry.get_sample_value("engagement_events_total", labels) == count


def test_another_policy_may_name_another_field() -> None:
    decoder = ProfileDecoder(Profiles(), Metrics())
    decoder.follow(parse_policy('[profiles]\nsegment = "plan"'))
    value = orjson.dumps({"customer_id": "anna", "segment": "x", "plan": "pro"})

    assert [event.detail for *_, event in decoder.decode(batch(value), NOW).events] == [Detail((), "", "pro")]
    decoder.follow(builtin_policy())
    assert [event.detail for *_, event in decoder.decode(batch(value), NOW).events] == [Detail((), "", "x")]


def test_too_many_bad_profiles_stop_consumption() -> None:
    policy = parse_policy("[profiles]\n[dead_letters]\nstop_above = 0.5\nat_least = 4")
    metrics = Metrics()
    consumption = Consumption(metrics)
    limit = DeadLetterLimit(policy.channels[0], policy, lambda: NOW, consumption)
    decoded = ProfileDecoder(Profiles(), metrics, limit).decode(batch(profile("a"), *[b"{"] * 4), NOW)

    assert consumption.stopped_because
    assert [letter.record.offset for letter in decoded.dead_letters] == [1, 2]
    assert decoded.raw.count == 3
