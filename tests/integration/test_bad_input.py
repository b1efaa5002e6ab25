"""Bad input goes to the dead letters, one for each record, and the rest of its batch is scored."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from scoring.feeds.watermark import KEEPING_UP
from scoring.instants import SECOND
from tests.integration.conftest import MakeSystem
from tests.integration.policies import COUNTING
from tests.integration.running import Running, run_on
from tests.polling import poll_until
from tests.services.kafka_client import Record
from tests.services.system import System, event, wait_for_metric

NOW = time.time()
#: Two minutes ahead, but of the same day in UTC, which is the pane of the policies here.
SOON = min(NOW + 120, (NOW // 86_400 + 1) * 86_400 - 1)
TWO_MEGABYTES = 2 * 1024 * 1024
HEADERS = (("trace", b"\xff\x00"), ("trace", b"again"), ("empty", b""), ("dlq.reason", b"an earlier life"))


def written(**changes: Any) -> bytes:
    """Write an event, good but for the changes; a field that is changed to `...` is left out."""
    body = {**event("bad", "page_view", NOW), **changes}
    return json.dumps({name: value for name, value in body.items() if value is not ...}).encode()


#: name: (value, the reason of its dead letter)
BAD = {
    "not JSON": (b"hello", "not_json"),
    "half of JSON": (written()[:-1], "not_json"),
    "two values": (written() * 2, "not_json"),
    "a number": (b"42", "not_an_object"),
    "null": (b"null", "not_an_object"),
    "an array": (b"[" + written() + b"]", "not_an_object"),
    "a string": (b'"page_view"', "not_an_object"),
    "empty": (b"", "empty_value"),
    "tombstone": (None, "empty_value"),
    "invalid UTF-8": (written(customer_id="bad").replace(b"bad", b"\xff\xfe"), "invalid_utf8"),
    "lone surrogate": (written(customer_id="bad").replace(b"bad", b"\\ud800"), "not_json"),
    "2 MB of garbage": (random.Random(1).randbytes(TWO_MEGABYTES), "invalid_utf8"),
    "2 MB of letters": (b"a" * TWO_MEGABYTES, "not_json"),
    "nested arrays": (b"[" * 100_000 + b"]" * 100_000, "nested_too_deep"),
    "nested objects": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested_too_deep"),
    "nested properties": (
        written(properties="deep").replace(b'"deep"', b"[" * 100_000 + b"]" * 100_000),
        "nested_too_deep",
    ),
    "no customer": (written(customer_id=...), "customer_id_missing"),
    "customer null": (written(customer_id=None), "customer_id_missing"),
    "customer empty": (written(customer_id=""), "customer_id_empty"),
    "customer a number": (written(customer_id=7), "customer_id_not_a_string"),
    "customer an object": (written(customer_id={"id": "a"}), "customer_id_not_a_string"),
    "customer of 257 bytes": (written(customer_id="x" * 257), "customer_id_too_long"),
    "customer of 86 signs of 3 bytes": (written(customer_id="€" * 86), "customer_id_too_long"),
    "no type": (written(type=...), "type_missing"),
    "type empty": (written(type=""), "type_missing"),
    "type a list": (written(type=["page_view"]), "type_not_a_string"),
    "no timestamp": (written(timestamp=...), "timestamp_missing"),
    "timestamp null": (written(timestamp=None), "timestamp_missing"),
    "timestamp unparsable": (written(timestamp="yesterday"), "timestamp_invalid"),
    "timestamp empty": (written(timestamp=""), "timestamp_invalid"),
    "timestamp without an offset": (written(timestamp="2026-11-21T10:00:00"), "timestamp_invalid"),
    "timestamp of a 30 February": (written(timestamp="2026-02-30T10:00:00Z"), "timestamp_invalid"),
    "timestamp NaN": (written(timestamp=float("nan")), "not_json"),
    "timestamp 'NaN'": (written(timestamp="NaN"), "timestamp_invalid"),
    "timestamp infinite": (written(timestamp=1).replace(b'"timestamp": 1', b'"timestamp": 1e999'), "not_json"),
    "timestamp true": (written(timestamp=True), "timestamp_invalid"),
    "timestamp in digits": (written(timestamp=str(int(NOW))), "timestamp_invalid"),
    "timestamp negative": (written(timestamp=-1), "timestamp_invalid"),
    "year 1": (written(timestamp="0001-01-01T00:00:00Z"), "timestamp_invalid"),
    "year 1 further east": (written(timestamp="0001-01-01T00:00:00+14:00"), "timestamp_invalid"),
    "year 1969": (written(timestamp="1969-12-31T23:59:59Z"), "timestamp_invalid"),
    "year 2099": (written(timestamp="2099-01-01T00:00:00Z"), "timestamp_in_future"),
    "year 9999": (written(timestamp="9999-12-31T23:59:59Z"), "timestamp_in_future"),
    "year 9999 further west": (written(timestamp="9999-12-31T23:59:59-14:00"), "timestamp_in_future"),
    "the end of all numbers": (written(timestamp=9223372036854775807), "timestamp_in_future"),
    "past all numbers": (written(timestamp=1).replace(b'"timestamp": 1', b'"timestamp": 1e300'), "timestamp_in_future"),
    # So far that it is still ahead when the suite comes to it.
    "a day ahead": (written(timestamp=NOW + 86_400), "timestamp_in_future"),
    "event_id an object": (written(event_id={"a": 1}), "event_id_not_a_string"),
}
#: What looks odd and is right all the same.
GOOD: dict[str, dict[str, Any]] = {
    "unknown fields": {"whatever": [1, {"a": None}]},
    "properties": {"properties": {"page": "/", "deep": [[[[]]]]}},
    "a number as id": {"event_id": 12},
    "id null": {"event_id": None},
    "two minutes ahead": {"timestamp": SOON},
    "space instead of T": {"timestamp": "2026-11-21 00:00:00Z"},
}


async def send_mixed(system: System, names: list[str], good: str) -> dict[int, str]:
    """Write one batch in which bad records stand between good ones; return the offsets of the bad ones."""
    records: list[Record] = []
    offsets = {}
    for name in names:
        records.append(Record(json.dumps(event(good, "page_view", NOW)).encode(), good.encode()))
        offsets[len(records)] = name
        records.append(Record(BAD[name][0], name.encode() + b"\xff", HEADERS))
    records.append(Record(json.dumps(event(good, "page_view", NOW)).encode()))
    await system.send_raw("clickstream", records, partition=1)
    return offsets


@pytest.fixture(scope="module")
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Run a worker on the best services."""
    with run_on(request, tmp_path_factory, "real", COUNTING) as running:
        yield running


