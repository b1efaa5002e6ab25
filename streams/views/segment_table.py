"""The figures of segments side by side, as a person wants to read them."""

from __future__ import annotations

from collections.abc import Mapping

from rich.table import Table

from streams.views.tables import plain_table
from streams.views.wording import printable

_SHOWN = 8


def segment_table(figures: Mapping[str, Mapping[str, str]]) -> Table:
    """Write the figures of segments, a column for each of those with the most customers; those of bands are left out.

    Args:
        figures: as applications read them, by segment.
    """
    by_size = sorted(figures, key=lambda name: (-int(figures[name]["customers"]), name))
    table = plain_table()
    table.add_column("by segment", no_wrap=True)
    for name in by_size[:_SHOWN]:
        table.add_column(printable(name), justify="right")
    names = dict.fromkeys(figure for name in by_size for figure in figures[name])
    for figure in names:
        if figure != "day" and not figure.startswith("band:"):
            told = [figures[name].get(figure, "") or "-" for name in by_size[:_SHOWN]]
            table.add_row(figure.removeprefix("measure:"), *told)
    return table
