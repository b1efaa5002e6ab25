"""Commands where the output is not UTF-8: what cannot be written is replaced."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

POLICY = '[channels.web]\nweights = { "größe€☃" = 1 }\n'
ENCODINGS = {
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "ascii, strict": {"PYTHONIOENCODING": "ascii:strict"},
    "cp1252": {"PYTHONIOENCODING": "cp1252"},
    "latin-1": {"PYTHONIOENCODING": "latin-1"},
    "a C locale": {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "a POSIX locale": {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
}
every_encoding = pytest.mark.parametrize("environment", ENCODINGS.values(), ids=ENCODINGS)


def run(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run a command in a process of its own."""
    whole = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "LC_", "LANG"))}
    command = [sys.executable, "-m", "streams", *arguments]
    return subprocess.run(command, env=whole | environment, capture_output=True, check=False, timeout=60)


def codec(environment: dict[str, str]) -> str:
    """Name the encoding that the environment asks for."""
    return environment.get("PYTHONIOENCODING", "ascii").partition(":")[0]


@every_encoding
def test_what_the_output_cannot_take_is_replaced(tmp_path: Path, environment: dict[str, str]) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(POLICY, encoding="utf-8")
    for arguments in (("policy", "check", str(path)), ("policy", "show", "--policy", str(path))):
        done = run(environment, *arguments)
        assert done.returncode == 0, done.stderr.decode()
        text = done.stdout.decode(codec(environment))
        assert "??" in text if codec(environment) == "ascii" else "größe" in text
        assert "?" in text
        assert b"Traceback" not in done.stderr


@every_encoding
def test_errors_are_written_too(tmp_path: Path, environment: dict[str, str]) -> None:
    path = tmp_path / "policy.toml"
    path.write_text('[channels.web]\nweights = { "größe€☃" = "many" }\n', encoding="utf-8")
    done = run(environment, "policy", "check", str(path))
    assert done.returncode == 2
    assert "channels.web.weights.gr" in done.stderr.decode(codec(environment))
    assert b"Traceback" not in done.stderr


def test_utf_8_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(POLICY, encoding="utf-8")
    done = run({"PYTHONIOENCODING": "utf-8"}, "policy", "check", str(path))
    assert "größe€☃" in done.stdout.decode()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
def test_a_full_disk_is_told() -> None:
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-m", "streams", "policy", "schema"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False, timeout=60)
    assert done.returncode == 1
    assert done.stderr == b"Error: the output: No space left on device\n"
