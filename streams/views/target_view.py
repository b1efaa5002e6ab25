"""Figures over all customers beside what the policy wants of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.table import Table

from scoring.rules.targets import WARNING, Target
from streams.views.tables import plain_table

_WORDS = {
    "at_least": "at least",
    "at_most": "at most",
    "warn_below": "warning below",
    "warn_above": "warning above",
    "benchmark": "benchmark",
}


def target_documents(targets: Sequence[Target], figures: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Write targets for machines.

    Args:
        targets: of the policy.
        figures: as applications read them.

    Returns:
        By figure its value, the bounds and the verdict; None for both where there is no value.
    """
    found = {}
    for target in targets:
        value = float(figures[target.figure]) if figures.get(target.figure) else None
        bounds = {name: bound for name, bound in asdict(target).items() if name in _WORDS and bound is not None}
        verdict = None if value is None else target.verdict(value) or None
        found[target.figure] = {"value": value, **bounds, "verdict": verdict}
    return found


def target_table(targets: Sequence[Target], figures: Mapping[str, str]) -> Table:
    """Write targets for a person.

    Args:
        targets: of the policy.
        figures: as applications read them.
    """
    table = plain_table()
    table.add_column("figure", no_wrap=True)
    table.add_column("value", justify="right")
    table.add_column("target", overflow="fold")
    table.add_column("")
    for target in targets:
        value = figures.get(target.figure, "")
        verdict = target.verdict(float(value)) if value else ""
        style = "red" if verdict == WARNING else ""
        table.add_row(target.name, value or "-", bounds_text(target), verdict, style=style)
    return table


def bounds_text(target: Target) -> str:
    """Write the bounds of a target in words.

    Args:
        target: of the policy.
    """
    bounds = asdict(target)
    return ", ".join(f"{words} {bounds[name]:.15g}" for name, words in _WORDS.items() if bounds[name] is not None)
