"""CONTRIBUTING.md: the rooms are those of the tree and in its order, and what it names is there."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator

import pytest

from tests.unit.docs.reading import ROOT, Document

CONTRIBUTING = Document(ROOT / "CONTRIBUTING.md")
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]


def drawn(package: str) -> Iterator[str]:
    """Give the rooms of a package as they are drawn, from the top down."""
    (tree,) = [block for block in CONTRIBUTING.blocks("") if "scoring/" in block]
    (part,) = re.findall(rf"^{package}/.*\n((?:  .*\n)+)", tree, re.MULTILINE)
    yield from re.findall(r"^  ([\w]+)(?:/|\.py)", part, re.MULTILINE)


@pytest.mark.parametrize("package", ["scoring", "streams"])
def test_the_rooms_are_drawn_in_the_order_in_which_they_may_import(package: str) -> None:
    (layers,) = [contract["layers"] for contract in CONTRACTS if contract["id"] == package]
    rooms = [layer for layer in layers if (ROOT / package / layer).is_dir() or layer == "app"]

    assert list(drawn(package)) == rooms


def test_unit_tests_stand_in_the_room_of_what_they_are_about() -> None:
    astray = []
    for test in (ROOT / "tests" / "unit").rglob("test_*.py"):
        room = ROOT / test.parent.relative_to(ROOT / "tests" / "unit")
        if test.parent.name == "docs":
            continue
        if not room.is_dir():
            astray.append(f"{test}: there is no room {room}")
        name = test.stem.removeprefix("test_")
        elsewhere = [path for package in ("scoring", "streams") for path in (ROOT / package).rglob(f"{name}.py")]
        if elsewhere and not any(path.stem == name for path in room.iterdir()):
            astray.append(f"{test}: named like {elsewhere[0]}, which stands elsewhere")

    assert not astray


def test_every_file_and_folder_that_is_named_is_there() -> None:
    named = set(re.findall(r"(?<![\w./])((?:scoring|streams|tests|deploy)/[\w/.]*)", CONTRIBUTING.text))

    assert len(named) > 20
    assert not [path for path in named if not (ROOT / path).exists()]


def test_every_command_is_one_of_the_makefile() -> None:
    targets = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)

    assert set(re.findall(r"\bmake ([a-z-]+)", CONTRIBUTING.text)) <= set(targets)


def test_every_name_in_the_code_that_is_told_stands_in_the_file_told_with_it() -> None:
    for name, path in re.findall(r"`([A-Z]\w+)`[^`]*?\bin\s+`([\w/.]+\.py)`", CONTRIBUTING.prose):
        assert re.search(rf"\b{name}\b", (ROOT / path).read_text(encoding="utf-8")), (name, path)


def test_the_one_test_that_is_shown_is_there() -> None:
    shown = re.findall(r"([\w/]+\.py)::(\w+)", CONTRIBUTING.text)

    assert shown
    for path, name in shown:
        assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8")
