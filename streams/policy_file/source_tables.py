"""`[sources.NAME]`: the keys of a source and of each way of reading its records.

Rests on decision 26.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Annotated, Any, Final

from pydantic import Field, ValidationInfo, ValidatorFunctionWrapHandler, WithJsonSchema, WrapValidator

from scoring.mapping.conditions import Condition
from scoring.mapping.paths import Path, parse_each, parse_path
from scoring.mapping.presets import preset_names, preset_table
from scoring.mapping.source import ENCODINGS, KEEP, LOWER, LinkRule
from scoring.mapping.times import AUTO, TIME_FORMATS
from scoring.mapping.values import parse_all, parse_value
from streams.policy_file.table import WHERE, Check, Table, container, given, needed, tables
from streams.policy_file.words import Duration, Flag, Topic, conditions, one_of, text

MOST_SOURCES: Final = 20
#: What stands for a value that is missing.
NOTHING: Final = parse_value({"is": ""})
_TEXTS: Final[list[Any]] = [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]
_VALUE: Final[dict[str, Any]] = {
    "anyOf": [
        {"type": "string", "minLength": 1, "description": "a path, or a text with paths in braces"},
        {"type": "array", "minItems": 1, "description": "several values, of which the first that is there is taken"},
        {
            "type": "object",
            "properties": {"is": {"type": ["string", "number", "boolean"]}},
            "required": ["is"],
            "additionalProperties": False,
        },
        {
            "type": "object",
            "properties": {"path": True, "as": {"enum": ["number", "boolean"]}},
            "required": ["path"],
            "additionalProperties": False,
        },
    ]
}
_NAMES: Final = {"type": "object", "additionalProperties": {"anyOf": [_TEXTS[0], {"type": "object"}]}}
_Document = Mapping[str, Any]


def _all(parse: Callable[[str], Any]) -> Check:
    """Check a text or a list of texts, each of which is read; every problem is reported."""

    def read(written: object) -> tuple[Any, ...]:
        texts = [written] if isinstance(written, str) else written
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise ValueError("must be a text or a list of texts")
        return parse_all(parse, texts)

    return Check(read, (), {"anyOf": _TEXTS})


def _each(written: str) -> tuple[str, Any]:
    return written, parse_each(written)


def _path_or_all(written: str) -> Path:
    """Read a path, of which `.` is the record itself."""
    return parse_path("@" if written == "." else written)


def _properties(written: object, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
    """Read a value that is an object, or the values by their names."""
    if isinstance(written, dict):
        return tuple(handler(written).items())
    return _WHOLE.checked(written, info)


def _renamed(written: object) -> dict[str, object]:
    if isinstance(written, dict):
        return dict(_flat(written))
    raise ValueError('must be a table such as { "Product Added" = "add_to_cart" }')


def _flat(table: _Document, before: str = "") -> Iterator[tuple[str, object]]:
    """Give the entries of a table; a dotted key, of which TOML makes tables in tables, is one name."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value


def _preset(written: object) -> str:
    if isinstance(written, str) and written in preset_names():
        return written
    raise ValueError(f"{written!r} is no preset; there are {', '.join(preset_names())}")


def _some_tables(written: object) -> object:
    if isinstance(written, list) and written and all(isinstance(each, dict) for each in written):
        return written
    raise ValueError(f"must be tables, [[{WHERE}]]")


def _one_or_more(written: object) -> object:
    return [written] if isinstance(written, dict) else written


def _anything(written: object) -> object:
    return written


def _object(written: object) -> Any:
    """Read a value that is an object, of which `.` is the event itself."""
    return parse_value("@" if written == "." else written)


_WHOLE: Final = Check(_object, None, _VALUE)
ValueOf = Annotated[Any, Check(parse_value, NOTHING, _VALUE)]
Paths = Annotated[tuple[Path, ...], _all(_path_or_all)]
Conditions = Annotated[tuple[Condition, ...], conditions()]
Properties = Annotated[
    dict[str, ValueOf],
    WrapValidator(_properties),
    WithJsonSchema({"anyOf": [*_TEXTS, {"type": "object", "additionalProperties": _VALUE}]}),
]
Renamed = Annotated[
    dict[str, Annotated[str, text(None, lambda value: f"{value!r} is not the name of a type", "")]],
    Check(_renamed, {}),
    WithJsonSchema(_NAMES),
]


