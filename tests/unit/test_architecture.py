"""The rules of the house: what may import what, and who may touch the world."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import scoring
import scoring.errors
import streams
import streams.errors

ROOT = Path(scoring.__path__[0]).parent
SCORING = sorted((ROOT / "scoring").rglob("*.py"))
STREAMS = sorted((ROOT / "streams").rglob("*.py"))
EVERYTHING = [*SCORING, *STREAMS]
# A module is named after what it holds; these names hold anything.
NAMELESS = {"utils", "util", "helpers", "helper", "manager", "managers", "common", "misc", "base", "tools"}
# What a pure function has no use for.
IMPURE_MODULES = {
    *("os", "io", "pathlib", "time", "logging", "random", "secrets", "socket", "subprocess", "threading"),
    *("asyncio", "tempfile", "shutil", "urllib", "http", "warnings", "locale", "platform", "signal"),
}
IMPURE_CALLS = {"open", "print", "input", "exec", "eval", "__import__"}
CLOCK_CALLS = {"now", "utcnow", "today", "time", "time_ns", "monotonic", "perf_counter"}
# Reading the environment is for the settings alone.
ENVIRONMENT = {"environ", "getenv", "environb"}
READS_THE_ENVIRONMENT = {"streams/settings/settings.py"}


def shown(path: Path) -> str:
    """Name a file as in the repository."""
    return path.relative_to(ROOT).as_posix()


def tree_of(path: Path) -> ast.Module:
    """Parse a file."""
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path: Path) -> Iterator[str]:
    """Give the names of the modules that a file imports, wherever it does."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{shown(path)} imports relatively"
            yield node.module or ""


def packages(path: Path) -> set[str]:
    """Give the top-level names that a file imports."""
    return {name.partition(".")[0] for name in imports(path)}


def called(path: Path) -> Iterator[str]:
    """Give the names of the functions that a file calls."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Call):
            yield node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")


def names_in(path: Path) -> set[str]:
    """Give every name and attribute that a file mentions."""
    nodes = list(ast.walk(tree_of(path)))
    attributes = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    imported = {alias.name for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names}
    return attributes | imported | {node.id for node in nodes if isinstance(node, ast.Name)}


def test_there_is_something_to_look_at() -> None:
    assert len(SCORING) > 10
    assert len(STREAMS) > 30


@pytest.mark.parametrize("path", SCORING, ids=shown)
def test_scoring_imports_the_standard_library_and_itself(path: Path) -> None:
    assert packages(path) <= sys.stdlib_module_names | {"scoring"}


@pytest.mark.parametrize("path", SCORING, ids=shown)
def test_scoring_touches_nothing_and_never_asks_for_the_time(path: Path) -> None:
    assert not packages(path) & IMPURE_MODULES
    assert not set(called(path)) & (IMPURE_CALLS | CLOCK_CALLS)
    assert not names_in(path) & ENVIRONMENT


@pytest.mark.parametrize("path", STREAMS, ids=shown)
def test_only_the_settings_read_the_environment(path: Path) -> None:
    assert bool(names_in(path) & ENVIRONMENT) == (shown(path) in READS_THE_ENVIRONMENT)


def clients_made(path: Path) -> Iterator[tuple[str, bool]]:
    """Give the clients of Kafka and Redis that a file makes, and whether with the options that let them in."""
    options = {"kafka_options", "secure"}
    for node in ast.walk(tree_of(path)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if re.fullmatch(r"AIOKafka\w+|from_url", name):
            spread = [keyword.value for keyword in node.keywords if keyword.arg is None]
            yield name, any(options & {*map(str, _names(value))} for value in spread)


def _names(node: ast.AST) -> Iterator[str]:
    for inner in ast.walk(node):
        yield getattr(inner, "id", "") or getattr(inner, "attr", "")


@pytest.mark.parametrize("path", STREAMS, ids=shown)
def test_no_client_of_kafka_or_redis_is_made_without_the_options_that_let_it_in(path: Path) -> None:
    assert all(secured for _, secured in clients_made(path)), [*clients_made(path)]


def test_there_are_clients_to_look_at() -> None:
    made = [name for path in STREAMS for name, _ in clients_made(path)]
    assert {"AIOKafkaProducer", "AIOKafkaConsumer", "AIOKafkaAdminClient", "from_url"} <= set(made)


@pytest.mark.parametrize("path", EVERYTHING, ids=shown)
def test_nothing_imports_the_tests(path: Path) -> None:
    assert not packages(path) & {"tests", "pytest", "hypothesis"}


@pytest.mark.parametrize("path", EVERYTHING, ids=shown)
def test_a_module_is_named_after_what_it_holds(path: Path) -> None:
    assert not {path.stem, path.parent.name} & NAMELESS


def defined_errors(package: ModuleType) -> dict[str, type[Exception]]:
    """Give the exceptions that the modules of a package define."""
    found: dict[str, type[Exception]] = {}
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if module.name.endswith("__main__"):
            continue
        members = vars(importlib.import_module(module.name)).values()
        found |= {
            member.__name__: member
            for member in members
            if inspect.isclass(member) and issubclass(member, Exception) and member.__module__ == module.name
        }
    return found


def drawn_tree(module: ModuleType) -> dict[str, str]:
    """Read the tree of errors in a docstring: each error with the one that it hangs on."""
    parents: dict[str, str] = {}
    above: list[tuple[int, str]] = []
    for line in (module.__doc__ or "").splitlines():
        match = re.match(r"([│├└─\s]*)([A-Z]\w+)(?:\s{2,}|$)", line)
        if match is None:
            continue
        depth = len(match[1])
        above = [(column, name) for column, name in above if column < depth]
        parents[match[2]] = above[-1][1] if above else ""
        above.append((depth, match[2]))
    return parents


@pytest.mark.parametrize("module", [scoring.errors, streams.errors], ids=lambda module: module.__name__)
def test_every_error_hangs_in_the_tree_at_the_top_where_it_hangs_in_the_code(module: ModuleType) -> None:
    drawn = drawn_tree(module)
    defined = {
        name: member
        for name, member in vars(module).items()
        if inspect.isclass(member) and issubclass(member, Exception) and member.__module__ == module.__name__
    }

    assert drawn == {
        name: "" if member.__base__ is Exception else str(member.__base__ and member.__base__.__name__)
        for name, member in defined.items()
    }
    assert len([name for name, parent in drawn.items() if not parent]) == 1


@pytest.mark.parametrize(
    ("package", "root"), [(scoring, scoring.errors.ScoringError), (streams, streams.errors.StreamsError)], ids=str
)
def test_every_error_of_a_package_has_the_same_root(package: ModuleType, root: type[Exception]) -> None:
    allowed = {
        # Ends a command with a message for a person; click asks for a class of its own.
        "Refusal",
    }
    strangers = [name for name, error in defined_errors(package).items() if not issubclass(error, root)]

    assert set(strangers) <= allowed
