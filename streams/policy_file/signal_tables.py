"""`[signals.NAME]`: what each kind of signal may say.

Rests on decisions 96, 98 and 119.
"""

from __future__ import annotations

import math
import re
import zoneinfo
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Annotated, Any, ClassVar, Final, NamedTuple, Union

from pydantic import ConfigDict, GetCoreSchemaHandler, ValidationInfo, ValidatorFunctionWrapHandler
from pydantic_core import CoreSchema, core_schema

from scoring.policy.policy import BANDS
from scoring.rules.funnels import MOST_STEPS
from scoring.rules.quiet_hours import QuietHours
from scoring.rules.signals import SEVERITIES
from streams.policy_file.table import Check, Table, container, given, needed
from streams.policy_file.words import DURATION_SCHEMA, Duration, Names, duration, named, one_of, points, text, whole

#: Each is looked at with every event of a customer.
MOST_SIGNALS: Final = 50
_CLOCK: Final = r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)"
_LONGEST_TITLE, _LONGEST_TEXT, _LONGEST_PROPERTY = 100, 1_000, 100
_PERCENT: Final = r"\d+(?:\.\d+)?%"
_POSSIBLE: Final = 1


class Size(NamedTuple):
    """Of a move, in millionths: points, or a share of the score before."""

    points: int = 0
    share: int = 0


def _size(value: object) -> Size:
    is_share = isinstance(value, str) and re.fullmatch(_PERCENT, value)
    found = Size(share=points(float(str(value)[:-1]) / 100)) if is_share else Size(points=points(value))
    if found.points <= 0 and found.share <= 0:
        raise ValueError(f'{value!r} is neither a number of points above 0 nor a share such as "50%"')
    return found


def _bound(value: object) -> Fraction:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value!r} is not a number")
    return Fraction(repr(value))


def _quiet(value: object) -> tuple[int, int]:
    match = re.fullmatch(_CLOCK, value) if isinstance(value, str) else None
    if match is None or match[0][:5] == match[0][6:]:
        raise ValueError(f'{value!r} is not a part of the day such as "22:00-08:00"')
    hour, minute, end_hour, end_minute = map(int, match.groups())
    return hour * 60 + minute, end_hour * 60 + end_minute


def _timezone(value: Any) -> str:
    try:
        zoneinfo.ZoneInfo(value)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        raise ValueError(f"{value!r} is not a time zone such as Europe/Berlin") from None
    return str(value)


def _at_most(longest: int) -> Check:
    def read(value: object) -> str:
        if not isinstance(value, str) or len(value) > longest:
            raise ValueError(f"must be a text of at most {longest} characters")
        return value

    return Check(read, "", {"type": "string", "maxLength": longest})


def _no_property(value: object) -> str:
    return f"{value!r} is not the name of a property"


def _anything(value: object) -> object:
    return value


Band = Annotated[str, one_of(BANDS[1:], stand_in=BANDS[1])]
Within = Annotated[int, Check(duration, _POSSIBLE, DURATION_SCHEMA)]
Bound = Annotated[Fraction, Check(_bound, Fraction(0), {"type": "number"})]
Move = Annotated[
    Size, Check(_size, Size(1), {"anyOf": [{"type": "number"}, {"type": "string", "pattern": f"^{_PERCENT}$"}]})
]
#: What is no name is reported as a name that the policy does not have.
Named = Annotated[Any, Check(_anything, "", {"type": "string", "minLength": 1})]


class SignalTable(Table):
    """What any signal may say."""

    cooldown: Duration = given("0s", "the least time until it is raised again for the same customer")
    quiet: Annotated[tuple[int, int], Check(_quiet, (0, 1), {"type": "string", "pattern": f"^{_CLOCK}$"})] | None = (
        given(None, "a part of each day, such as 22:00-08:00, in which nothing is published")
    )
    timezone: Annotated[str, Check(_timezone, "UTC", {"type": "string"})] | None = given(
        None, "by whose clock the quiet hours are, such as Europe/Berlin; UTC if none"
    )
    severity: Annotated[str, one_of(SEVERITIES)] = given("notice", "how much it matters")
    title: Annotated[str, _at_most(_LONGEST_TITLE)] = given("", "for whoever reads the signal")
    message: Annotated[str, _at_most(_LONGEST_TEXT)] = given("", "for whoever reads the signal")

    def quiet_hours(self, where: str, problems: list[str]) -> QuietHours | None:
        """Make the quiet hours.

        Args:
            where: the place of the table in the file.
            problems: what is wrong is added.
        """
        if self.quiet is None:
            if self.timezone is not None:
                problems.append(f"{where}.timezone: there is no quiet")
            return None
        return QuietHours(*self.quiet, self.timezone or "UTC")


