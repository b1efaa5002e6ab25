"""`engagement policy check` and `engagement policy show`."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from scoring.builtin import BUILTIN_POLICY
from scoring.instants import format_duration
from scoring.points import POINT
from scoring.policy import BANDS, NO_CAP, Policy
from scoring.policy_file import parse_policy
from streams.cli.options import takes_settings
from streams.cli.wording import counted
from streams.errors import SettingsError
from streams.policies import shipped_policies, shipped_policy
from streams.settings import Settings


@click.group()
def policy() -> None:
    """Check a policy file, or show the policy in force."""


@policy.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def check(file: Path) -> None:
    """Check a policy file; exit status 2, with every problem, if it is refused.

    Example: engagement policy check policy.toml
    """
    try:
        source = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([f"cannot read {file}: {error}"]) from error
    parsed = parse_policy(source)
    click.echo(f"OK: {file}")
    _print_summary(parsed)


@policy.command()
@click.argument("name", required=False, type=click.Choice(shipped_policies()))
@takes_settings("policy")
def show(settings: Settings, name: str | None) -> None:
    """Print the policy in force, as a file to start from, or one of those that come with the package.

    Example: engagement policy show commerce > policy.toml
    """
    path = settings.policy_path
    if name is not None:
        click.echo(shipped_policy(name), nl=False)
    else:
        click.echo(Path(path).read_text(encoding="utf-8") if path else BUILTIN_POLICY, nl=False)


def _print_summary(parsed: Policy) -> None:
    facts = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for name, value in _facts(parsed).items():
        facts.add_row(name, value)
    types = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for heading in ("channel", "topic", "type"):
        types.add_column(heading)
    types.add_column("points", justify="right")
    types.add_column("at most in a pane", justify="right")
    for channel in parsed.channels:
        for kind in channel.types:
            cap = "" if kind.cap == NO_CAP else str(kind.cap)
            types.add_row(channel.name, channel.topic, kind.name, _exact(kind.weight), cap)
    console = Console(markup=False, highlight=False)
    console.print(facts, types, sep="\n")


def _facts(parsed: Policy) -> dict[str, str]:
    window = f"{format_duration(parsed.length)} in {parsed.panes} panes of {format_duration(parsed.pane)}"
    fading = f", half-life {format_duration(parsed.half_life)}" if parsed.half_life else ""
    bands = ", ".join(f"{name} from {_exact(bound)}" for name, bound in zip(BANDS[1:], parsed.bounds, strict=True))
    return {
        "version": parsed.version,
        "window": window + fading,
        "trend": f"against the score {format_duration(parsed.trend)} before",
        "bands": f"{BANDS[0]} below {_exact(parsed.bounds[0])}, {bands}",
        "alerts": f"cooldown {format_duration(parsed.cooldown)}, re-arm margin {_exact(parsed.rearm_margin)} points",
        "clock": f"lateness {format_duration(parsed.lateness)}, idle after {format_duration(parsed.idle_after)}",
        "event ids": f"remembered for {format_duration(parsed.remember_ids)}",
        "feeds": _watched(parsed),
        "measures": ", ".join(parsed.measure_names) or "none",
        "channels": f"{counted(len(parsed.types), 'type')} of events in {counted(len(parsed.channels), 'channel')}",
    }


def _watched(parsed: Policy) -> str:
    silent = [f"{name} silent after {format_duration(length)}" for name, length in parsed.watched.values()]
    return ", ".join(silent) or "none is watched; see silence_after"


def _exact(points: int) -> str:
    """Write points with all their decimals: what is checked is the file, not what will be published."""
    return f"{points / POINT:.6f}".rstrip("0").rstrip(".")
