"""The real worker as a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from streams.embedded.ports import free_ports
from tests.polling import wait_until

#: What a worker says whose port another process has been faster to take.
_TAKEN = "address already in use"
_PORTS_TRIED = 3
#: How often a worker that is not ready in time is given as much time again, as it gets on.
_PATIENCE = 4


class WorkerProcess:
    """One worker; as a context manager it is started, waited for, and at the end stopped."""

    def __init__(
        self,
        environment: Mapping[str, str],
        log: Path,
        *,
        ready_within: float = 60.0,
        module: Sequence[str] = ("streams", "worker"),
    ) -> None:
        """Prepare.

        Args:
            environment: ENGAGEMENT_ settings; the web port is chosen here.
            log: file that takes its output.
            ready_within: seconds in which a worker that is not ready has to get on: in its start, or with the log.
            module: what Python runs, and its arguments.
        """
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("ENGAGEMENT_")}
        # With SIGABRT a worker that hangs writes to its log where.
        self._environment = {**inherited, **environment, "PYTHONFAULTHANDLER": "1"}
        self._choose_port()
        self.log = log
        self._ready_within = ready_within
        self._module = module
        self._process: subprocess.Popen[bytes] | None = None

    def _choose_port(self) -> None:
        self.port = free_ports(1)[0]
        self._environment["ENGAGEMENT_WEB_PORT"] = str(self.port)

    def start(self) -> None:
        """Start without waiting."""
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *self._module], env=self._environment, stdout=output, stderr=output
            )

    def __enter__(self) -> Self:
        """Start and wait until it is ready."""
        self.start()
        try:
            self.wait_ready()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop if it still runs; a worker that does not stop in time is killed."""
        if self.running:
            try:
                self.stop()
            except subprocess.TimeoutExpired:
                self.kill()
                raise

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process, once started."""
        assert self._process is not None
        return self._process

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def wait_ready(self) -> None:
        """Wait until `/ready` says yes, for as long as the worker gets on; one that ends before shows its log."""
        for _ in range(_PORTS_TRIED):
            self.wait_ready_or_ended()
            if self.running or _TAKEN not in self.log_tail():
                break
            # Tests that run side by side may choose one port before either uses it.
            self._choose_port()
            self.start()
        assert self.running, f"the worker has ended with {self.process.returncode}:\n{self.log_tail()}"

    def wait_ready_or_ended(self) -> None:
        """Wait as `wait_ready` does; that it ends is no error."""
        standing = self._standing()
        for again in range(_PATIENCE, -1, -1):
            try:
                wait_until(lambda: not self.running or self.status("/ready") == 200, timeout=self._ready_within)
            except AssertionError:
                before, standing = standing, self._standing()
                gets_on = again and standing != before
                assert gets_on, f"not ready: {standing}\n{self.log_tail()}"
            else:
                return

    def _standing(self) -> tuple[str, float]:
        return self.get("/ready")[1], self.metric("engagement_round_events_total")

    def status(self, path: str) -> int:
        """Ask a page of the web port for its status; 0 where nothing answers."""
        return self.get(path)[0]

    def get(self, path: str, token: str = "") -> tuple[int, str]:
        """Ask for a page of the web port."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 - the scheme stands above
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def metric(self, name: str, token: str = "") -> float:
        """Add up the samples of a metric."""
        lines = self.get("/metrics", token)[1].splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.split("{")[0].split(" ")[0] == name)

    def stop(self, timeout: float = 20.0) -> int:
        """Send SIGTERM and wait; return the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout)

    def kill(self) -> None:
        """Send SIGKILL and wait."""
        if self.running:
            self.process.kill()
            self.process.wait(10)

    def send(self, number: signal.Signals) -> None:
        """Send another signal."""
        self.process.send_signal(number)

    def log_tail(self, lines: int = 40) -> str:
        """Read the end of the log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