class EventSignal(SignalTable):
    """A signal that each event of some types raises."""

    on: Names = needed("types of events such as web.purchase, each of which raises it")


class WaitSignal(SignalTable):
    """A signal that is raised when an event is not answered in time."""

    after: Names = needed("types of events such as web.cart that wait for an answer")
    without: Names | None = given(None, "types of events that answer")
    without_band: Band | None = given(None, "the band that answers once it is reached")
    within: Within = needed("for how long it waits; at most the window")
    object: Annotated[str, text(_LONGEST_PROPERTY, _no_property, "")] | None = given(
        None, "the property that names what the events are about: each object waits for its own answer"
    )


class ReachedSignal(SignalTable):
    """A signal that is raised from a band on."""

    reaches: Band = needed("the lowest band in which it holds")


class LeftSignal(SignalTable):
    """A signal that is raised below a band."""

    leaves: Band = needed("the band below which it holds")


class FallSignal(SignalTable):
    """A signal that a fall of the score raises."""

    falls_by: Move = needed("points, or a share such as 50%")
    within: Within = needed("the time between the two scores that are compared, in whole panes")


class RiseSignal(SignalTable):
    """A signal that a rise of the score raises."""

    rises_by: Move = needed("points, or a share such as 50%")
    within: Within = needed("the time between the two scores that are compared, in whole panes")


class MeasureSignal(SignalTable):
    """A signal that is raised while a measure of the customer is past a bound."""

    measure: Named = needed("the name of a measure of the policy that is a number")
    at_least: Bound | None = given(None, "holds from this value on")
    at_most: Bound | None = given(None, "holds up to this value")


class FunnelSignal(SignalTable):
    """A signal that is raised when a customer passes a step of a funnel."""

    funnel: Named = needed("the name of a funnel of the policy")
    step: Annotated[int, whole(2, MOST_STEPS, f"the number of a step, 2 to {MOST_STEPS}", 2)] = needed(
        "the number of the step, 2 or more"
    )


#: The model of each kind, by the key of which a table has exactly one.
MODELS: Final[Mapping[str, type[SignalTable]]] = {
    "on": EventSignal,
    "after": WaitSignal,
    "reaches": ReachedSignal,
    "leaves": LeftSignal,
    "falls_by": FallSignal,
    "rises_by": RiseSignal,
    "measure": MeasureSignal,
    "funnel": FunnelSignal,
}
for _key, _model in MODELS.items():
    _model.unknown = f"unknown key beside {_key}; allowed here:"


class _AnySignal(Table):
    """A signal of whatever kind."""

    model_config = ConfigDict(extra="ignore")
    unknown: ClassVar[str] = ""


def _kind(value: Mapping[str, object]) -> str:
    found = [key for key in MODELS if key in value]
    if len(found) == 1:
        return found[0]
    instead = f", not {' and '.join(found)}" if found else ""
    raise ValueError(f"must have one of {', '.join(MODELS)}{instead}")


_KIND: Final[Callable[[Any, ValidationInfo], str | None]] = Check(_kind, None).checked


class _OfItsKind:
    """Reads a signal by the model of its kind."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Have it read, and give the schema of them all."""
        every: Any = Union[tuple(MODELS.values())]  # noqa: UP007
        return core_schema.with_info_wrap_validator_function(self._read, handler.generate_schema(every))

    def _read(self, value: Any, _: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Table:
        found = _AnySignal.model_validate(value, context=info.context)
        key = _KIND(value, info) if isinstance(value, Mapping) else None
        return found if key is None else MODELS[key].model_validate(value, context=info.context)


Signals = Annotated[
    dict[str, Annotated[Any, _OfItsKind()]],
    container(dict, "must hold tables, such as [signals.upsell]"),
    named(MOST_SIGNALS),
]
