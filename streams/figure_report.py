"""The figures over all customers as applications and Prometheus read them, made anew three times a minute."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from scoring.instants import DAY, MILLISECOND, SECOND, format_instant
from scoring.kpi import DayFigures, Period, Sums
from scoring.measure_figures import MeasureFigure, MeasureSums
from scoring.policy import BANDS, Policy
from streams.errors import TransientError
from streams.metrics import Metrics
from streams.store.protocol import Store

logger = logging.getLogger(__name__)

#: The days over which the published figures tell who came and went.
PERIOD = 30
_EVERY = 20 * SECOND


class FigureReport:
    """Makes the figures: of all workers one, and all tell them to Prometheus."""

    def __init__(self, policy: Policy, store: Store, metrics: Metrics) -> None:
        """Put the parts together.

        Args:
            policy: in force.
            store: of the sums.
            metrics: where the figures are told.
        """
        self._policy = policy
        self._store = store
        self._metrics = metrics
        self._made_at = 0

    def follow(self, policy: Policy) -> None:
        """Make the figures by another policy.

        Args:
            policy: in force from now on.
        """
        self._policy = policy

    async def turn(self, now: int, wall: int) -> None:
        """Make and tell the figures, if it is time to.

        Args:
            now: the evaluation time, in microseconds; 0 while it is not known.
            wall: the wall clock, in microseconds. While the store does not answer, the figures stay as they are.
        """
        if not now or abs(wall - self._made_at) < _EVERY:
            return
        self._made_at = wall
        try:
            await self._make_and_tell(now)
        except TransientError as error:
            logger.info("%s; the figures over all customers are made the next time", error)

    async def _make_and_tell(self, now: int) -> None:
        # The others are let in somewhat before this worker comes again, so that nobody misses two turns.
        if await self._store.kpi.take_turn(_EVERY * 3 // 4 // MILLISECOND):
            await self._make(now)
        self._metrics.set_figures(await self._store.kpi.figures())

    async def _make(self, now: int) -> None:
        day = now // DAY
        counts = await self._store.band_counts()
        sums = Sums(await self._store.kpi.sums(), [counts[band] for band in BANDS])
        [figures] = sums.figures(day, day)
        fields = published(figures, sums.period(day - PERIOD + 1, day))
        flows = sums.flows(day - PERIOD + 1, day)
        fields |= {name: str(flows.get(pair, 0)) for pair, name in FLOWS.items()}
        fields |= await self._measures(now)
        await self._store.kpi.publish("", {**fields, "updated_at": format_instant(now)})
        await self._store.kpi.fold("", max(now - self._policy.keep_figures, 0) // DAY)
        await self._store.kpi.fold_measures(self._policy.kept_from(now), self._policy.told_from(now))

    async def _measures(self, now: int) -> dict[str, str]:
        if not self._policy.tallied:
            return {}
        sums = MeasureSums(await self._store.kpi.measures())
        return published_measures(sums.figures(self._policy, now // self._policy.pane))


#: The names of the published flows, by the band before (None for a new customer) and after.
FLOWS = {
    (before, after): f"flow:{'new' if before is None else BANDS[before]}:{BANDS[after]}"
    for before in (None, *range(len(BANDS)))
    for after in range(len(BANDS))
    if before != after
}


def published(figures: DayFigures, period: Period) -> dict[str, str]:
    """Write figures as applications read them.

    Args:
        figures: of the day.
        period: that ends with the day.

    Returns:
        Fields and values; shares in percent with at most two decimals, '' where there is nothing to take a share of.
    """
    engaged, responsive, disengaged = figures.engagement_index
    return {
        "day": format_instant(figures.day * DAY)[:10],
        "customers": str(sum(figures.bands)),
        "daily_active": str(figures.daily),
        "weekly_active": str(figures.weekly),
        "monthly_active": str(figures.monthly),
        "stickiness": _number(figures.stickiness),
        "returning_share": _number(figures.returning_share),
        "active_days": _number(figures.frequency),
        "new": str(figures.new),
        "returned": str(figures.returned),
        "acquired": str(period.acquired),
        "lost": str(period.lost),
        "retention": _number(period.retention),
        "churn": _number(period.churn),
        "engaged_share": _number(engaged),
        "responsive_share": _number(responsive),
        "disengaged_share": _number(disengaged),
        **{band: str(count) for band, count in zip(BANDS, figures.bands, strict=True)},
    }


def published_measures(figures: Mapping[str, MeasureFigure]) -> dict[str, str]:
    """Write measures over all customers as applications read them.

    Args:
        figures: by the name of the measure.

    Returns:
        Fields and values; '' where there is nothing to tell.
    """
    fields = {}
    for name, figure in figures.items():
        fields[f"measure:{name}"] = figure.value
        if figure.customers is not None:
            fields[f"measure:{name}:average"] = figure.average
            fields[f"measure:{name}:customers"] = str(figure.customers)
    return fields


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.2f}".rstrip("0").rstrip(".")
