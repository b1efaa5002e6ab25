"""The group `engagement`: finds a command when it is called for, and turns expected errors into one clear message."""

from __future__ import annotations

import errno
import importlib
import logging
from importlib.metadata import PackageNotFoundError, version
from typing import Any, NamedTuple

import click

from scoring.errors import PolicyError, ScoringError
from streams.cli.output import replace_what_cannot_be_written
from streams.cli.refusal import Refusal
from streams.errors import SettingsError, StreamsError

WRONG_SETTINGS = 2


class Entry(NamedTuple):
    """Where a command stands, and what the list of commands says of it."""

    module: str
    name: str
    summary: str


#: The summaries stand here, so that `engagement --help` need not import the commands.
COMMANDS = {
    "demo": Entry("streams.cli.demo", "demo", "Show everything at work, with made-up customers."),
    "worker": Entry("streams.cli.worker", "worker", "Score events until told to stop."),
    "receive": Entry("streams.cli.receive", "receive", "Take events over HTTP, from webhooks and Segment's libraries."),
    "doctor": Entry("streams.cli.doctor", "doctor", "Check everything that the service depends on."),
    "replay": Entry("streams.cli.replay", "replay", "Send events from files to their topics."),
    "show": Entry("streams.cli.show", "show", "Show a customer's score, and what changes it."),
    "kpi": Entry("streams.cli.kpi", "kpi", "Show the figures over all customers."),
    "types": Entry("streams.cli.types", "types", "List event types that the policy does not name."),
    "alerts": Entry("streams.cli.alerts", "alerts", "Follow the churn-risk alerts."),
    "link": Entry("streams.cli.link", "link", "Link an id to a customer."),
    "source": Entry("streams.cli.source", "source", "See how foreign records are read, and what becomes of yours."),
    "dead-letters": Entry(
        "streams.cli.dead_letters", "dead_letters", "List, show and replay the records that could not be scored."
    ),
    "rebuild": Entry(
        "streams.cli.rebuild", "rebuild", "Compare the scores with the log, and replace those that differ."
    ),
    "erase": Entry("streams.cli.erase", "erase", "Erase customers, and keep them from coming back."),
    "gaps": Entry("streams.cli.gaps", "gaps", "Show lost records, and go on without them."),
    "validate": Entry("streams.cli.validate", "validate", "Backtest: how well did scores and alerts predict churn?"),
    "policy": Entry("streams.cli.policy", "policy", "Check, show, compare and fit policies; see who follows."),
}

_FULL = (errno.ENOSPC, errno.EDQUOT)
#: These run until they are told to stop, and their log is what people read of them.
SERVICES = ("worker", "receive")


class CommandList(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Name the commands, in the order in which a newcomer meets them."""
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; None for a name that is none."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        command: click.Command = getattr(importlib.import_module(entry.module), entry.name)
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; an expected error becomes a message instead of a traceback."""
        try:
            return super().invoke(ctx)
        except SettingsError as error:
            raise Refusal("the settings are wrong", error.problems, WRONG_SETTINGS) from error
        except PolicyError as error:
            raise Refusal("the policy is refused", error.problems, WRONG_SETTINGS) from error
        except (StreamsError, ScoringError) as error:
            raise Refusal(str(error)) from error
        except OSError as error:
            if error.filename is None and error.errno not in _FULL:  # of a pipe or a connection
                raise
            raise Refusal(f"{error.filename or 'the output'}: {error.strerror}") from error


def _show_version(ctx: click.Context, _option: click.Parameter, wanted: bool) -> None:  # noqa: FBT001 - click's protocol
    if not wanted:
        return
    try:
        number = version("engagement-streams")
    except PackageNotFoundError:
        number = "(not installed)"
    click.echo(f"engagement {number}")
    ctx.exit()


@click.group(cls=CommandList, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_version, help="Show the version."
)
@click.pass_context
def engagement(ctx: click.Context) -> None:
    """Windowed engagement scores and churn-risk alerts from event streams.

    Settings come from the environment (ENGAGEMENT_KAFKA_BROKERS, ENGAGEMENT_REDIS_URL, ...); options of a command
    override them. To see it all at work: engagement demo
    """
    from streams.settings.settings import unknown_settings  # noqa: PLC0415 - the list of commands needs no Redis

    if ctx.invoked_subcommand not in SERVICES:
        # What matters of the client's log is in the error that the command ends with.
        logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    for sentence in unknown_settings():
        click.echo(f"Warning: {sentence}", err=True)


def main() -> None:
    """Run the command line on the arguments of the process, and exit."""
    replace_what_cannot_be_written()
    engagement(prog_name="engagement")


if __name__ == "__main__":
    main()
