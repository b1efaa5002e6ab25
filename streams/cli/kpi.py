"""`engagement kpi`."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import click
import orjson
from rich.console import Console, RenderableType

from scoring.figures.kpi import Sums
from scoring.figures.measure_figures import MeasureFigure, MeasureSums
from scoring.instants import DAY, format_duration, parse_timestamp
from scoring.policy.policy import BANDS, Policy
from streams.cli.kpi_segments import segment_figures
from streams.cli.options import takes_settings
from streams.cli.parameters import CALENDAR_DAY, EPOCH, NAME
from streams.cli.refusal import Refusal
from streams.settings.settings import Settings
from streams.store.redis.store import RedisStore
from streams.store.sums.gains import largest_name
from streams.upkeep.figure_report import PERIOD, figures_told, goings_of
from streams.views.day_view import DaySums
from streams.views.grouping_view import Groupings, grouping_documents, grouping_table
from streams.views.kpi_view import kpi_document, kpi_text
from streams.views.segment_table import segment_table
from streams.views.target_view import target_documents, target_table

_SHOWN = 20
_NO_END = 1 << 31


@click.command()
@click.option(
    "--from", "first", type=CALENDAR_DAY, metavar="DAY", help="First day, in UTC; default: 29 days before the last."
)
@click.option(
    "--to",
    "last",
    type=CALENDAR_DAY,
    metavar="DAY",
    help="Last day, in UTC; default: the one as of which customers have been judged.",
)
@click.option("--segment", type=NAME, default="", metavar="NAME", help="Only the customers of a segment.")
@click.option("--segments", "side_by_side", is_flag=True, help="Also the figures of each segment, side by side.")
@click.option("--json", "as_json", is_flag=True, help="For machines: one JSON object.")
@takes_settings("redis", "policy", "namespace")
def kpi(
    settings: Settings, first: int | None, last: int | None, segment: str, *, side_by_side: bool, as_json: bool
) -> None:
    """Show the figures over all customers.

    How many are active, how many stay and go, how many are in which band and move between them, and the measures of the
    policy for all of them together.

    Example: engagement kpi --from 2026-10-01 --to 2026-10-31
    """
    asyncio.run(_show(settings, first, last, segment, side_by_side=side_by_side, as_json=as_json))


async def _show(
    settings: Settings, first: int | None, last: int | None, segment: str, *, side_by_side: bool, as_json: bool
) -> None:
    policy, store = settings.policy, RedisStore(settings)
    try:
        await store.open_readonly()
        found = await _read(store, policy, segment)
        if segment and segment not in found.segments:
            known = ", ".join(sorted(found.segments)[:_SHOWN]) or "none"
            raise Refusal(f"there is no customer with a score in segment {segment!r}; there are {known}")
        if found.today is None:
            raise Refusal(f"nothing has been counted yet under {settings.namespace}:")
        last = found.today if last is None else last
        first = last - PERIOD + 1 if first is None else first
        _check(settings, first, last, found.today)
        beside = await segment_figures(store, policy, first, last, found.counted.judged) if side_by_side else None
    finally:
        await store.close()
    told = figures_told(policy, found.sums, found.goings, found.counted.fields, (first, last), found.counted.judged)
    if as_json:
        document = _document(policy, found, first, last) | ({} if beside is None else {"by_segment": beside})
        document |= {"targets": target_documents(policy.targets, told)} if policy.targets else {}
        document |= {"segment": segment} if segment else {"segments": found.segments}
        click.echo(orjson.dumps(document))
        return
    measures, segments = found.measures(last), {} if segment else found.segments
    shown: list[RenderableType] = [kpi_text(found.sums, first, last, measures, segments, found.goings)]
    shown += found.counted.tables(found.sums, first, last)
    shown += [grouping_table(grouping, days, first, last) for grouping, days in found.groupings.items()]
    shown += [segment_table(beside)] if beside else []
    shown += [target_table(policy.targets, told)] if policy.targets else []
    console = Console(highlight=False)
    console.print(shown[0])
    for each in shown[1:]:
        console.print("", each, sep="\n")


@dataclass(frozen=True, slots=True)
class _Found:
    """What is stored: the sums of the customers asked for, how many are in which segment, and the last day."""

    sums: Sums
    goings: Sums
    counted: DaySums
    groupings: Groupings
    segments: dict[str, int]
    today: int | None

    def measures(self, day: int) -> dict[str, MeasureFigure] | None:
        """Give the measures of a day."""
        [figures] = self.sums.figures(day, day)
        return self.counted.measures(MeasureSums(self.counted.fields), day, sum(figures.bands))


async def _read(store: RedisStore, policy: Policy, segment: str) -> _Found:
    kpi, rules = store.kpi, policy.figures
    counts = await store.band_counts()
    fields = await kpi.sums(segment, spells=True)
    sums = Sums(fields, None if segment else [counts[band] for band in BANDS])
    goings = sums if rules.churn is None else goings_of(policy, await kpi.churn(segment))
    groupings = {
        grouping: await kpi.grouping(largest_name(grouping, segment), 0, _NO_END) for grouping in rules.groupings
    }
    measured = await kpi.measures(segment, past=rules.daily)
    figures = await kpi.figures()
    try:
        today = (date.fromisoformat(figures["day"]) - EPOCH).days if figures else sums.newest
        judged = parse_timestamp(figures["updated_at"]) if figures else ((today or 0) + 1) * DAY - 1
    except (KeyError, ValueError):
        raise Refusal(
            "somebody has changed the figures that workers publish; they are made anew within a minute"
        ) from None
    return _Found(sums, goings, DaySums(policy, measured, judged), groupings, await kpi.segments(), today)


def _document(policy: Policy, found: _Found, first: int, last: int) -> dict[str, Any]:
    by_day = found.counted.documents(found.sums, first, last)
    document = kpi_document(found.sums, first, last, found.measures(last), by_day, found.goings)
    if policy.figures.groupings:
        document["groups"] = grouping_documents(found.groupings, first, last)
        for number, day in enumerate(document["days"], first):
            day["groups"] = grouping_documents(found.groupings, number, number)
    return document


def _check(settings: Settings, first: int, last: int, today: int) -> None:
    if last < first:
        begins, ends = (EPOCH + timedelta(days=day) for day in (first, last))
        raise Refusal(f"the period would begin on {begins} and end on {ends}", exit_code=2)
    if last > today:
        judged, asked = (EPOCH + timedelta(days=day) for day in (today, last))
        click.echo(f"customers have been judged up to {judged}, so the figures of {asked} are not known yet", err=True)
    kept = settings.policy.keep_figures
    if first - 1 < today - kept // DAY:
        oldest = EPOCH + timedelta(days=today - kept // DAY + 1)
        raise Refusal(f"figures are kept for {format_duration(kept)} (kpi.keep in the policy): from {oldest} on")
