"""`engagement source`: how records of foreign shapes are read, and what becomes of them."""

from __future__ import annotations

import asyncio
import re
import sys
import time
import tomllib
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import click
import orjson
from rich.console import Console

from scoring.errors import PolicyError
from scoring.events.event import MOST_AHEAD, EventReader
from scoring.mapping.outcomes import MappedEvent, Outcome
from scoring.mapping.presets import preset_names, preset_text
from scoring.mapping.source import Source
from scoring.policy.channels import EventType
from streams.cli.refusal import Refusal
from streams.cli.source_lines import read_lines
from streams.ingest.encodings import WITH_SCHEMAS, schemas_of
from streams.ingest.schemas import SchemaFile, Schemas, schemas_from
from streams.ingest.sentiment import reader_of
from streams.ingest.source_reading import SourceReader
from streams.policy_file.builtin import BUILTIN_POLICY
from streams.policy_file.document import parse_policy
from streams.policy_file.schema import SCHEMA_LINE
from streams.policy_file.source_tables import with_preset
from streams.policy_file.sources import read_source
from streams.settings.environment import PREFIX
from streams.settings.policy_source import read_text
from streams.settings.settings import Settings, read_settings
from streams.views.source_view import OutcomeTable, as_object
from streams.views.tables import plain_table

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
#: Records whose schemas are looked up together.
_AT_ONCE = 1_000


@click.group()
def source() -> None:
    """See how foreign records are read, and what becomes of yours."""


@source.command("list")
def list_() -> None:
    """List the shapes that are known by name.

    Example: engagement source list
    """
    table = plain_table()
    for heading in ("format", "channel", "what it is"):
        table.add_column(heading)
    for name in preset_names():
        about = re.split(r"[:,]|\.\s", preset_text(name).lstrip("# "), maxsplit=1)[0].replace("\n# ", " ")
        table.add_row(name, str(with_preset({"format": name}).get("channel", "")), about)
    Console(markup=False, highlight=False).print(table)


@source.command()
@click.argument("name", type=click.Choice(preset_names()), metavar="NAME")
def show(name: str) -> None:
    """Print how a shape is read, as a table of a policy file to start from.

    Example: engagement source show segment
    """
    click.echo(f"{SCHEMA_LINE}\n{preset_text(name)}", nl=False)


@source.command("try")
@click.argument("file", type=_FILE, required=False)
@click.option("--source", "name", required=True, metavar="NAME", help="A source of the policy, or a shape by its name.")
@click.option("--policy", type=_FILE, envvar="ENGAGEMENT_POLICY", metavar="FILE", help="Policy file with the source.")
@click.option("--schemas", type=_FILE, metavar="FILE", help="Schemas of Avro and Protobuf by their ids, as JSON.")
@click.option("--topic", metavar="TOPIC", help="Read a topic instead of FILE.")
@click.option(
    "--last",
    type=click.IntRange(1, 10_000),
    default=20,
    show_default=True,
    metavar="N",
    help="The newest N records of --topic.",
)
@click.option("--brokers", metavar="HOST:PORT", help="Kafka brokers of --topic, separated by commas.")
@click.option("--json", "as_json", is_flag=True, help="For machines: one JSON object for each part of a record.")
def try_(
    *,
    file: Path | None,
    name: str,
    policy: Path | None,
    schemas: Path | None,
    topic: str | None,
    last: int,
    brokers: str | None,
    as_json: bool,
) -> None:
    """Print what becomes of each record of a file, or why it is of no use.

    FILE has one record a line: its value as it is, or an object with `value` (or `value_base64`) and `headers`. Schemas
    are in --schemas, or in FILE with .schemas.json in the place of its ending, or where the settings say.

    Example: engagement source try events.jsonl --source web --policy policy.toml
    """
    if (file is None) == (topic is None):
        raise click.UsageError("give either a file or --topic")
    text = read_text(str(policy or ""))
    found = _read_source(name, text)
    counting = _Counting(text)
    printed = _Lines(counting) if as_json else _Table(counting)
    if file is not None:
        asyncio.run(_try_records(found, read_lines(file), _schemas(found, schemas or _beside(file)), printed))
    else:
        asyncio.run(_try_topic(found, str(topic), last, brokers, schemas, printed))
    printed.end()