class LinkTable(Table):
    """Which records say that an id is one of a customer, and where the two stand."""

    id: ValueOf = needed("where the id stands")
    customer: ValueOf = needed("where the customer stands")
    when: Conditions | None = given(None, "what must hold of the record")
    unless: Conditions | None = given(None, "what must not hold of the record")

    def rule(self) -> LinkRule:
        """Make the rule."""
        return LinkRule(self.id, self.customer, self.when or (), self.unless or ())


Links = Annotated[list[LinkTable], tables("id, customer, when, unless"), Check(_one_or_more, [])]


class ReadingTable(Table):
    """One way of reading records; what is left out is as the source says for all its records."""

    channel: Annotated[Any, Check(_anything, "", _TEXTS[0])] = given(None, "the channel that the events are for")
    each: Annotated[tuple[Any, ...], _all(_each)] | None = given(
        None, "the arrays whose elements are events, such as events[]"
    )
    json_: Paths | None = given(None, "paths of texts that hold JSON", "json")
    when: Conditions | None = given(None, "what must hold of a record")
    unless: Conditions | None = given(None, "what must not hold of a record")
    customer: ValueOf | None = given(None, "the customer")
    type: ValueOf | None = given(None, "the type of the event")
    time: ValueOf | None = given(None, "the time of the event")
    id: ValueOf | None = given(None, "the event's own id; without one what is sent again counts again")
    email_ids: Annotated[str, one_of((LOWER, KEEP))] = given(KEEP, "what is done with addresses as ids")
    types: Renamed = given({}, "types of the feed, and what they are called here: a type, or channel.type")
    ignore: Annotated[tuple[str, ...], _all(str)] | None = given(None, "types that are left out")
    only_types: Flag = given(default=False, description="whether all types are left out but those that types names")
    time_format: Annotated[str, one_of(TIME_FORMATS)] = given(AUTO, "how the time is written")
    properties: Properties | None = given(None, "the properties: an object, or values by their names")
    links: Links = given([], "records that say that ids are one customer's")


class SourceTable(ReadingTable):
    """A topic with records of a foreign shape."""

    topic: Topic | None = given(None, "Kafka topic; the source's name if none")
    format: Annotated[str, Check(_preset, schema={"enum": list(preset_names())})] | None = given(
        None, "a shape that is known by name; the other keys are added to it"
    )
    encoding: Annotated[str, one_of(ENCODINGS)] = given(ENCODINGS[0], "how the bytes are read")
    silence_after: Duration = given("0s", "after so long without any event it counts as silent; 0s: never")
    unwrap: Paths | None = given(None, "paths at which the event may stand in an envelope")
    events: Annotated[list[ReadingTable], Check(_some_tables), Field(json_schema_extra={"minItems": 1})] | None = given(
        None, "several ways of reading, of which the first that fits is taken"
    )


Sources = Annotated[
    dict[str, SourceTable],
    container(dict, "must be a table of tables such as [sources.web]"),
    Field(json_schema_extra={"maxProperties": MOST_SOURCES}),
]


def with_preset(table: _Document) -> _Document:
    """Put what a preset says under what a source says itself.

    Args:
        table: of the source.

    Returns:
        Its table with the keys that it leaves out; `types` of both.

    Raises:
        ValueError: if there is no such preset.
    """
    if "format" not in table:
        return table
    under = with_preset(preset_table(_preset(table["format"])))
    both = [each["types"] for each in (under, table) if isinstance(each.get("types"), dict)]
    return {**under, **table, **({"types": {**both[0], **both[1]}} if both[1:] else {})}


@cache
def preset_tables(name: str) -> tuple[SourceTable, ...]:
    """Give the table of a preset, and those of the presets that it rests on.

    Args:
        name: of the preset.
    """
    table = SourceTable.model_validate(preset_table(name))
    return (table, *(preset_tables(table.format) if table.format else ()))
