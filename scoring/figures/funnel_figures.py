"""How many customers pass the steps of a funnel, by the day of the first step.

Rests on decision 120.
"""

from __future__ import annotations

from dataclasses import dataclass

from scoring.figures.measure_figures import MeasureSums
from scoring.instants import DAY
from scoring.policy.policy import Policy
from scoring.rules.tally import funnel_name


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
    a_day = DAY // policy.pane
    last = (day + 1) * a_day - 1
    pane = min(last, judged // policy.pane)
    whole = pane >= policy.told_from(judged)
    found = {}
    for funnel in policy.figures.funnels:
        names = [funnel_name(funnel.steps, funnel.panes, span) for span in (a_day, policy.panes)]
        numbers = range(len(funnel.steps))
        found[funnel.name] = FunnelFigure(
            tuple([sums.held_under(f"{names[0]}{number}", last) for number in numbers]),
            tuple([sums.held_under(f"{names[1]}{number}", pane) for number in numbers]) if whole else None,
        )
    return found
