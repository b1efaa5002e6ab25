"""Who passes the steps of a funnel, by brute force: every way through the events is tried, pane by pane."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.reference.brute_force import duration
from tests.reference.measures import DAY

#: The pane of an event, and its type with its channel.
Happened = tuple[int, str]


def passes(table: dict[str, Any], events: Sequence[Happened], pane: int, begun: int, step: int) -> bool:
    """Return whether so many steps follow each other from one that is taken in a pane.

    Args:
        table: of the funnel.
        events: of one customer.
        pane: its length, in microseconds.
        begun: the pane of the first step.
        step: how many.
    """
    end = begun + duration(table["within"]) // pane
    places = {begun}
    for number, written in enumerate(table["steps"][:step]):
        names = [written] if isinstance(written, str) else written
        taken = {at for at, kind in events if kind in names and (at == begun if number == 0 else at < end)}
        places = {at for at in taken for before in places if before <= at}
    return bool(places)


def customers(
    table: dict[str, Any], lives: Mapping[str, Sequence[Happened]], pane: int, first: int, last: int
) -> tuple[int, ...]:
    """Count the customers who take the first step in some panes, by how many steps follow.

    Args:
        table: of the funnel.
        lives: the events of each customer.
        pane: its length, in microseconds.
        first: number of the first pane.
        last: number of the last one.
    """
    return tuple(
        sum(
            any(passes(table, events, pane, begun, step) for begun in range(first, last + 1))
            for events in lives.values()
        )
        for step in range(1, len(table["steps"]) + 1)
    )


def figures(
    document: dict[str, Any], lives: Mapping[str, Sequence[Happened]], pane: int
) -> dict[str, tuple[tuple[int, ...], tuple[int, ...]]]:
    """Give the figures of all funnels as of the last pane of a day: of the day, and of the window.

    Args:
        document: the policy, as TOML reads it.
        lives: the events of each customer.
        pane: number of the pane.
    """
    length, window = duration(document["window"]["pane"]), duration(document["window"]["length"])
    return {
        name: (
            customers(table, lives, length, pane - DAY // length + 1, pane),
            customers(table, lives, length, pane - window // length + 1, pane),
        )
        for name, table in document.get("funnels", {}).items()
    }
