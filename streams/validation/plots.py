"""A report as plots in SVG, drawn by matplotlib, which the extra `validate` installs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streams.errors import ExtraMissing
from streams.validation.report import MEASURES, Column, Report, days

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INCHES = (7.0, 4.2)


def draw_plots(report: Report, folder: Path) -> list[Path]:
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


def _plots(report: Report) -> Iterator[tuple[str, Any]]:
    for outcome, columns in report.by_outcome():
        name = outcome.replace(" ", "-")
        yield f"auc-{name}", lambda axes, columns=columns: _draw_auc(axes, columns)
        yield f"bands-{name}", lambda axes, columns=columns: _draw_bands(axes, columns)
    if report.rules:
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


def _draw_alerts(axes: Axes, report: Report) -> None:
    for rule in report.rules:
        alarms = rule.alarms
        axes.plot([alarms.told / max(alarms.churned, 1)], [alarms.right / max(alarms.alerts, 1)], "o", label=rule.name)
    axes.set(title="Alerts", xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1))
    axes.grid(alpha=0.3)
    axes.legend()


def _draw_leads(axes: Axes, report: Report) -> None:
    for rule in report.rules:
        leads = [days(lead) or 0.0 for lead in rule.alarms.leads]
        shares = [100 * (index + 1) / len(leads) for index in range(len(leads))]
        axes.step(leads, shares, where="post", label=rule.name)
    axes.set(title="From the last alert to the churn", xlabel="days", ylabel="% of the churns that were told of")
    axes.set_xlim(left=0)
    axes.grid(alpha=0.3)
    axes.legend()
