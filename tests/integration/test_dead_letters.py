"""Dead letters are found again, go back to where they came from, each once, and a loop of them ends."""

from __future__ import annotations

import json
import subprocess
import time
from collections import Counter
from typing import Any

import pytest

from streams.topic_names import DEAD_LETTERS
from tests.integration.conftest import MakeSystem
from tests.integration.policies import COUNTING
from tests.polling import poll_until
from tests.services.command import run_command, start_command
from tests.services.kafka_client import Record, log_ends, send_batches
from tests.services.log_reader import read_topic
from tests.services.system import System, event, event_record

HEADERS = (("trace", b"\xff\x00"), ("dlq.reason", b"an earlier life"), ("trace", b"again"))
#: A record may be so far ahead of the clock.
ALLOWED_AHEAD = 300


def letters(system: System, count: int) -> list[Record]:
    """Write dead letters as the worker does."""
    topic = system.topic("clickstream").encode()
    return [
        Record(
            event_record(event(system.customer("c"), "page_view", 1_700_000_000, event_id=f"e{n}")).value,
            f"k{n}".encode(),
            (
                ("dlq.reason", b"not_json"),
                ("dlq.detail", b""),
                ("dlq.topic", topic),
                ("dlq.partition", str(n % 4).encode()),
                ("dlq.offset", str(n).encode()),
            ),
        )
        for n in range(count)
    ]


def of(system: System) -> tuple[str, str]:
    """Choose the letters of one system."""
    return ("--topic", system.topic("clickstream"))


async def replays(system: System, *arguments: str, status: int = 0) -> str:
    """Run a replay of the letters of one system; give what it prints."""
    done = run_command(system.environment, "dead-letters", "replay", *of(system), *arguments, status=status)
    return done.stdout


async def listed(system: System, *arguments: str) -> list[dict[str, Any]]:
    """List the letters of one system."""
    done = run_command(system.environment, "dead-letters", "list", "--json", *of(system), *arguments)
    return [json.loads(line) for line in done.stdout.splitlines()]


async def letters_came(system: System, count: int) -> None:
    """Wait until so many letters have been written."""

    async def came() -> bool:
        return len(await system.dead_letters()) == count

    await poll_until(came, 30)


@pytest.mark.parametrize("services", ["real", "embedded"])
async def test_a_letter_goes_back_once_and_is_scored(
    make_system: MakeSystem, services: str, request: pytest.FixtureRequest
) -> None:
    options: dict[str, Any] = {}
    if services == "embedded":
        names = {"kafka": "embedded_kafka_bootstrap", "redis_url": "embedded_redis_url"}
        options = {name: request.getfixturevalue(fixture) for name, fixture in names.items()}
    system = make_system(COUNTING, **options)
    await system.create_topics()
    customer = system.customer("early")
    with system.worker():
        # Too early by some seconds: what was wrong with it passes.
        until = time.time() + 8
        early = event_record(event(customer, "page_view", until + ALLOWED_AHEAD, event_id="e"))
        # One after the other: the embedded broker tells the end of a log wrongly where its last batch holds several.
        for count, record in enumerate((Record(early.value, early.key, HEADERS), Record(b"{", b"k", HEADERS)), start=1):
            await system.send_raw("clickstream", [record])
            await letters_came(system, count)

        assert "2 dead letters would be replayed" in await replays(system, "--dry-run")
        ends = await system.log_ends()
        assert sum(ends.values()) == 2
        assert "1 dead letter would be replayed" in await replays(system, "--dry-run", "--limit", "1")
        assert Counter(letter["reason"] for letter in await listed(system)) == Counter(
            ["timestamp_in_future", "not_json"]
        )
        await poll_until(lambda: time.time() > until, 30)
        said = await replays(system, "--reason", "timestamp_in_future")
        assert f"1 dead letter replayed: {system.topic('clickstream')} 1 (timestamp_in_future 1)" in said
        # If another pane begins before its own time, it counts then.
        await system.wait_for_score(customer, "1", ALLOWED_AHEAD + 30)

        again = await replays(system, "--reason", "timestamp_in_future")
        assert again == "0 dead letters replayed\nleft out: 1 replayed before\n"
        assert len(await read_topic(system.kafka, system.topic("clickstream"))) == 3
        assert [letter["replayed"] for letter in await listed(system, "--reason", "not_json")] == [False]
        assert [letter["replayed"] for letter in await listed(system, "--reason", "timestamp_in_future")] == [True]
    sent = (await read_topic(system.kafka, system.topic("clickstream")))[-1]
    assert (sent.key, sent.value) == (early.key, early.value)
    assert tuple(sent.headers) == (*HEADERS, ("dlq.replays", b"1"))
    assert sent.partition == 0


