"""The figures of all segments side by side, for `engagement kpi --segments`."""

from __future__ import annotations

from scoring.figures.kpi import Sums
from scoring.figures.measure_figures import MeasureSums
from scoring.policy.policy import Policy
from streams.store.redis.store import RedisStore
from streams.upkeep.figure_report import figures_told, goings_of, largest, published_funnels
from streams.views.day_view import DaySums


async def segment_figures(
    store: RedisStore, policy: Policy, first: int, last: int, judged: int
) -> dict[str, dict[str, str]]:
    """Give the figures of the segments with the most customers, as applications read them.

    Args:
        store: opened.
        policy: that the settings name.
        first: number of the first day of the period.
        last: number of the last day.
        judged: up to when the customers have been judged, in microseconds.

    Returns:
        By the name of the segment.
    """
    found = {}
    for segment in largest(await store.kpi.segments()):
        sums = Sums(await store.kpi.sums(segment, spells=True))
        fields = await store.kpi.measures(segment, past=policy.figures.daily)
        goings = sums if policy.figures.churn is None else goings_of(policy, await store.kpi.churn(segment))
        found[segment] = figures_of_period(policy, sums, goings, DaySums(policy, fields, judged), first, last)
    return found


def figures_of_period(
    policy: Policy, sums: Sums, goings: Sums, counted: DaySums, first: int, last: int
) -> dict[str, str]:
    """Give the figures of a period as applications read them.

    Args:
        policy: that the settings name.
        sums: of the customers.
        goings: who comes and goes.
        counted: from which measures are made.
        first: number of the first day of the period.
        last: number of the last day.

    Returns:
        By the name of the figure; '' where there is nothing to tell.
    """
    [at_last] = sums.figures(last, last)
    measured = MeasureSums(counted.fields)
    measures = counted.measures(measured, last, sum(at_last.bands)) or {}
    told = figures_told(policy, sums, goings, counted.fields, measures, (first, last), counted.pane(last))
    if policy.figures.funnels:
        told |= published_funnels(counted.funnels(measured, last) or {})
    return told
