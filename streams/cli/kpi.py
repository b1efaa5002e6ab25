"""`engagement kpi`."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta

import click
import orjson
from rich.console import Console

from scoring.figures.kpi import Sums
from scoring.figures.measure_figures import MeasureSums
from scoring.instants import DAY, format_duration, parse_timestamp
from scoring.policy.policy import BANDS
from streams.cli.options import takes_settings
from streams.cli.parameters import CALENDAR_DAY, EPOCH
from streams.cli.refusal import Refusal
from streams.settings.settings import Settings
from streams.store.redis.store import RedisStore
from streams.store.sums.gains import largest_name
from streams.upkeep.figure_report import PERIOD, goings_of, published, published_measures
from streams.views.day_view import DaySums
from streams.views.group_view import group_documents, group_table
from streams.views.kpi_view import kpi_document, kpi_text
from streams.views.target_view import target_documents, target_table

_SHOWN = 20
_NO_END = 1 << 31


@click.command()
@click.option(
    "--from", "first", type=CALENDAR_DAY, metavar="DAY", help="First day, in UTC; by default the 30th up to the last."
)
@click.option(
    "--to",
    "last",
    type=CALENDAR_DAY,
    metavar="DAY",
    help="Last day; by default the one as of which customers are evaluated.",
)
@click.option("--segment", default="", metavar="NAME", help="Only of customers of a segment.")
@click.option("--json", "as_json", is_flag=True, help="For machines: one JSON object.")
@takes_settings("redis", "policy", "namespace")
def kpi(settings: Settings, first: int | None, last: int | None, segment: str, *, as_json: bool) -> None:
    """Show the figures over all customers.

    How many are active, how many stay and go, how many are in which band and move between them, and the measures of the
    policy for all of them together.

    Example: engagement kpi --from 2026-10-01 --to 2026-10-31
    """
    asyncio.run(_show(settings, first, last, segment, as_json=as_json))


async def _show(settings: Settings, first: int | None, last: int | None, segment: str, *, as_json: bool) -> None:
    store = RedisStore(settings)
    try:
        await store.open_readonly()
        segments = await store.kpi.segments()
        counts = await store.band_counts()
        fields = await store.kpi.sums(segment, spells=True)
        sums = Sums(fields, None if segment else [counts[band] for band in BANDS])
        goings = sums
        if settings.policy.figures.churn is not None:
            goings = goings_of(settings.policy, await store.kpi.churn(segment))
        groups = {
            group: await store.kpi.groups(largest_name(group, segment), 0, _NO_END)
            for group in settings.policy.figures.groups
        }
        measured = await store.kpi.measures(segment, past=settings.policy.figures.daily)
        figures = await store.kpi.figures()
    finally:
        await store.close()
    if segment and segment not in segments:
        known = ", ".join(sorted(segments)[:_SHOWN]) or "none"
        raise Refusal(f"there is no customer with a score in segment {segment!r}; there are {known}")
    today = (date.fromisoformat(figures["day"]) - EPOCH).days if figures else sums.newest
    if today is None:
        raise Refusal(f"nothing has been counted yet under {settings.namespace}:")
    last = today if last is None else last
    first = last - PERIOD + 1 if first is None else first
    _check(settings, first, last, today)
    judged = parse_timestamp(figures["updated_at"]) if figures else (today + 1) * DAY - 1
    counted = DaySums(settings.policy, measured, judged)
    [at_last] = sums.figures(last, last)
    measures = counted.measures(MeasureSums(measured), last, sum(at_last.bands))
    targets = settings.policy.targets
    told = published(at_last, goings.period(first, last)) | published_measures(measures or {})
    if as_json:
        document = kpi_document(sums, first, last, measures, counted.documents(sums, first, last), goings)
        if groups:
            document["groups"] = group_documents(groups, first, last)
            for number, day in enumerate(document["days"], first):
                day["groups"] = group_documents(groups, number, number)
        document |= {"targets": target_documents(targets, told)} if targets else {}
        click.echo(orjson.dumps({**document, "segment": segment} if segment else {**document, "segments": segments}))
    else:
        console = Console(highlight=False)
        console.print(kpi_text(sums, first, last, measures, {} if segment else segments, goings))
        tables = [group_table(group, days, first, last) for group, days in groups.items()]
        for table in (*counted.tables(sums, first, last), *tables):
            console.print("", table, sep="\n")
        if targets:
            console.print("", target_table(targets, told), sep="\n")


def _check(settings: Settings, first: int, last: int, today: int) -> None:
    if last < first:
        raise click.BadParameter("it ends before it begins", param_hint="--to")
    kept = settings.policy.keep_figures
    if first - 1 < today - kept // DAY:
        oldest = EPOCH + timedelta(days=today - kept // DAY + 1)
        raise Refusal(f"figures are kept for {format_duration(kept)} (kpi.keep in the policy): from {oldest} on")
