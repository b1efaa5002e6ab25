"""The demonstration, stopped while it still starts."""

from __future__ import annotations

import signal

import pytest

from tests.services.command import start_command


@pytest.mark.parametrize("step", ["starting the embedded Kafka broker", "creating the topics", "starting the worker"])
def test_ctrl_c_while_it_starts_is_no_error(step: str) -> None:
    with start_command({}, "demo", "--for", "30s") as process:
        assert process.stdout is not None
        said = ""
        while step not in said:
            line = process.stdout.readline()
            assert line, said
            said += line
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)

    assert process.returncode == 0, errors
    assert output.splitlines()[-1] == "stopped before the worker was ready"
    assert not errors
