"""A child process that writes to a log file and ends with its parent."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

TETHER = Path(__file__).with_name("tether.py")
TAIL_LINES = 20
TAIL_BYTES = 16_384


class ChildProcess:
    """A running command, tied to the life of this process.

    The kernel looks at the thread that started the child: start it from one that
    lives as long as the child should.
    """

    def __init__(self, command: Sequence[str], *, directory: Path, environment: Mapping[str, str], log: Path) -> None:
        """Start the command.

        Args:
            command: The absolute path of a program, and its arguments.
            directory: Its working directory.
            environment: Its whole environment; nothing is inherited.
            log: The file that its output is appended to.

        Raises:
            OSError: If the log cannot be written.
        """
        settings = [f"{name}={value}" for name, value in environment.items()]
        tether = [sys.executable, "-I", "-S", str(TETHER), str(os.getpid()), *settings, "--"]
        self._log = log
        with log.open("ab") as output:
            self._log_start = output.tell()
            # A session of its own: Ctrl-C in a terminal must reach the worker first, not its broker.
            self._process = subprocess.Popen(  # noqa: S603 - the command is the caller's own, and no shell
                [*tether, *command],
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """The exit status, negative for a signal, None while it runs."""
        return self._process.poll()

    def stop(self, timeout: float) -> None:
        """Ask the process to end, and kill it if it does not.

        Args:
            timeout: Seconds that it may take to end by itself.
        """
        self._process.terminate()
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()
        self._process.wait()

    def log_tail(self) -> str:
        """Read the end of what this process has written.

        Returns:
            The last lines, or a note that there are none.
        """
        with self._log.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(self._log_start, size - TAIL_BYTES))
            lines = log.read().decode(errors="replace").splitlines()
        return "\n".join(lines[-TAIL_LINES:]) or "(it wrote nothing)"
