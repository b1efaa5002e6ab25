"""The look of the tables that commands print."""

from __future__ import annotations

from rich.table import Table


def plain_table(*, header: bool = True) -> Table:
    """Begin a table of plain columns: no lines, two spaces apart.

    Args:
        header: whether its columns have headings.

    Returns:
        The table, without columns.
    """
    return Table(box=None, padding=(0, 2, 0, 0), show_header=header, header_style="bold")
