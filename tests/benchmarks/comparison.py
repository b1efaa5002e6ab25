"""The table of programs side by side."""

from __future__ import annotations

from collections.abc import Sequence

from tests.benchmarks.figures import table
from tests.benchmarks.rounds import Measured

_HEAD = ("program", "events/s", "slowest to fastest round", "of the limit", "the service is faster by")


def compared(measured: Sequence[Measured], limit: Measured, ours: Measured) -> str:
    """Write the table, and below it what each program includes.

    Args:
        measured: the programs, in the order of the rows.
        limit: that all are a share of.
        ours: the service.

    Returns:
        Markdown.
    """
    rows = [_row(one, limit, ours) for one in measured]
    included = [f"- **{one.program.title}**: {one.program.includes}" for one in measured]
    return "\n".join([table(_HEAD, rows), "", *included])


def _row(one: Measured, limit: Measured, ours: Measured) -> list[str]:
    if not one.rates:
        return [one.program.title, f"not run: {one.not_run}", "", "", ""]
    spread = f"{min(one.rates):,.0f} to {max(one.rates):,.0f}"
    share = f"{one.rate / limit.rate:.3f}" if limit.rates else ""
    faster = f"{ours.rate / one.rate:.2f}" if ours.rates and one is not ours and one is not limit else ""
    return [one.program.title, f"{one.rate:,.0f}", spread, share, faster]