async def test_each_bad_record_gets_one_dead_letter_and_the_others_are_scored(running: Running) -> None:
    system, worker = running.system, running.worker
    good = system.customer("good")
    offsets = await send_mixed(system, list(BAD), good)
    await system.wait_for_score(good, str(len(BAD) + 1), within=30)

    async def all_came() -> bool:
        return len(await system.dead_letters()) >= len(BAD)

    await poll_until(all_came, 30)
    await wait_for_metric(len(BAD), worker, "engagement_events_total", outcome="dead_letter")
    await wait_for_metric(len(BAD), worker, "engagement_dead_letters_total")
    await wait_for_metric(2 * len(BAD) + 1, worker, "engagement_events_total", outcome="read")
    # They do not come again: what is read after the next start follows them.
    running.restart()
    await system.send("clickstream", event(good, "page_view", NOW), partition=1)
    await system.wait_for_score(good, str(len(BAD) + 2))
    await wait_for_metric(1, running.worker, "engagement_events_total", outcome="read")
    # Nothing of the bad customer's.
    assert list(system.redis.scan_iter(match=f"{system.namespace}:customer:*")) == [
        f"{system.namespace}:customer:{good}"
    ]
    letters = await system.dead_letters()
    assert Counter(int(dict(letter.headers)["dlq.offset"]) for letter in letters) == Counter(list(offsets))
    for letter in letters:
        headers = dict(letter.headers)
        name = offsets[int(headers["dlq.offset"])]
        value, reason = BAD[name]
        assert (letter.value or None) == (value or None), name
        assert letter.key == name.encode() + b"\xff"
        assert tuple(letter.headers[: len(HEADERS)]) == HEADERS
        assert [header for header, _ in letter.headers[len(HEADERS) :]] == [
            "dlq.reason",
            "dlq.detail",
            "dlq.topic",
            "dlq.partition",
            "dlq.offset",
        ]
        assert headers["dlq.topic"].decode() == system.topic("clickstream")
        assert headers["dlq.partition"] == b"1"
        assert headers["dlq.reason"].decode() == reason, name
        assert headers["dlq.detail"].decode().strip() or reason == "empty_value", name


