"""`engagement doctor`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import click
import orjson

from streams.cli.options import takes_overrides
from streams.cli.parameters import DURATION
from streams.doctor.checks import CHECKS
from streams.doctor.configuration import Configuration, read
from streams.doctor.examination import examine
from streams.doctor.finding import Finding, Level
from streams.views.wording import printable

_COLOURS = {Level.RIGHT: "green", Level.DOUBTFUL: "yellow", Level.WRONG: "red", Level.NOT_CHECKED: "bright_black"}
_NAME_WIDTH = max(len(check.name) for check in CHECKS)
_LEVEL_WIDTH = max(map(len, Level))


@click.command()
@click.option("--strict", is_flag=True, help="Exit status 1 also if something is doubtful.")
@click.option(
    "--within", type=DURATION, default="10s", show_default=True, metavar="DURATION", help="How long a check may take."
)
@click.option("--json", "as_json", is_flag=True, help="For machines: one JSON object.")
@takes_overrides("brokers", "redis", "policy", "namespace", "clock", "session-timeout", "web-host", "web-port")
@click.pass_context
def doctor(ctx: click.Context, overrides: dict[str, str], within: float, *, strict: bool, as_json: bool) -> None:
    """Check everything that the service depends on.

    Settings, Kafka, topics, Redis, rights, policy, workers: one line each, with what to do. Changes nothing, except
    that it loads the functions into Redis that every worker loads. Exit status 1 if something is wrong.

    Example: engagement doctor --web-host 10.0.0.7
    """
    # What the clients log of a server that does not answer is said by the findings.
    found = asyncio.run(_look(read(overrides), within, quiet=as_json))
    levels = {finding.level for _, finding in found}
    failing = [level for level in (Level.WRONG, Level.DOUBTFUL) if level in levels]
    if as_json:
        click.echo(orjson.dumps(_document(found, failing)))
    ctx.exit(1 if Level.WRONG in failing or (strict and failing) else 0)


async def _look(configuration: Configuration, within: float, *, quiet: bool) -> list[tuple[str, Finding]]:
    found = []
    async for name, findings in examine(CHECKS, configuration, within):
        for finding in findings:
            found.append((name, finding))
            if not quiet:
                click.echo(_line(name, finding))
    return found


def _line(name: str, finding: Finding) -> str:
    level = click.style(f"{finding.level:<{_LEVEL_WIDTH}}", fg=_COLOURS[finding.level])
    said = f"{finding.says.rstrip('.')}. {finding.remedy}" if finding.remedy else finding.says
    return f"{level}  {name:<{_NAME_WIDTH}}  {printable(said)}"


def _document(found: list[tuple[str, Finding]], failing: Sequence[Level]) -> dict[str, object]:
    findings = [
        {"check": name, "level": finding.level, "says": finding.says, "remedy": finding.remedy}
        for name, finding in found
    ]
    return {"verdict": failing[0] if failing else Level.RIGHT, "findings": findings}
