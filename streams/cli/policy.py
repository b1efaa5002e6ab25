"""`engagement policy`: check a file, show a policy; the other commands have files of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import click
from rich.console import Console

from scoring.errors import PolicyError
from scoring.instants import format_duration
from scoring.policy.channels import NO_CAP
from scoring.policy.policy import BANDS, Policy
from scoring.policy.shadow import absence_problem
from streams.cli.options import takes_settings
from streams.cli.policy_compare import compare
from streams.cli.policy_fit import fit
from streams.cli.policy_promote import promote
from streams.cli.policy_schema import schema
from streams.cli.policy_status import status
from streams.cli.refusal import Refusal
from streams.cli.running_shadow import require_shadow
from streams.errors import SettingsError
from streams.ingest.intakes import missing_extras
from streams.policies.shipped import shipped_policies, shipped_policy
from streams.policy_file.sources import scoring_nothing
from streams.policy_file.unnamed_types import unnamed_types
from streams.settings.policy_source import beside as judged_beside
from streams.settings.policy_source import read_policy
from streams.settings.settings import Settings
from streams.store.redis.reading import score_reader
from streams.views.policy_facts import absence_facts, figure_facts, signal_facts
from streams.views.segment_view import exact, score_facts, segment_facts
from streams.views.tables import plain_table
from streams.views.target_view import bounds_text
from streams.views.type_view import type_facts
from streams.views.wording import counted, printable


@click.group()
def policy() -> None:
    """Check, show, compare and fit policies; see who follows."""


policy.add_command(compare)
policy.add_command(fit)
policy.add_command(promote)
policy.add_command(schema)
policy.add_command(status)


@policy.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--beside",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Whether it can be the shadow policy beside this one.",
)
def check(file: Path, beside: Path | None) -> None:
    """Check a policy file; exit status 2, with every problem, if it is refused.

    Example: engagement policy check policy.toml
    """
    try:
        parsed = read_policy(str(file))
        other = read_policy(str(beside)) if beside is not None else None
        if other is not None:
            judged_beside(other, parsed, str(file))
    except SettingsError as error:
        raise PolicyError(error.problems) from error
    click.echo(f"OK: {file}")
    if other is not None and (problem := absence_problem(other, parsed)):
        click.echo(f"warning: as a shadow policy {problem}", err=True)
    for doubt in dict.fromkeys(_doubts(parsed)):
        click.echo(f"warning: {doubt}", err=True)
    _print_summary(parsed)


def _doubts(parsed: Policy) -> Iterator[str]:
    """Say what of a policy that is accepted may not be meant."""
    yield from missing_extras(parsed)
    yield from unnamed_types(parsed.text)
    for feed in parsed.sources:
        if feed.without_ids:
            yield f"sources.{feed.name} has no id: no de-duplication of what is sent again"
        for renamed in scoring_nothing(feed, parsed):
            note = "which the policy does not name, so it scores nothing"
            yield f"sources.{feed.name}.types: {printable(renamed)}, {note}"
        if feed.has_links and not parsed.identities:
            yield f"sources.{feed.name} has links, which are left out without [identities]"


@policy.command()
@click.argument("name", required=False, type=click.Choice(shipped_policies()))
@click.option("--in-force", is_flag=True, help="Print the policy that the workers apply, as read from Redis.")
@click.option("--shadow", is_flag=True, help="Print the shadow policy that they judge beside it, as read from Redis.")
@takes_settings("policy", "redis", "namespace")
def show(settings: Settings, name: str | None, *, in_force: bool, shadow: bool) -> None:
    """Print the policy that the settings name, as a file to start from, or one of those that come with the package.

    Example: engagement policy show commerce > policy.toml
    """
    if (name is not None) + in_force + shadow > 1:
        raise click.UsageError("a name, --in-force and --shadow cannot be given together")
    if name is not None:
        click.echo(shipped_policy(name), nl=False)
    elif in_force or shadow:
        click.echo(asyncio.run(_in_force(settings, shadow=shadow)), nl=False)
    else:
        click.echo(settings.policy.text, nl=False)


async def _in_force(settings: Settings, *, shadow: bool) -> str:
    reader = score_reader(settings, settings.policy)
    try:
        await reader.open_readonly()
        stored = await reader.policies.in_force()
    finally:
        await reader.close()
    if stored is None:
        raise Refusal(f"no policy is in force under {printable(settings.namespace)!r}: no worker has been started")
    return require_shadow(stored, settings.namespace).shadow_text if shadow else stored.text


def _print_summary(parsed: Policy) -> None:
    facts = plain_table(header=False)
    for name, value in _facts(parsed).items():
        facts.add_row(name, value)
    types = plain_table()
    for heading in ("channel", "topic", "type"):
        types.add_column(heading)
    types.add_column("points", justify="right")
    types.add_column("at most in a pane", justify="right")
    for channel in parsed.channels:
        for kind in channel.types:
            cap = "" if kind.cap == NO_CAP else str(kind.cap)
            types.add_row(channel.name, channel.topic, kind.name, exact(kind.weight), cap)
        for number in channel.numbers:
            cap = "" if number.cap >= NO_CAP else exact(number.cap)
            types.add_row(
                channel.name, channel.topic, number.name, f"{exact(number.weight)} per {exact(number.per)}", cap
            )
    console = Console(markup=False, highlight=False)
    console.print(facts, types, sep="\n")


def _facts(parsed: Policy) -> dict[str, str]:
    window = f"{format_duration(parsed.length)} in {parsed.panes} panes of {format_duration(parsed.pane)}"
    types = sum(len(channel.types) for channel in parsed.channels)
    fading = f", half-life {format_duration(parsed.half_life)}" if parsed.half_life else ""
    bands = ", ".join(f"{name} from {exact(bound)}" for name, bound in zip(BANDS[1:], parsed.bounds, strict=True))
    return {
        "version": parsed.version,
        "window": window + fading,
        "trend": f"against the score {format_duration(parsed.trend)} before",
        "bands": f"{BANDS[0]} below {exact(parsed.bounds[0])}, {bands}",
        "alerts": _alerts(parsed),
        "absences": absence_facts(parsed),
        "clock": f"lateness {format_duration(parsed.lateness)}, idle after {format_duration(parsed.idle_after)}",
        "event ids": f"remembered for {format_duration(parsed.remember_ids)}",
        "feeds": _watched(parsed),
        "sources": ", ".join(f"{each.name} from {each.topic}" for each in parsed.sources) or "none",
        "measures": ", ".join(parsed.measure_names) or "none",
        "targets": "; ".join(f"{each.name} {bounds_text(each)}" for each in parsed.targets) or "none",
        **figure_facts(parsed),
        **signal_facts(parsed),
        **type_facts(parsed),
        **segment_facts(parsed),
        **score_facts(parsed),
        "channels": f"{counted(types, 'type')} of events in {counted(len(parsed.channels), 'channel')}",
    }


def _alerts(parsed: Policy) -> str:
    warning = f"warning {format_duration(parsed.warn_before)} before a drop" if parsed.warn_before else "no warning"
    drops = f"drops into {BANDS[parsed.drops_into]}, cooldown {format_duration(parsed.cooldown)}"
    return f"{drops}, re-arm margin {exact(parsed.rearm_margin)} points, {warning}"


def _watched(parsed: Policy) -> str:
    silent = [f"{name} silent after {format_duration(length)}" for name, length in parsed.watched.values()]
    return ", ".join(silent) or "none is watched; see silence_after"