def _read_source(name: str, text: str) -> Source:
    """Read the source, whatever else the policy says; a shape that is known may be named without one."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyError([f"not TOML: {error}"]) from error
    tables = document.get("sources")
    written = tables.get(name) if isinstance(tables, dict) else None
    if written is None and name not in preset_names():
        known = ", ".join(tables) if isinstance(tables, dict) else "none"
        raise Refusal(f"{name!r} is neither a source of the policy ({known}) nor a format: engagement source list")
    table = {"format": name} if written is None else written
    channels = _channels(document)
    if own := _channels_of(table) - set(channels):
        if written is not None:
            click.echo(f"note: the policy has no channel {', '.join(sorted(own))}; a worker would refuse it", err=True)
        channels += sorted(own)
    problems: list[str] = []
    found = read_source(name, table, channels, problems)
    if found is None:
        raise PolicyError(problems)
    return found


def _channels(document: Mapping[str, Any]) -> list[str]:
    tables = document.get("channels")
    return list(tables if isinstance(tables, dict) and tables else tomllib.loads(BUILTIN_POLICY)["channels"])


def _channels_of(table: object) -> set[str]:
    """Name the channels that a source feeds, but for those that its types name."""
    if not isinstance(table, dict):
        return set()
    try:
        whole = with_preset(table)
    except ValueError:
        whole = table
    readings = [whole, *(each for each in whole.get("events", []) if isinstance(each, dict))]
    return {each["channel"] for each in readings if isinstance(each.get("channel"), str)}


def _beside(file: Path) -> Path | None:
    path = file.with_suffix(".schemas.json")
    return path if path.is_file() else None


def _schemas(found: Source, path: Path | None) -> Schemas | None:
    """Give where the schemas of a source come from: a file, else what the settings name."""
    if path is not None:
        return SchemaFile.read(path)
    return schemas_from(_settings().schemas) if found.encoding in WITH_SCHEMAS else None


def _settings(brokers: str | None = None) -> Settings:
    given = {"POLICY": "", **({} if brokers is None else {"KAFKA_BROKERS": brokers})}
    return read_settings(overrides={PREFIX + name: value for name, value in given.items()})


async def _try_topic(
    found: Source, topic: str, last: int, brokers: str | None, schemas: Path | None, printed: _Lines | _Table
) -> None:
    from streams.kafka.topic_range import open_range  # noqa: PLC0415 - a file needs no Kafka

    known = _schemas(found, schemas)
    newest: list[Any] = []
    async with open_range(_settings(brokers), topic, last=last) as opened:
        if not opened.exists:
            raise Refusal(f"there is no topic {topic!r}")
        async for records in opened.batches():
            newest = sorted([*newest, *records], key=lambda record: record.timestamp)[-last:]
    numbered = ((f"{record.partition}:{record.offset}", record) for record in newest)
    await _try_records(found, numbered, known, printed)


async def _try_records(
    found: Source, records: Iterator[tuple[Any, Any]], known: Schemas | None, printed: _Lines | _Table
) -> None:
    """Print what becomes of records, each of which comes with what it is called."""
    reader = SourceReader(found, known)
    latest = time.time_ns() // 1_000 + MOST_AHEAD
    try:
        while some := list(islice(records, _AT_ONCE)):
            if known is not None and found.encoding in WITH_SCHEMAS:
                await known.look_up(schemas_of(record for _, record in some))
            for name, record in some:
                for outcome in reader.read(record, latest):
                    printed.add(name, outcome)
    finally:
        if known is not None:
            await known.close()


class _Counting:
    """Knows which type an event counts as by the rules of the policy; without them where the policy is refused."""

    def __init__(self, text: str) -> None:
        self._types: dict[str, EventType] = {}
        self._readers: dict[str, EventReader] = {}
        try:
            policy = parse_policy(text)
        except PolicyError:
            click.echo("note: the policy is refused, so each event has the type that the source gives it", err=True)
            return
        self._types = policy.types
        self._readers = {channel.name: reader_of(channel, policy) for channel in policy.channels}

    def other_type(self, outcome: Outcome) -> str | None:
        """Give the name of the type, '' where it is the event's own; None where the policy does not name that."""
        reader = self._readers.get(outcome.channel) if isinstance(outcome, MappedEvent) else None
        if reader is None or not isinstance(outcome, MappedEvent):
            return ""
        kind = self._types.get(reader.event(outcome.type, outcome.time, outcome.id, outcome.properties).code)
        if kind is None:
            return None
        return "" if kind.name == outcome.type else kind.name


class _Lines:
    """Prints a JSON object for each part."""

    def __init__(self, counting: _Counting) -> None:
        self._counting = counting

    def add(self, record: Any, outcome: Outcome) -> None:
        line = as_object(record, outcome, self._counting.other_type(outcome) or "")
        sys.stdout.write(orjson.dumps(line, default=str).decode() + "\n")

    def end(self) -> None:
        sys.stdout.flush()


class _Table:
    """Prints a table, with how many records became what."""

    def __init__(self, counting: _Counting) -> None:
        self._counting = counting
        self._table = OutcomeTable()

    def add(self, record: Any, outcome: Outcome) -> None:
        self._table.add(record, outcome, self._counting.other_type(outcome))

    def end(self) -> None:
        console = Console(markup=False, highlight=False)
        self._table.fit(console)
        console.print(self._table.table)
        for line in (*self._table.details, self._table.unknown, self._table.summary):
            if line:
                console.print(line, soft_wrap=True)