async def test_a_dead_letter_may_have_no_key_and_an_old_time(running: Running) -> None:
    system = running.system
    bad = [Record(b"{", None), Record(None, None, at=NOW - 3600), Record(b'{"customer_id": "x"}', b"")]
    before = len(await system.dead_letters())
    await system.send_raw("clickstream", bad, partition=2)

    async def came() -> list[Any]:
        letters = (await system.dead_letters())[before:]
        return letters if len(letters) >= len(bad) else []

    letters = await poll_until(came, 30)
    assert Counter((letter.key, letter.value) for letter in letters) == Counter(
        [(None, b"{"), (None, None), (b"", b'{"customer_id": "x"}')]
    )


async def test_what_looks_odd_and_is_right_is_scored(running: Running) -> None:
    system = running.system
    before = len(await system.dead_letters())
    customers = {name: system.customer(name) for name in GOOD}
    longest = system.customer("x")
    longest += "é" * ((256 - len(longest.encode())) // 2) + "x" * ((256 - len(longest.encode())) % 2)
    assert len(longest.encode()) == 256
    # While the clock is not known yet, events ahead of it wait.
    await system.send("clickstream", event(system.customer("first"), "page_view"))
    await system.wait_for_score(system.customer("first"), "1")
    events = [{**event(customers[name], "page_view", NOW), **changes} for name, changes in GOOD.items()]
    await system.send("clickstream", *events, event(longest, "page_view", NOW))
    for customer in (*customers.values(), longest):
        await system.wait_for_score(customer, "1")
    assert len(await system.dead_letters()) == before


@pytest.mark.beyond_embedded_kafka("lets a worker join its group later than what counts as keeping up")
async def test_a_clock_that_runs_ahead_a_little_does_not_delay_the_score_after_a_start(running: Running) -> None:
    system = running.system
    customer, witness = system.customer("ahead"), system.customer("ahead-witness")
    assert running.worker.stop() == 0
    # Of today still, as points of tomorrow count from then on.
    now = time.time()
    soon = min(now + 45, (now // 86_400 + 1) * 86_400 - 1)
    await system.send("clickstream", event(customer, "page_view", soon), event(witness, "page_view", now))
    running.start_another()
    await system.wait_for_score(witness, "1")
    # Where the start has taken longer than counts as keeping up, it is taken at its own time.
    keeps_up = time.time() - now < KEEPING_UP / SECOND
    await system.wait_for_score(customer, "1", within=30 if keeps_up else soon - now + 30)


async def test_a_record_from_the_future_does_not_carry_the_stream_clock_off(make_system: MakeSystem) -> None:
    system = make_system(COUNTING + '[clock]\nidle_after = "1s"\n', clock="stream")
    await system.create_topics(partitions=2)
    customer, other = system.customer("dropped"), system.customer("steady")
    start = 1_700_000_000
    bought = [event(customer, "page_view", start + n) for n in range(50)]
    future = [event(customer, "page_view", timestamp) for timestamp in (time.time() + 3600, "2099-01-01T00:00:00Z")]
    with system.worker():
        await system.send("clickstream", *bought, *future)
        fields = await system.wait_for_score(customer, "50")
        assert fields["band"] == "engaged"
        await system.send("clickstream", event(other, "page_view", start + 60), partition=1)
        await system.wait_for_score(other, "1")
        # Had the clock gone along, the drop of 50 points would have been judged and published by now.
        assert system.fields(customer)["band"] == "engaged"
        assert await system.alerts() == []
        await system.send("clickstream", event(customer, "drop", start + 70), event(other, "page_view", start + 80))
        (alert,) = await system.wait_for_alerts(customer, 1)
    assert alert["occurred_at"] == "2023-11-14T22:14:30Z"
    assert len(await system.dead_letters()) == 2
