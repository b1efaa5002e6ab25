"""The examples in the documentation of the scoring core are true."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import scoring

MODULES = sorted(module.name for module in pkgutil.walk_packages(scoring.__path__, "scoring."))
WITH_EXAMPLES = {"scoring.instants", "scoring.points", "scoring.backtest.alarms", "scoring.backtest.ranking"}


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_are_true(name: str) -> None:
    failed, tried = doctest.testmod(importlib.import_module(name))

    assert failed == 0
    assert tried or name not in WITH_EXAMPLES
