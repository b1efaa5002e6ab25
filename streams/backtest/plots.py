"""A report as plots in SVG, drawn by matplotlib, which the extra `validate` installs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scoring.instants import DAY
from streams.backtest.report import MEASURES, BacktestReport, Column
from streams.errors import ExtraMissing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INCHES = (7.0, 4.2)
_EPOCH = date(1970, 1, 1)


def draw_plots(report: BacktestReport, folder: Path) -> list[Path]:
    """Draw a report.

    Args:
        report: the figures.
        folder: where the files go; made where it is not there.

    Returns:
        The files.

    Raises:
        ExtraMissing: if matplotlib is not installed.
    """
    try:
        from matplotlib import rc_context  # noqa: PLC0415 - an extra
        from matplotlib.figure import Figure  # noqa: PLC0415
    except ImportError as error:
        raise ExtraMissing("validate", "drawing plots") from error
    folder.mkdir(parents=True, exist_ok=True)
    drawn = []
    for name, draw in _plots(report):
        figure = Figure(figsize=_INCHES, layout="constrained")
        draw(figure.add_subplot())
        path = folder / f"{name}.svg"
        # Text stays text, and the same figures give the same bytes.
        with rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
            figure.savefig(path, format="svg", metadata={"Date": None})
        drawn.append(path)
    return drawn


def _plots(report: BacktestReport) -> Iterator[tuple[str, Any]]:
    for outcome, columns in report.by_outcome():
        name = outcome.replace(" ", "-")
        yield f"auc-{name}", lambda axes, columns=columns: _draw_auc(axes, columns)
        yield f"bands-{name}", lambda axes, columns=columns: _draw_bands(axes, columns)
    yield "alerts-by-day", lambda axes: _draw_days(axes, report)
    if report.labelled:
        yield "alerts", lambda axes: _draw_alerts(axes, report)
        yield "lead-time", lambda axes: _draw_leads(axes, report)


def _draw_auc(axes: Axes, columns: Sequence[Column]) -> None:
    moments = [column.moment for column in columns]
    for measure in MEASURES:
        values = [column.auc[measure] for column in columns]
        axes.plot(moments, [float("nan") if value is None else value for value in values], marker="o", label=measure)
    axes.set(title=f"Ranking: {columns[0].outcome}", ylabel="AUC", ylim=(0.5, 1.0))
    axes.grid(axis="y", alpha=0.3)
    axes.legend()


def _draw_bands(axes: Axes, columns: Sequence[Column]) -> None:
    bands = [share.band for share in columns[0].bands]
    width = 0.8 / len(columns)
    for number, column in enumerate(columns):
        heights = [100 * share.happened / share.customers if share.customers else 0.0 for share in column.bands]
        places = [index + width * (number - (len(columns) - 1) / 2) for index in range(len(bands))]
        axes.bar(places, heights, width, label=column.moment)
    axes.set(title=f"Calibration by band: {columns[0].outcome}", ylabel="% of the customers in the band")
    axes.set_xticks(range(len(bands)), bands)
    axes.legend()


def _draw_alerts(axes: Axes, report: BacktestReport) -> None:
    if report.margins:
        axes.plot(*zip(*report.margins, strict=True), "-", alpha=0.5, label="absences, by margin")
    for rule in report.rules:
        alarms = rule.alarms
        axes.plot([alarms.recall or 0.0], [alarms.hits.precision or 0.0], "o", label=rule.title)
    axes.set(title="Alerts", xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1))
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")


def _draw_days(axes: Axes, report: BacktestReport) -> None:
    for rule in report.rules:
        by_day = rule.alarms.by_day
        days = range(min(by_day), max(by_day) + 1) if by_day else ()
        dates = [_EPOCH + timedelta(days=day) for day in days]
        axes.plot(dates, [by_day[day] for day in days], label=rule.title, linewidth=0.8)  # type: ignore[arg-type]
    axes.set(title="Alerts by day", ylabel="alerts")
    axes.tick_params(axis="x", labelrotation=30)
    axes.legend(fontsize="small")


def _draw_leads(axes: Axes, report: BacktestReport) -> None:
    for rule in report.rules:
        leads = sorted(length / DAY for length in rule.alarms.leads_last)
        shares = [100 * (index + 1) / len(leads) for index in range(len(leads))]
        axes.step(leads, shares, where="post", label=rule.title)
    axes.set(title="From the last alert to the churn", xlabel="days", ylabel="% of the churns that were announced")
    axes.set_xlim(left=0)
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")
