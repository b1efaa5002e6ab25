"""How many customers pass the steps of a funnel, by the day of the first step.

Rests on decision 120.
"""

from __future__ import annotations

from dataclasses import dataclass

from scoring.figures.measure_figures import MeasureSums
from scoring.instants import DAY
from scoring.policy.policy import Policy, counted_panes
from scoring.rules.tally import passers


@dataclass(frozen=True, slots=True)
class FunnelFigure:
    """Customers by the step that they have passed, the first step first.

    `day` are those who took the first step on the day, `window` those who did in the window up to the end of the day;
    each customer counts once. A window of which not all is kept any more is not told: None.
    """

    day: tuple[int, ...]
    window: tuple[int, ...] | None


def funnel_figures(policy: Policy, sums: MeasureSums, day: int, judged: int) -> dict[str, FunnelFigure]:
    """Give the figures of the funnels of a day.

    Args:
        policy: in force.
        sums: of measures.
        day: its number.
        judged: up to when the customers have been judged, in microseconds.

    Returns:
        By the name of the funnel.
    """
    last = (day + 1) * DAY // policy.pane - 1
    pane = min(last, judged // policy.pane)
    whole = pane >= policy.told_from(judged)
    spans = counted_panes(policy.length, policy.pane, policy.trend).funnel_spans
    found = {}
    for funnel in policy.figures.funnels:
        of_day, of_window = [passers(funnel.steps, funnel.panes, span).names for span in spans]
        found[funnel.name] = FunnelFigure(
            tuple([sums.held_under(name, last) for name in of_day]),
            tuple([sums.held_under(name, pane) for name in of_window]) if whole else None,
        )
    return found
