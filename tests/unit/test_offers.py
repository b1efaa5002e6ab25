"""What the packages offer by their own names: all of it is there, and is what its module holds."""

from __future__ import annotations

import ast
import doctest
import inspect
import subprocess
import sys
from importlib import import_module
from types import ModuleType

import pytest

import scoring
import streams
from scoring import advance
from streams import MemoryStore
from streams.policy_file.document import parse_policy
from tests.unit.scoring.customers import POLICY

PACKAGES = pytest.mark.parametrize("package", [scoring, streams], ids=lambda package: package.__name__)


def imported_for_types(package: ModuleType) -> dict[str, str]:
    """Give the names that type checkers see, each with its module."""
    nodes = ast.walk(ast.parse(inspect.getsource(package)))
    froms = [
        node for node in nodes if isinstance(node, ast.ImportFrom) and str(node.module).startswith(package.__name__)
    ]
    return {alias.name: str(node.module) for node in froms for alias in node.names}


@PACKAGES
def test_the_names_are_in_order_and_the_same_for_readers_type_checkers_and_at_run_time(package: ModuleType) -> None:
    assert package.__all__ == sorted(set(package.__all__))
    assert imported_for_types(package) == package._HOMES
    assert package.__all__ == list(package._HOMES)


@PACKAGES
def test_each_name_is_that_of_its_module(package: ModuleType) -> None:
    for name, home in package._HOMES.items():
        assert getattr(package, name) is getattr(import_module(home), name)


@PACKAGES
def test_a_name_that_is_not_offered_is_an_error(package: ModuleType) -> None:
    with pytest.raises(AttributeError, match=f"module '{package.__name__}' has no attribute 'nothing'"):
        _ = package.nothing


def test_the_example_of_the_core_is_true() -> None:
    failed, tried = doctest.testmod(scoring)

    assert tried
    assert not failed


def test_the_core_as_a_library_imports_nothing_of_what_touches_the_world() -> None:
    code = "import sys; from scoring import *; print({name.partition('.')[0] for name in sys.modules})"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert not ast.literal_eval(answer.stdout) & {"streams", "faust", "aiokafka", "redis", "orjson", "asyncio"}


async def test_a_store_in_memory_takes_no_server() -> None:
    store = MemoryStore(parse_policy(POLICY))
    await store.open()
    [record] = await store.load(["anna"])

    assert record.state.score == 0
    assert await store.read("anna") is None
    assert callable(advance)
