"""The figures over all customers as applications and Prometheus read them, made anew three times a minute.

Rests on decisions 48 and 56.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from scoring.figures.band_figures import BandFigure, BandSums
from scoring.figures.channel_figures import ChannelFigure, channel_figures
from scoring.figures.funnel_figures import FunnelFigure, funnel_figures
from scoring.figures.kpi import DayFigures, Period, Sums, percent
from scoring.figures.measure_figures import MeasureFigure, MeasureSums
from scoring.instants import DAY, MILLISECOND, SECOND, format_instant
from scoring.points import text
from scoring.policy.policy import BANDS, Policy
from scoring.rules.segments import MOST_SEGMENTS
from streams.backoff import Backoff
from streams.errors import TransientError
from streams.metrics import Metrics
from streams.store.protocol import Store
from streams.store.sums.gains import largest_name

logger = logging.getLogger(__name__)

#: The days over which the published figures tell who came and went.
PERIOD = 30
_EVERY = 20 * SECOND
#: Segments whose figures are made in one turn.
_AT_ONCE = 5


class FigureReport:
    """Makes the figures: of all workers one, and all tell them to Prometheus."""

    def __init__(self, policy: Policy, store: Store, metrics: Metrics) -> None:
        """Put the parts together.

        Args:
            policy: in force.
            store: of the sums.
            metrics: that show the figures.
        """
        self._policy = policy
        self._store = store
        self._metrics = metrics
        self._waiting = Backoff(metrics, logger, "the figures over all customers stay as they are")
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
            await self._make_and_tell(now, wall)
        except TransientError as error:
            self._waiting.note(error)
        else:
            self._waiting.over()

    async def _make_and_tell(self, now: int, wall: int) -> None:
        kpi = self._store.kpi
        # The others are let in somewhat before this worker comes again, so that nobody misses two turns.
        if await kpi.take_turn(_EVERY * 3 // 4 // MILLISECOND):
            counts = await self._store.band_counts()
            await self._make("", now, [counts[band] for band in BANDS])
            segments = largest(await kpi.segments())
            for segment in in_turn(segments, wall // _EVERY):
                await self._make(segment, now)
            await kpi.keep_published(segments)
        figures = await kpi.figures()
        self._metrics.set_figures(figures)
        self._metrics.set_targets(self._policy.targets, figures)
        self._metrics.set_segment_figures({name: await kpi.figures(name) for name in largest(await kpi.segments())})

    async def _make(self, segment: str, now: int, in_bands: Sequence[int] | None = None) -> None:
        policy, kpi = self._policy, self._store.kpi
        fields = await figures_of(policy, self._store, segment, now, in_bands)
        await kpi.publish(segment, {**fields, "updated_at": format_instant(now)})
        days_from = policy.days_from(now)
        await kpi.fold(segment, days_from)
        if policy.figures.churn is not None:
            await kpi.fold(segment, days_from, churn=True)
        for grouping in policy.figures.groupings:
            await kpi.fold_grouping(largest_name(grouping, segment), max(now - policy.keep_figures, 0) // DAY)
        await kpi.fold_measures(segment, policy.kept_from(now), policy.told_from(now), policy.past_from(now))


async def figures_of(
    policy: Policy, store: Store, segment: str, now: int, in_bands: Sequence[int] | None = None
) -> dict[str, str]:
    """Make the figures of a day as applications read them.

    Args:
        policy: in force.
        store: of the sums.
        segment: its name, '' for all customers.
        now: a moment of the day, in microseconds; what came after its pane does not count.
        in_bands: see `Sums`.

    Returns:
        Fields and values.

    Raises:
        TransientError: if the store does not answer.
    """
    kpi, day = store.kpi, now // DAY
    sums = Sums(await kpi.sums(segment), in_bands)
    goings = sums if policy.figures.churn is None else goings_of(policy, await kpi.churn(segment))
    counted = await kpi.measures(segment) if policy.tallied else {}
    flows = sums.flows(day - PERIOD + 1, day)
    fields = figures_told(policy, sums, goings, counted, (day - PERIOD + 1, day), now)
    return fields | {name: str(flows.get(pair, 0)) for pair, name in FLOWS.items()}


def figures_told(
    policy: Policy,
    sums: Sums,
    goings: Sums,
    counted: Mapping[str, int],
    days: tuple[int, int],
    judged: int,
) -> dict[str, str]:
    """Write the figures of a period as applications read them.

    Args:
        policy: in force.
        sums: of the customers.
        goings: who comes and goes.
        counted: the sums of measures.
        days: numbers of the first and the last one of the period.
        judged: up to when the customers have been judged, in microseconds.

    Returns:
        By the name of the figure; '' where there is nothing to tell.
    """
    first, last = days
    pane = min((last + 1) * DAY - 1, judged) // policy.pane
    [at_last] = sums.figures(last, last)
    [moves] = goings.figures(last, last)
    told = published(at_last, goings.period(first, last), moves)
    measured = MeasureSums(counted)
    if pane >= policy.measured_from(judged):
        told |= published_measures(measured.figures(policy, pane, sum(at_last.bands)))
        if policy.figures.funnels:
            told |= published_funnels(funnel_figures(policy, measured, last, judged))
    if policy.figures.by_channel:
        told |= published_channels(channel_figures(policy, measured, last))
    if policy.figures.by_band:
        told |= published_bands(BandSums(policy, counted, sums).figures(last, pane))
    return told


def largest(segments: Mapping[str, int]) -> list[str]:
    """Choose the segments of which figures are published: those with the most customers, but not too many.

    Args:
        segments: each with the number of its customers.

    Returns:
        Their names, in the order of the alphabet.
    """
    by_size = sorted(segments, key=lambda name: (-segments[name], name))
    return sorted(by_size[:MOST_SEGMENTS])


def in_turn(segments: Sequence[str], turn: int) -> list[str]:
    """Choose the segments whose figures are made now: some at a time, as each takes as long as those of all customers.

    Args:
        segments: all of them, in any order that stays.
        turn: a number that goes up by one each time.

    Returns:
        A few of them; each is among them at least every so many turns as there are parts of that size.
    """
    parts = -(-len(segments) // _AT_ONCE)
    return list(segments[turn % parts :: parts]) if parts else []


#: The names of the published flows, by the band before (None for a new customer) and after.
FLOWS = {
    (before, after): f"flow:{'new' if before is None else BANDS[before]}:{BANDS[after]}"
    for before in (None, *range(len(BANDS)))
    for after in range(len(BANDS))
    if before != after
}


def goings_of(policy: Policy, fields: Mapping[str, int]) -> Sums:
    """Make figures of who comes and goes by the rule of the policy.

    Args:
        policy: in force, with such a rule.
        fields: of the sums.
    """
    rule = policy.figures.churn
    return Sums(fields, shortest=0 if rule is None or rule.by else rule.after // DAY)


def published(figures: DayFigures, period: Period, moves: DayFigures | None = None) -> dict[str, str]:
    """Write figures as applications read them.

    Args:
        figures: of the day.
        period: that ends with the day.
        moves: who came and went on the day, where the policy has a rule of its own for it.

    Returns:
        Fields and values; shares in percent with at most two decimals, '' where there is nothing to take a share of.
    """
    engaged, responsive, disengaged = figures.engagement_index
    moves = figures if moves is None else moves
    return {
        "day": format_instant(figures.day * DAY)[:10],
        "customers": str(sum(figures.bands)),
        "daily_active": str(figures.daily),
        "weekly_active": str(figures.weekly),
        "monthly_active": str(figures.monthly),
        "stickiness": _number(figures.stickiness),
        "returning_share": _number(figures.returning_share),
        "active_days": _number(figures.frequency),
        "new": str(moves.new),
        "returned": str(moves.returned),
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
        if figure.events is not None:
            fields[f"measure:{name}:events"] = figure.events
        elif figure.customers is not None:
            fields[f"measure:{name}:average"] = figure.average
        if figure.customers is not None:
            fields[f"measure:{name}:customers"] = str(figure.customers)
        if figure.regular is not None:
            del fields[f"measure:{name}"]
            fields |= {f"measure:{name}:{regular}": str(count) for regular, count in figure.regular.items()}
    return fields


def published_channels(figures: Mapping[str, ChannelFigure]) -> dict[str, str]:
    """Write figures of channels as applications read them.

    Args:
        figures: by the name of the channel.

    Returns:
        Fields and values.
    """
    fields = {}
    for channel, figure in figures.items():
        fields[f"channel:{channel}:points"] = text(figure.points)
        fields |= {f"channel:{channel}:{name}": str(count) for name, count in figure.active.items()}
    return fields


def published_bands(figures: Mapping[str, BandFigure]) -> dict[str, str]:
    """Write figures of bands as applications read them.

    Args:
        figures: by the name of the band.

    Returns:
        Fields and values; '' where there is nothing to tell.
    """
    fields: dict[str, str] = {}
    for band, figure in figures.items():
        fields |= {f"band:{band}:{name}": measure.value for name, measure in figure.measures.items()}
        fields |= {f"band:{band}:{name}:a_month": value for name, value in figure.a_month.items()}
    return fields


def published_funnels(figures: Mapping[str, FunnelFigure]) -> dict[str, str]:
    """Write figures of funnels as applications read them, over the window.

    Args:
        figures: by the name of the funnel.

    Returns:
        Fields and values: who passes a step, and of a later one the percent of those who took the first.
    """
    fields: dict[str, str] = {}
    for funnel, figure in figures.items():
        for step, count in enumerate(figure.window or (), 1):
            fields[f"funnel:{funnel}:{step}"] = str(count)
            if step > 1 and figure.window is not None:
                fields[f"funnel:{funnel}:{step}:share"] = _number(percent(count, figure.window[0]))
    return fields


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.2f}".rstrip("0").rstrip(".")
