"""A replay: what is sent, in which rounds, and what is said of the rest."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from streams.backtest.event_files import EventFiles, EventLine
from streams.cli.main import engagement
from streams.cli.replay_pace import Pace
from streams.cli.replay_run import Replay
from streams.errors import UnreadableEvents
from streams.policy_file.document import builtin_policy


class Recorder:
    """Stands for an `EventSender` with rounds of four."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.prepared: list[bytes] = []
        self.rounds: list[list[bytes]] = []
        self.delivered = 0

    def add(self, _topic: str, key: bytes, _value: bytes) -> bool:
        """Prepare a record."""
        self.prepared.append(key)
        return len(self.prepared) >= 4

    async def send_round(self) -> None:
        """Send what is prepared."""
        self.rounds.append(self.prepared)
        self.prepared = []

    async def settle(self) -> None:
        """Let everything arrive."""
        self.delivered = sum(map(len, self.rounds))


class Unwatched:
    """Stands for a display that nobody looks at."""

    def show(self, read_bytes: int, events: int) -> None:
        """Show nothing."""


def write_events(path: Path, count: int, seconds_apart: float = 1) -> Path:
    events = [
        {"channel": "email", "customer_id": f"{n}", "type": "open", "timestamp": 1000 + n * seconds_apart}
        for n in range(count)
    ]
    path.write_text("\n".join(map(json.dumps, events)))
    return path


async def replay(path: Path, pace: Pace | None = None, limit: int | None = None) -> tuple[Recorder, Replay]:
    sender = Recorder()
    with EventFiles([path], builtin_policy().channels) as events:
        run = Replay(events, sender, pace, limit)
        await run.send(Unwatched())
    return sender, run


async def test_everything_is_sent_in_rounds(tmp_path: Path) -> None:
    sender, _ = await replay(write_events(tmp_path / "events.jsonl", 10))
    assert [len(sent) for sent in sender.rounds] == [4, 4, 2]
    assert sender.delivered == 10


async def test_a_limit_ends_it(tmp_path: Path) -> None:
    sender, _ = await replay(write_events(tmp_path / "events.jsonl", 10), limit=5)
    assert sender.delivered == 5


async def test_lines_that_cannot_be_sent_are_counted_and_the_first_are_named(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text("{broken\n" * 7)
    _, run = await replay(path)
    assert run.unsent == 7
    assert len(run.problems) == 6
    assert run.problems[1].startswith(f"{path}:2: is not a JSON object")
    assert run.problems[5] == "..."


async def test_what_comes_before_a_damage_is_sent(tmp_path: Path) -> None:
    class Damaged(EventFiles):
        def lines(self, *, timed: bool = False) -> Iterator[EventLine]:
            yield from super().lines(timed=timed)
            raise UnreadableEvents(["damaged"])

    sender = Recorder()
    files = Damaged([write_events(tmp_path / "events.jsonl", 6)], builtin_policy().channels)
    with files as events, pytest.raises(UnreadableEvents, match="damaged"):
        await Replay(events, sender, None, None).send(Unwatched())
    assert sender.delivered == 6


async def test_at_a_pace_what_is_due_is_sent_before_waiting(tmp_path: Path) -> None:
    # 50 seconds of events at 1,000 times their speed, in groups of two.
    path = tmp_path / "events.jsonl"
    events = [{"channel": "email", "customer_id": f"{n}", "timestamp": 1000 + n // 2 * 50} for n in range(6)]
    path.write_text("\n".join(map(json.dumps, events)))
    sender, _ = await replay(path, Pace(1_000))
    assert [len(sent) for sent in sender.rounds] == [2, 2, 2]


async def test_told_to_stop_it_sends_no_more(tmp_path: Path) -> None:
    sender = Recorder()
    with EventFiles(
        [write_events(tmp_path / "events.jsonl", 10, seconds_apart=3600)], builtin_policy().channels
    ) as files:
        run = Replay(files, sender, Pace(1), None)
        run.stop()
        await run.send(Unwatched())
    assert run.should_stop
    assert sender.delivered == 0


def test_the_pace_counts_from_the_first_event_that_has_a_time() -> None:
    now = [100.0]
    pace = Pace(60, clock=lambda: now[0])
    assert pace.delay(0) == 0
    assert pace.delay(5_000_000) == 0
    assert pace.delay(65_000_000) == pytest.approx(1.0)
    now[0] += 3
    assert pace.delay(65_000_000) == pytest.approx(-2.0)
    assert pace.delay(0) == 0


@pytest.mark.parametrize("contents", [b"", b"\n\n", b"\xef\xbb\xbf", b"[]"], ids=["empty", "blank", "mark", "no event"])
def test_where_there_is_nothing_to_send_the_status_says_so(
    tmp_path: Path, contents: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def without_kafka(_settings: object, _sender: object, run: Replay, _total: int) -> None:
        run._sender = Recorder()
        await run.send(Unwatched())

    monkeypatch.setattr("streams.cli.replay._run", without_kafka)
    path = tmp_path / "email.jsonl"
    path.write_bytes(contents)
    result = CliRunner().invoke(engagement, ["replay", str(path)])
    assert result.exit_code == 1
    assert f"there is no event in {path}" in result.stderr


def test_a_folder_is_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(engagement, ["replay", str(tmp_path)])
    assert result.exit_code == 2
    assert "is a directory" in result.stderr


def test_without_a_broker_the_message_is_clear(tmp_path: Path) -> None:
    path = write_events(tmp_path / "events.jsonl", 1)
    result = CliRunner().invoke(engagement, ["replay", str(path), "--brokers", "127.0.0.1:1"])
    assert result.exit_code == 1
    assert result.stdout == "0 events sent\n"
    assert result.stderr.startswith("Error: Kafka at 127.0.0.1:1 does not answer")
    assert "Traceback" not in result.stderr


def test_a_channel_that_a_source_feeds_takes_no_events_of_files(tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(
        "[channels.email]\nweights = { open = 1 }\n[channels.clickstream]\nweights = { page_view = 1 }\n"
        '[sources.mail]\nformat = "sendgrid"\n',
        encoding="utf-8",
    )
    path = write_events(tmp_path / "events.jsonl", 1)
    arguments = ["replay", str(path), "--policy", str(policy), "--channel", "email", "--brokers", "127.0.0.1:1"]
    result = CliRunner().invoke(engagement, arguments)
    assert result.exit_code == 1
    assert "channel 'email' is unknown; the policy has clickstream" in result.stderr
