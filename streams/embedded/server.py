"""What the embedded servers have in common: ports, start, readiness, stop."""

import atexit
import os
import shutil
import tempfile
import time
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from streams.embedded.child import ChildProcess
from streams.embedded.errors import ServerExitedError
from streams.embedded.ports import free_ports
from streams.embedded.running import Running
from streams.errors import EmbeddedServerError

START_ATTEMPTS = 3
POLL_INTERVAL = 0.02


class LoopbackServer(Running):
    """A server on the loopback interface that runs as a child process.

    It can be stopped or killed and started again: it keeps its ports and its
    directory until it is closed, as its clients keep its address.
    """

    name: ClassVar[str]
    port_count: ClassVar[int] = 1

    def __init__(
        self, *, directory: Path | None = None, start_timeout: float = 30.0, stop_timeout: float = 10.0
    ) -> None:
        """Prepare the server without starting it.

        Args:
            directory: Where it works and keeps its data; by default a temporary one, removed at the end.
            start_timeout: Seconds until it must answer.
            stop_timeout: Seconds that it may take to end before it is killed.
        """
        self.start_timeout = start_timeout
        self.stop_timeout = stop_timeout
        self.ports: tuple[int, ...] = ()
        self._temporary = directory is None
        self.directory = directory or Path(tempfile.mkdtemp(prefix="engagement-"))
        self.directory.mkdir(parents=True, exist_ok=True)
        self._child: ChildProcess | None = None
        self._owner = os.getpid()
        atexit.register(self._close_at_exit)

    @abstractmethod
    def command(self) -> Sequence[str]:
        """Build the command line for the current ports.

        Returns:
            The absolute path of the program, and its arguments.

        Raises:
            EmbeddedServerError: If the program is not installed.
        """

    @abstractmethod
    def answers(self) -> bool:
        """Ask the server whether it serves.

        Returns:
            Whether this very server, and no other on its port, answered.
        """

    def environment(self) -> Mapping[str, str]:
        """Name the environment of the server.

        Returns:
            The whole environment; nothing else is inherited.
        """
        return {}

    @property
    def port(self) -> int:
        """The port that clients connect to; chosen by the first start."""
        if not self.ports:
            raise EmbeddedServerError(f"{self.name} has not been started")
        return self.ports[0]

    @property
    def log(self) -> Path:
        """The file that the server's output goes to."""
        return self.directory / "server.log"

    @property
    def pid(self) -> int | None:
        """The process id, or None when the server does not run."""
        return self._child.pid if self._child and self._child.running else None

    @property
    def running(self) -> bool:
        """Whether the server's process runs."""
        return self.pid is not None

    def start(self) -> None:
        """Start the server and wait until it answers.

        Raises:
            EmbeddedServerError: If it is not installed, ended, or did not answer in time.
        """
        if self.running:
            return
        if self.ports:
            self.launch()
            self.wait_until_it_answers()
            return
        for attempt in range(1, START_ATTEMPTS + 1):
            self.ports = free_ports(self.port_count)
            try:
                self.launch()
                self.wait_until_it_answers()
            except EmbeddedServerError as error:
                self.ports = ()
                # A port can be taken between its choice and its use; a server that only hangs has another trouble.
                if not isinstance(error, ServerExitedError) or attempt == START_ATTEMPTS:
                    raise
            else:
                return

    def launch(self) -> None:
        """Start the process on the ports that are set, without waiting for it.

        Raises:
            EmbeddedServerError: If it is not installed.
        """
        self._child = ChildProcess(
            self.command(), directory=self.directory, environment=self.environment(), log=self.log
        )

    def wait_until_it_answers(self) -> None:
        """Wait until the launched server serves; one that does not is killed.

        Raises:
            ServerExitedError: If it ended.
            EmbeddedServerError: If it did not answer in time, or was not launched.
        """
        if self._child is None:
            raise EmbeddedServerError(f"{self.name} has not been launched")
        try:
            self._poll(self._child)
        except BaseException:
            self._child.kill()
            raise

    def stop(self) -> None:
        """Ask the server to end, kill it if it does not, and keep its data."""
        if self._child:
            self._child.stop(self.stop_timeout)

    def kill(self) -> None:
        """End the server at once, as a crash would, and keep its data."""
        if self._child:
            self._child.kill()

    def close(self) -> None:
        """Stop the server for good and remove its temporary directory."""
        self.stop()
        if self._temporary:
            shutil.rmtree(self.directory, ignore_errors=True)
        atexit.unregister(self._close_at_exit)

    def _poll(self, child: ChildProcess) -> None:
        deadline = time.monotonic() + self.start_timeout
        while time.monotonic() < deadline:
            if not child.running:
                what = f"ended with status {child.exit_code}"
                raise ServerExitedError(f"{self.name} {what}; its log ends with\n{child.log_tail()}")
            if self.answers():
                return
            time.sleep(POLL_INTERVAL)
        what = f"did not answer within {self.start_timeout:g} s"
        raise EmbeddedServerError(f"{self.name} {what}; its log ends with\n{child.log_tail()}")

    def _close_at_exit(self) -> None:
        # A forked copy of this process inherits the handler, but the server is not its to stop.
        if os.getpid() == self._owner:
            self.close()
