"""Protobuf files as registries give them, compiled by protoc to a set of descriptors.

Rests on decision 104.
"""

from __future__ import annotations

import base64
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Final

_MAIN: Final = "__value__.proto"
_COMPILED: Final = "__compiled__"
_SECONDS: Final = 30.0
_LONGEST_REASON: Final = 200
_PROBLEM: Final = re.compile(r"\S+\.proto:(?!.*warning:)")
_NOT_BASE64: Final = re.compile(r"[^A-Za-z0-9+/=\s]")


def is_proto_text(text: str) -> bool:
    """Return whether a schema is the text of a Protobuf file, and no set of descriptors in base64.

    Args:
        text: of the schema.
    """
    return _NOT_BASE64.search(text) is not None


def compile_proto(text: str, references: Iterable[tuple[str, str]] = ()) -> str:
    """Compile a Protobuf file.

    The compiler is a process of its own: what it says is its output, and what it does to its process harms nobody.

    Args:
        text: of the file.
        references: name and text of each file that it imports, but for those of protoc itself.

    Returns:
        The set of descriptors in base64, that of the file last.

    Raises:
        ValueError: if the files are wrong; the text is the reason.
        OSError: if the compiler cannot run now.
    """
    with tempfile.TemporaryDirectory(prefix="engagement-proto-") as folder:
        for name, content in references:
            path = Path(folder, _inside(name))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        Path(folder, _MAIN).write_text(text, encoding="utf-8")
        options = ["--proto_path=.", "--include_imports", f"--descriptor_set_out={_COMPILED}"]
        _run([sys.executable, "-I", "-m", "grpc_tools.protoc", *options, _MAIN], folder)
        return base64.b64encode(Path(folder, _COMPILED).read_bytes()).decode()


def _inside(name: str) -> str:
    """Refuse the name of a file that would lie outside of the folder, or in the place of the main one."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\0" in name or path.parts in ((), (_MAIN,), (_COMPILED,)):
        raise ValueError(f"{name!r} is no name of a file")
    return name


def _run(command: list[str], folder: str) -> None:
    try:
        done = subprocess.run(  # noqa: S603 - no shell, and the command is our own
            command,
            cwd=folder,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
            encoding="utf-8",
            errors="replace",
        )
    except subprocess.TimeoutExpired as error:
        raise OSError(f"protoc did not end within {_SECONDS:g} s") from error
    if done.returncode < 0:
        raise OSError(f"protoc was ended by signal {-done.returncode}")
    if done.returncode:
        problems = [line for line in done.stderr.splitlines() if _PROBLEM.match(line)]
        raise ValueError((problems or ["it does not say why"])[0].removeprefix(f"{_MAIN}:")[:_LONGEST_REASON])
