"""The example of a secured deployment: its compose file on top of the plain one, with secrets made by its script."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import yaml

from tests.unit.docs.reading import DEPLOY, ROOT

FOLDER = DEPLOY / "secured"
_MOUNTED = "/run/secrets/"
_TIMEOUT = 60


def make_secrets(folder: Path) -> None:
    """Run the script that makes the secrets."""
    script = FOLDER / "secrets.sh"
    done = subprocess.run(
        ["bash", script, folder],  # noqa: S607
        capture_output=True,
        text=True,
        timeout=_TIMEOUT,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def composed() -> dict[str, Any]:
    """Merge the two files as docker compose does: maps key by key, lists end to end, commands and tests replaced."""
    files = (ROOT / "docker-compose.yml", FOLDER / "compose.yml")
    plain, secured = (yaml.safe_load(path.read_text(encoding="utf-8")) for path in files)
    merged: dict[str, Any] = _merged(plain, secured)
    return merged


def _merged(base: Any, over: Any, name: str = "") -> Any:
    if isinstance(base, dict) and isinstance(over, dict):
        return {key: _merged(base.get(key), over.get(key, base.get(key)), key) for key in {**base, **over}}
    if isinstance(base, list) and isinstance(over, list) and base != over and name not in ("command", "test"):
        return base + over
    return over


def secret_files(document: dict[str, Any], folder: Path) -> dict[str, Path]:
    """Return the files of the secrets, as they are named inside of the containers, in a folder made by the script."""
    inside = FOLDER.relative_to(ROOT) / "secrets"
    files = {name: Path(secret["file"]) for name, secret in document["secrets"].items()}
    return {f"{_MOUNTED}{name}": folder / path.relative_to(inside) for name, path in files.items()}


def outside(value: str, files: dict[str, Path]) -> str:
    """Give a value with the name of a mounted secret replaced by that of its file; others as they are."""
    if not value.startswith(_MOUNTED):
        return value
    return str(files[value])
