"""A table of a policy file as a model: every problem of its form comes at once, with its place and what is allowed.

What is read goes two ways. The first takes nothing that is wrong. Where there is something, the second reads on: what
is wrong is as if it were left out, so that what the tables say of each other can be held against all the rest.

Rests on decision 109.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final, Self, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ModelWrapValidatorHandler,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, PydanticUseDefault, core_schema

_PROBLEM: Final = "problem"
_READ_ON: Final = {"read": "on"}
#: Stands in a message for the place in the file.
WHERE: Final = "{where}"
#: What is wrong is as if it were left out.
DEFAULT: Final = object()

T = TypeVar("T", bound="Table")


def given(default: Any, description: str, alias: str | None = None) -> Any:
    """Declare a key that may be left out.

    Args:
        default: as it would be written in a file; a class of tables for an empty one.
        description: what the key is.
        alias: how it is written in a file, if that is no name in Python or one of a model.
    """
    if isinstance(default, type):
        return Field(default_factory=default, validate_default=True, description=description)
    return Field(default, validate_default=True, description=description, alias=alias)


def needed(description: str, alias: str | None = None) -> Any:
    """Declare a key that must be there.

    Args:
        description: what the key is; stands in the message where it is missing.
        alias: how it is written in a file, if that is no name in Python or one of a model.
    """
    return Field(alias=alias, description=description)


class Check:
    """Reads a value of a file, or says what is allowed; an annotation of a field.

    With a `schema` it says all about the value. Without one it looks at the value before what it annotates does.
    """

    def __init__(
        self, read: Callable[[Any], Any], stand_in: object = DEFAULT, schema: Mapping[str, Any] | None = None
    ) -> None:
        """Prepare.

        Args:
            read: gives the value; what is raised as `ValueError` or `TypeError` is the problem, or one in each line.
            stand_in: is read where the value is wrong, and the rest is read on.
            schema: of JSON, of what may be written.
        """
        self._read, self._stand_in, self._schema = read, stand_in, schema

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Have the value read."""
        if self._schema is not None:
            return core_schema.with_info_plain_validator_function(self.checked)
        return core_schema.with_info_before_validator_function(self.checked, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Give the schema."""
        return dict(self._schema) if self._schema is not None else handler(schema)

    def checked(self, value: Any, info: ValidationInfo) -> Any:
        """Read a value of a file.

        Args:
            value: as TOML decodes.
            info: of the table.
        """
        try:
            return self._read(value)
        except (ValueError, TypeError) as error:
            if info.context is not _READ_ON:
                raise _problem(str(error)) from error
        if self._stand_in is DEFAULT:
            raise PydanticUseDefault
        return self._stand_in


def _problem(text: str) -> PydanticCustomError:
    return PydanticCustomError(_PROBLEM, "{text}", {"text": text})


def container(expected: type, allowed: str) -> Check:
    """Check that a value is a table or a list, of which the annotated type says more.

    Args:
        expected: `dict` or `list`.
        allowed: the message where it is none.
    """

    def read(value: object) -> object:
        if isinstance(value, expected):
            return value
        raise ValueError(allowed)

    return Check(read, expected())


def tables(example: str) -> Check:
    """Check that a value is a list of tables.

    Args:
        example: the keys of one.
    """

    def read(value: object) -> object:
        if isinstance(value, list) and all(isinstance(each, dict) for each in value):
            return value
        raise ValueError(f"must be tables, [[{WHERE}]], with {example}")

    return Check(read, [])


class Table(BaseModel):
    """A table of a policy file; it has no keys but those that are declared."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, validate_default=True, arbitrary_types_allowed=True
    )
    #: The message where there is something else than a table, and before the keys where there is one too many.
    form: ClassVar[str] = f"must be a table, [{WHERE}]"
    unknown: ClassVar[str] = "unknown key; allowed here:"

    @classmethod
    def by_key(cls) -> dict[str, FieldInfo]:
        """Give the fields by their names in a file."""
        return {field.alias or name: field for name, field in cls.model_fields.items()}

    @model_validator(mode="wrap")
    @classmethod
    def _read(cls, table: Any, handler: ModelWrapValidatorHandler[Self], info: ValidationInfo) -> Self:
        reads_on = info.context is _READ_ON
        if isinstance(table, cls):
            return table
        if not isinstance(table, dict):
            if not reads_on:
                raise _problem(cls.form)
            table = {}
        if reads_on:
            keys = cls.by_key().items()
            return handler({key: table.get(key) for key, field in keys if key in table or field.is_required()})
        try:
            return handler(table)
        except ValidationError as error:
            raise ValidationError.from_exception_data(cls.__name__, list(cls._lines(error))) from None

    @classmethod
    def _lines(cls, error: ValidationError) -> Iterator[InitErrorDetails]:
        """Give the errors with messages of our own; keys that are unknown come first."""
        found = error.errors(include_url=False)
        for each in sorted(found, key=lambda each: each["type"] != "extra_forbidden"):
            text = each["msg"]
            if each["type"] == "extra_forbidden":
                text = f"{cls.unknown} {', '.join(cls.by_key())}"
            elif each["type"] == "missing":
                text = f"is missing: {cls.by_key()[str(each['loc'][-1])].description}"
            yield InitErrorDetails(type=_problem(text), loc=each["loc"], input=each["input"])


def read_table(model: type[T], table: object, problems: list[str], where: str = "") -> T:
    """Read a table.

    Args:
        model: of the table.
        table: as TOML decodes.
        problems: every problem of its form is added to these.
        where: its place in the file.

    Returns:
        The table; what is wrong is as if it were left out.
    """
    try:
        return model.model_validate(table)
    except ValidationError as error:
        for each in error.errors(include_url=False):
            place = place_of([where, *each["loc"]] if where else each["loc"])
            lines = each["msg"].replace(WHERE, place).split("\n")
            problems += [f"{place}: {line}" if place else line for line in lines]
    return model.model_validate(table, context=_READ_ON)


def unsaid(found: Sequence[str], problems: Sequence[str]) -> list[str]:
    """Give problems that no other of the same place has caused.

    Args:
        found: problems of what the tables say of each other.
        problems: of the form of the tables.
    """
    places = {problem.partition(": ")[0] for problem in problems}
    return [problem for problem in found if problem.partition(": ")[0] not in places]


def place_of(steps: Sequence[str | int]) -> str:
    """Write a place in a file.

    Args:
        steps: the keys, and the numbers of those in a list.
    """
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).removeprefix(".")
