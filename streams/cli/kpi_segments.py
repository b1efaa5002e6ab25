"""The figures of all segments side by side, for `engagement kpi --segments`."""

from __future__ import annotations

from scoring.figures.kpi import Sums
from scoring.policy.policy import Policy
from streams.store.redis.store import RedisStore
from streams.upkeep.figure_report import figures_told, goings_of, largest


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
        found[segment] = figures_told(policy, sums, goings, fields, (first, last), judged)
    return found
