"""The command line as a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from functools import partial


def start_command(environment: Mapping[str, str], *arguments: str) -> subprocess.Popen[str]:
    """Start `engagement` with arguments, under these settings and no others."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ENGAGEMENT_")}
    return subprocess.Popen(
        [sys.executable, "-m", "streams", *arguments],
        env={**inherited, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Of what runs in the background a shell ignores Ctrl-C, and every child inherits that.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )


def run_command(
    environment: Mapping[str, str], *arguments: str, status: int = 0, timeout: float = 60.0
) -> subprocess.CompletedProcess[str]:
    """Run `engagement` to its end; it must have that exit status."""
    with start_command(environment, *arguments) as process:
        try:
            output, errors = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            output, errors = process.communicate()
            raise AssertionError(f"{arguments} did not end:\n{output}\n{errors}") from None
    assert process.returncode == status, f"{arguments} ended with {process.returncode}:\n{output}\n{errors}"
    return subprocess.CompletedProcess(arguments, process.returncode, output, errors)