async def test_a_letter_that_comes_back_each_time_is_left_out_after_some_replays(make_system: MakeSystem) -> None:
    system = make_system(COUNTING)
    await system.create_topics()
    with system.worker():
        await system.send_raw("clickstream", [Record(b"{", b"k", HEADERS)])
        for number in (0, 1, 2):
            await letters_came(system, number + 1)
            newest = (await system.dead_letters())[-1]
            marks = (("dlq.replays", str(number).encode()),) if number else ()
            assert tuple(newest.headers)[: len(HEADERS) + len(marks)] == (*HEADERS, *marks)
            said = await replays(system, "--max-replays", "2")
            assert said.startswith(f"{0 if number == 2 else 1} dead letter")
    assert "left out: 1 came back after 2 replays" in said
    assert "left out: 2 replayed before" in said
    assert [letter["replays"] for letter in await listed(system)] == [0, 1, 2]


@pytest.mark.beyond_embedded_kafka("has no transactions")
async def test_a_replay_that_is_killed_goes_on_and_sends_nothing_twice(make_system: MakeSystem) -> None:
    system = make_system(COUNTING)
    await system.create_topics()
    count = 6_000
    await send_batches(system.kafka, DEAD_LETTERS, [(n % 4, letters(system, count)[n::4]) for n in range(4)])
    kills = 0
    for _ in range(3):
        before = sum((await system.log_ends()).values())
        with start_command(system.environment, "dead-letters", "replay", *of(system)) as process:

            async def some(before: int = before) -> bool:
                return sum((await system.log_ends()).values()) > before + 200

            await poll_until(some, 30)
            kills += process.poll() is None
            process.kill()
    said = await replays(system)

    assert kills
    assert "dead letters replayed" in said
    records = await read_topic(system.kafka, system.topic("clickstream"))
    assert Counter(record.key for record in records) == Counter(f"k{n}".encode() for n in range(count))
    assert all(int(record.key[1:]) % 4 == record.partition for record in records)


@pytest.mark.beyond_embedded_kafka("has no transactions")
async def test_of_two_replays_at_once_one_gives_way_and_nothing_is_sent_twice(make_system: MakeSystem) -> None:
    system = make_system(COUNTING)
    await system.create_topics()
    count = 4_000
    await send_batches(system.kafka, DEAD_LETTERS, [(0, letters(system, count))])
    arguments = ("dead-letters", "replay", *of(system))
    rivals = [start_command(system.environment, *arguments) for _ in range(2)]
    ended = [(process.communicate(timeout=60), process.returncode) for process in rivals]
    await replays(system)

    assert 0 in [status for _, status in ended]
    for (_, errors), status in ended:
        assert status in (0, 1)
        assert not status or "another replay of dead letters has been started" in errors
    records = await read_topic(system.kafka, system.topic("clickstream"))
    assert Counter(record.key for record in records) == Counter(f"k{n}".encode() for n in range(count))


async def test_ctrl_c_ends_a_replay_after_what_is_being_sent(make_system: MakeSystem) -> None:
    system = make_system(COUNTING)
    await system.create_topics()
    await send_batches(system.kafka, DEAD_LETTERS, [(0, letters(system, 20_000))])
    ends_before = sum((await log_ends(system.kafka, system.topics)).values())
    with start_command(system.environment, "dead-letters", "replay", *of(system)) as process:
        await poll_until(lambda: _more(system, ends_before), 30)
        process.send_signal(subprocess.signal.SIGINT)  # type: ignore[attr-defined]
        output, _ = process.communicate(timeout=30)

    assert process.returncode == 130
    assert output.startswith("stopped: ")
    sent = len(await read_topic(system.kafka, system.topic("clickstream")))
    assert 0 < sent < 20_000
    assert f"{sent:,} dead letters replayed" in output


async def _more(system: System, than: int) -> bool:
    return sum((await log_ends(system.kafka, system.topics)).values()) > than


async def test_one_letter_is_shown_whole(make_system: MakeSystem) -> None:
    system = make_system(COUNTING)
    await system.create_topics()
    await send_batches(system.kafka, DEAD_LETTERS, [(2, letters(system, 3))])
    [*_, last] = await listed(system)
    shown = run_command(system.environment, "dead-letters", "show", last["place"]).stdout
    value = run_command(system.environment, "dead-letters", "show", last["place"], "--value").stdout

    assert "not_json" in shown
    assert f"{system.topic('clickstream')}, partition 2, offset 2" in shown
    assert json.loads(value)["event_id"] == "e2"
    refused = run_command(system.environment, "dead-letters", "show", "2:999999999", status=1)
    assert refused.stderr == "Error: no dead letter stands at 2:999999999\n"
    assert run_command(system.environment, "dead-letters", "show", "here", status=2).stderr.count("partition:offset")


def test_letters_are_chosen_by_time(make_system: MakeSystem, kafka_bootstrap: str) -> None:  # noqa: ARG001
    system = make_system(COUNTING)
    ages = run_command(system.environment, "dead-letters", "list", "--since", "1 fortnight", status=2)
    assert "nor an age such as 2h" in ages.stderr
