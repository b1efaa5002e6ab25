"""Figures that a policy wants by the day, for machines and as a person wants to read them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from scoring.figures.band_figures import BandFigure, BandSums
from scoring.figures.channel_figures import ChannelFigure, channel_figures
from scoring.figures.funnel_figures import FunnelFigure, funnel_figures
from scoring.figures.kpi import Sums
from scoring.figures.measure_figures import MeasureFigure, MeasureSums
from scoring.instants import DAY
from scoring.points import text
from scoring.policy.policy import Policy
from scoring.rules.funnels import Funnel
from streams.views.tables import plain_table

_NOTHING = "-"


@dataclass(frozen=True, slots=True)
class DaySums:
    """The sums from which figures by the day are made, those of the past included, and up to when has been judged."""

    policy: Policy
    fields: Mapping[str, int]
    judged: int

    def pane(self, day: int) -> int:
        """Give the last pane of a day that counts.

        Args:
            day: its number.
        """
        return min((day + 1) * DAY - 1, self.judged) // self.policy.pane

    def measures(self, sums: MeasureSums, day: int, customers: int) -> dict[str, MeasureFigure] | None:
        """Give the measures as of the end of a day; None where they are told no more.

        Args:
            sums: of all customers.
            day: its number.
            customers: how many there were.
        """
        pane = self.pane(day)
        return sums.figures(self.policy, pane, customers) if pane >= self.policy.measured_from(self.judged) else None

    def funnels(self, sums: MeasureSums, day: int) -> dict[str, FunnelFigure] | None:
        """Give how many customers pass the steps of funnels, by the day of the first; None where it is told no more.

        Args:
            sums: of all customers.
            day: its number.
        """
        told = self.pane(day) >= self.policy.measured_from(self.judged)
        return funnel_figures(self.policy, sums, day, self.judged) if told else None

    def documents(self, sums: Sums, first: int, last: int) -> Iterator[dict[str, Any]]:
        """Write for machines what the policy wants of each day.

        Args:
            sums: of all customers.
            first: number of the first day.
            last: number of the last day.
        """
        rules, measured = self.policy.figures, MeasureSums(self.fields)
        bands = BandSums(self.policy, self.fields, sums) if rules.by_band else None
        for each_day in sums.figures(first, last):
            document: dict[str, Any] = {}
            day = each_day.day
            if rules.by_day:
                document["measures"] = measures_document(self.measures(measured, day, sum(each_day.bands)))
            if rules.by_channel:
                channels = channel_figures(self.policy, measured, day)
                document["channels"] = {name: channel_document(each) for name, each in channels.items()}
            if rules.funnels:
                document["funnels"] = funnels_document(self.policy, self.funnels(measured, day))
            if bands is not None:
                by_band = bands.figures(day, self.pane(day))
                document["by_band"] = {name: band_document(each) for name, each in by_band.items()}
            yield document

    def tables(self, sums: Sums, first: int, last: int) -> Iterator[Table]:
        """Write for a person what the policy wants of channels, funnels and bands.

        Args:
            sums: of all customers.
            first: number of the first day.
            last: number of the last day.
        """
        rules, measured = self.policy.figures, MeasureSums(self.fields)
        if rules.by_channel:
            days = [channel_figures(self.policy, measured, day) for day in range(first, last + 1)]
            yield channel_table(days[-1], {name: sum(each[name].points for each in days) for name in days[-1]})
        for funnel in rules.funnels:
            yield funnel_table(funnel, (self.funnels(measured, last) or {}).get(funnel.name))
        if rules.by_band:
            yield band_table(BandSums(self.policy, self.fields, sums).figures(last, self.pane(last)))


def measures_document(measures: Mapping[str, MeasureFigure] | None) -> dict[str, Any] | None:
    """Write measures for machines.

    Args:
        measures: by name; None where they are told no more.
    """
    return None if measures is None else {name: measure_document(each) for name, each in measures.items()}


def measure_document(figure: MeasureFigure) -> dict[str, Any]:
    """Write one measure for machines.

    Args:
        figure: over all customers.
    """
    if figure.regular is not None:
        return dict(figure.regular)
    document: dict[str, Any] = {"value": _parsed(figure.value)}
    if figure.events is not None:
        document |= {"events": _parsed(figure.events), "customers": figure.customers}
    elif figure.customers is not None:
        document |= {"average": _parsed(figure.average), "customers": figure.customers}
    return document


def funnels_document(policy: Policy, figures: Mapping[str, FunnelFigure] | None) -> dict[str, Any] | None:
    """Write funnels for machines, each as the list of its steps.

    Args:
        policy: in force.
        figures: by the name of the funnel; None where they are told no more.
    """
    if figures is None:
        return None
    return {
        funnel.name: [
            {"step": label, "customers": day, "in_window": window}
            for label, day, window in zip(funnel.labels, figure.day, _window(funnel, figure), strict=True)
        ]
        for funnel in policy.figures.funnels
        if (figure := figures[funnel.name])
    }


def _window(funnel: Funnel, figure: FunnelFigure) -> Sequence[int | None]:
    return [None] * len(funnel.steps) if figure.window is None else figure.window


def funnel_table(funnel: Funnel, figure: FunnelFigure | None) -> Table:
    """Write a funnel for a person: who began on the last day, and in the window up to then, and came how far.

    Args:
        funnel: of the policy.
        figure: of the last day; None where it is told no more.
    """
    table = plain_table()
    table.add_column(f"funnel {funnel.name}")
    for heading in ("last day", "of the first", "window", "of the first"):
        table.add_column(heading, justify="right")
    if figure is None:
        return table
    for number, label in enumerate(funnel.labels):
        cells = []
        for counts in (figure.day, _window(funnel, figure)):
            first, count = counts[0], counts[number]
            cells += [_NOTHING if count is None else f"{count:,}"]
            cells += [f"{100 * count / first:.1f} %" if first and count is not None else _NOTHING]
        table.add_row(label, *cells)
    return table


def channel_document(figure: ChannelFigure) -> dict[str, Any]:
    """Write the figures of a channel for machines.

    Args:
        figure: of a day.
    """
    return {"points": float(text(figure.points)), **figure.active}


def band_document(figure: BandFigure) -> dict[str, Any]:
    """Write the figures of a band for machines.

    Args:
        figure: of a day.
    """
    return {
        "customers": figure.customers,
        "customer_days": figure.customer_days,
        "types": dict(figure.types),
        "measures": measures_document(figure.measures),
        "a_month": {name: _parsed(value) for name, value in figure.a_month.items()},
    }


def channel_table(figures: Mapping[str, ChannelFigure], points: Mapping[str, int]) -> Table:
    """Write the figures of channels for a person; shares are of what the channels bring that take nothing away.

    Args:
        figures: of the last day, by channel.
        points: of all days of the period together, by channel.
    """
    table = plain_table()
    table.add_column("channel")
    for heading in ("points", "share", "last day", "active", "in 7 days", "in 30 days"):
        table.add_column(heading, justify="right")
    whole = sum(max(each, 0) for each in points.values())
    for name, figure in figures.items():
        active = [figure.active.get(span) for span in ("daily_active", "weekly_active", "monthly_active")]
        table.add_row(
            name,
            text(points[name]),
            f"{100 * points[name] / whole:.1f} %" if points[name] > 0 else _NOTHING,
            text(figure.points),
            *[_NOTHING if count is None else f"{count:,}" for count in active],
        )
    return table


def band_table(figures: Mapping[str, BandFigure]) -> Table:
    """Write the figures of bands for a person, side by side; totals for a customer and 30 days.

    Args:
        figures: of the last day, by band.
    """
    table = plain_table()
    table.add_column("by band")
    for name in figures:
        table.add_column(name, justify="right")
    bands = list(figures.values())
    table.add_row("customers", *[f"{each.customers:,}" for each in bands])
    for kind in bands[0].types:
        if any(each.types[kind] for each in bands):
            table.add_row(f"{kind} a month", *[each.a_month[kind] or _NOTHING for each in bands])
    for name in bands[0].measures:
        if name in bands[0].a_month:
            table.add_row(f"{name} a month", *[each.a_month[name] or _NOTHING for each in bands])
        else:
            table.add_row(name, *[each.measures[name].value or _NOTHING for each in bands])
    return table


def _parsed(value: str) -> float | None:
    return float(value) if value else None
