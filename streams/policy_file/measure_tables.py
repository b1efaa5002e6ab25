"""`[measures.NAME]`: the keys of each kind of measure.

Rests on decision 8.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, Union

from pydantic import ConfigDict, Field, GetCoreSchemaHandler, ValidationInfo, ValidatorFunctionWrapHandler, create_model
from pydantic_core import CoreSchema, core_schema

from scoring.rules.measures import SESSION_FORMS
from streams.policy_file.table import Check, Table, container, given, needed
from streams.policy_file.words import Duration, Points, Property, named

#: For each kind the keys that it needs, and those that it may have.
KINDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "count": (("of",), ("over", "per", "projected", "times")),
    "sum": (("of", "property"), ("less", "over", "per", "projected", "times")),
    "average": (("of", "property"), ("over", "times")),
    "difference": (("of", "less"), ("over", "per", "projected", "times")),
    "ratio": (("of", "to"), ("property", "to_property", "to_latest", "over", "times")),
    "share": (("of", "to"), ("over",)),
    "balance": (("of", "property"), ("high", "low", "over")),
    "duration": (("channel", "duration"), ("over", "times")),
    "panes": (("of",), ("over",)),
    "regularity": (("of",), ("over",)),
    **dict.fromkeys(SESSION_FORMS, (("channel",), ("over",))),
}
HIGH, LOW = 9, 6


def _types(value: object) -> object:
    if isinstance(value, list) and value:
        return value
    raise ValueError('must be a list of types such as ["email.click"], or of channels')


def _anything(value: object) -> object:
    return value


_Types = Annotated[
    list[Any], Check(_types, (), {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1})
]
#: What is no name is reported as a name that the policy does not have.
_Named = Annotated[Any, Check(_anything, "", {"type": "string", "minLength": 1})]
#: The type of each key, what it is, and what holds where it is left out.
_KEYS: Final[dict[str, tuple[Any, str, Any]]] = {
    "of": (_Types, "types of events such as email.click, or channels for all of theirs", None),
    "property": (Property, "name in the properties of these events", None),
    "less": (_Types, "types of events that take away from these", None),
    "to": (_Types, "types of events that these are held against", None),
    "to_property": (Property, "name in the properties of the events that these are held against", None),
    "to_latest": (Property, "name of the property whose latest value these are held against", None),
    "high": (Points, "values from here on count for it", HIGH),
    "low": (Points, "values up to here count against it", LOW),
    "channel": (_Named, "a channel of the policy", None),
    "duration": (_Named, "a duration of this channel", None),
    "over": (Duration, "the time over which it is taken, in whole panes; the window if none", None),
    "per": (Duration, "makes it a rate: so much in this time, such as 365d", None),
    "projected": (Duration, "the time of a young customer counts in steps of this, not the whole window", None),
    "times": (Points, "what it is multiplied with, not 0", 1),
}


def _kind(value: object) -> object:
    if isinstance(value, str) and value in KINDS:
        return value
    raise ValueError(f"{value!r} is none of {', '.join(KINDS)}")


class AnyMeasure(Table):
    """A measure of whatever kind."""

    model_config = ConfigDict(extra="ignore")

    kind: Annotated[str, Check(_kind, "", {"enum": list(KINDS)})] = needed(f"one of {', '.join(KINDS)}")


def _model(kind: str) -> type[Table]:
    required, optional = KINDS[kind]
    fields: dict[str, Any] = {"kind": (Literal[kind], needed("what is computed"))}
    for key in required:
        fields[key] = (_KEYS[key][0], needed(_KEYS[key][1]))
    for key in optional:
        type_, description, default = _KEYS[key]
        fields[key] = (type_ if default is not None else type_ | None, given(default, description))
    name = "".join(word.capitalize() for word in kind.split("_"))
    model = create_model(f"{name}Measure", __base__=Table, __doc__=f"A measure of kind {kind}.", **fields)
    model.unknown = f"unknown key for kind {kind}; allowed here:"
    return model


MODELS: Final = {kind: _model(kind) for kind in KINDS}


class _OfItsKind:
    """Reads a measure by the model of its kind."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Have it read, and give the schema of them all."""
        by_kind: Any = Annotated[Union[tuple(MODELS.values())], Field(discriminator="kind")]  # noqa: UP007
        return core_schema.with_info_wrap_validator_function(self._read, handler.generate_schema(by_kind))

    def _read(self, value: Any, _: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Table:
        found = AnyMeasure.model_validate(value, context=info.context)
        return MODELS[found.kind].model_validate(value, context=info.context) if found.kind else found


Measures = Annotated[
    dict[str, Annotated[Any, _OfItsKind()]],
    container(dict, "must hold tables, such as [measures.active_days]"),
    named(),
]
