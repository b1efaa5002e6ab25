"""`[measures.NAME]`: numbers and words that are computed for each customer.

Rests on decision 8.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from operator import attrgetter
from typing import Annotated, Any, Final, Literal, Union

from pydantic import ConfigDict, Field, GetCoreSchemaHandler, ValidationInfo, ValidatorFunctionWrapHandler, create_model
from pydantic_core import CoreSchema, core_schema

from scoring.instants import DAY, format_duration
from scoring.points import POINT
from scoring.policy.channels import Channel, EventType
from scoring.policy.policy import RESERVED_NAMES
from scoring.rules.details import AT_LEAST, AT_MOST, LATEST, SUM, VALUES, Amount, amount_of
from scoring.rules.measures import FRACTION, PANES, PROJECTED, RATE, REGULARITY, SESSION_FORMS, SHARE, Measure
from scoring.rules.pairing import Pairing, TakenBack, duration_codes, taken_back_code
from streams.policy_file.channels import types_of_people
from streams.policy_file.table import Check, Table, container, given, needed
from streams.policy_file.words import Duration, Points, Property, check_name, named

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
_WEEK = 7 * DAY
_PERCENT = 100
_CODE = attrgetter("code")


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
    "high": (Points, "counts for it from here on", HIGH),
    "low": (Points, "counts against it up to here", LOW),
    "channel": (_Named, "a channel of the policy", None),
    "duration": (_Named, "a duration of this channel", None),
    "over": (Duration, "the time over which it is taken, in whole panes; the window if none", None),
    "per": (Duration, "it is told for so much time", None),
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


class MeasureReader:
    """Reads the measures of one document, noting each problem."""

    def __init__(
        self,
        channels: tuple[Channel, ...],
        length: int,
        pane: int,
        problems: list[str],
    ) -> None:
        """Prepare.

        Args:
            channels: of the policy.
            length: of the window, in microseconds.
            pane: its length in microseconds.
            problems: what is wrong is added.
        """
        self._channels = {channel.name: channel for channel in channels}
        self._length, self._pane = length, pane
        self._problems = problems
        # What each type adds to its pane, by the code of the type.
        kinds = [kind for channel in channels for kind in channel.types]
        self._amounts: dict[str, set[Amount]] = {kind.code: set(kind.amounts) for kind in kinds}
        # What is to be counted of all that is taken back, by the channel.
        self._taken_back: dict[str, set[TakenBack]] = {}

    def read(self, tables: Mapping[str, Any]) -> tuple[Measure, ...]:
        """Make all measures.

        Args:
            tables: by the names of the measures.

        Returns:
            The measures; some may be missing where there are problems.
        """
        made = [self._measure(name, table) for name, table in tables.items()]
        self._no_shared_codes()
        return tuple(_reduced(measure) for measure in made if measure is not None)

    def asked_for(self, channels: tuple[Channel, ...]) -> tuple[Channel, ...]:
        """Give channels with what the measures read so far ask of their types, and of what these take back."""
        return tuple(
            replace(
                channel,
                types=tuple(self._with_amounts(kind) for kind in channel.types),
                pairings=tuple(self._with_taken_back(channel.name, pairing) for pairing in channel.pairings),
            )
            for channel in channels
        )

    def _with_taken_back(self, channel: str, pairing: Pairing) -> Pairing:
        asked = [each for each in self._taken_back.get(channel, ()) if each.by in pairing.codes]
        return replace(pairing, taken_back=tuple(sorted(asked, key=_CODE))) if asked else pairing

    def _with_amounts(self, kind: EventType) -> EventType:
        amounts = self._amounts.get(kind.code)
        return replace(kind, amounts=tuple(sorted(amounts, key=_CODE))) if amounts else kind

    def _measure(self, name: str, table: Any) -> Measure | None:
        where = f"measures.{name}"
        is_name = check_name(where, "a measure's name", name, self._problems)
        if is_name and name in RESERVED_NAMES:
            self._problems.append(f"{where}: the name is that of a field of the score; choose another")
        elif is_name and name in self._channels:
            self._problems.append(f"{where}: the name is that of a channel; choose another")
        if not table.kind:
            return None
        panes = self._over(where, table.over)
        if table.kind in SESSION_FORMS:
            return self._of_sessions(where, name, table, panes)
        if table.kind == "duration":
            return self._of_durations(where, name, table, panes)
        return self._of_types(where, name, table, panes)

    def _of_types(self, where: str, name: str, table: Any, panes: int) -> Measure:
        of = self._types(f"{where}.of", table.of)
        if table.kind == "panes":
            return Measure(name, PANES, panes, _codes(of))
        if table.kind == "regularity":
            return self._regularity(where, name, of, panes)
        if table.kind == "balance":
            return self._balance(where, name, of, table, panes)
        return self._fraction(where, name, of, table, panes)

    def _fraction(self, where: str, name: str, of: list[EventType], table: Any, panes: int) -> Measure:
        kind, found = table.kind, getattr(table, "property", None) or ""
        numerator, denominator = self._factor(where, table, panes)
        codes = self._sums(of, found)
        if kind in ("count", "sum", "difference"):
            written = getattr(table, "less", None)
            less = self._types(f"{where}.less", written) if written is not None else []
            if found:
                self._not_taken_back(where, of, less)
                denominator *= POINT
            else:
                codes += self._ask_taken_back(of, less)
            step = self._step(where, table)
            form = PROJECTED if step else FRACTION
            return Measure(name, form, panes, codes, self._sums(less, found), (), numerator, denominator, step=step)
        if kind == "average":
            values = self._ask(of, found, VALUES)
            return Measure(name, FRACTION, panes, codes, (), values, numerator, denominator * POINT)
        to = self._types(f"{where}.to", table.to)
        if kind == "share":
            return Measure(name, SHARE, panes, codes, (), _codes(to), _PERCENT)
        latest, of_sum = table.to_latest or "", table.to_property or ""
        if latest and of_sum:
            self._problems.append(f"{where}: to_latest and to_property exclude each other")
        if found:
            denominator *= POINT
        if latest:
            return Measure(name, RATE, panes, codes, (), self._ask_latest(to, latest), numerator, denominator)
        if of_sum:
            numerator *= POINT
        return Measure(name, FRACTION, panes, codes, (), self._sums(to, of_sum), numerator, denominator)

    def _balance(self, where: str, name: str, of: list[EventType], table: Any, panes: int) -> Measure:
        found, high, low = table.property, table.high, table.low
        if low >= high:
            self._problems.append(f"{where}.low: must be less than high")
        above, below = self._ask(of, found, AT_LEAST, high), self._ask(of, found, AT_MOST, low)
        return Measure(name, FRACTION, panes, above, below, self._ask(of, found, VALUES), _PERCENT)

    def _regularity(self, where: str, name: str, of: list[EventType], panes: int) -> Measure:
        length = panes * self._pane
        if DAY % self._pane or length % DAY or length < _WEEK:
            self._problems.append(
                f"{where}: a regularity is told from days; it needs panes that divide a day, over whole days, 7 or more"
            )
        return Measure(name, REGULARITY, panes, _codes(of))

    def _of_sessions(self, where: str, name: str, table: Any, panes: int) -> Measure | None:
        written = table.channel
        channel = self._channels.get(written) if isinstance(written, str) else None
        if channel is None or not channel.sessions:
            self._problems.append(f"{where}.channel: {written!r} is not a channel with sessions")
            return None
        rule = channel.sessions[0][1]
        return Measure(name, table.kind, panes, channel=rule.channel, pause=rule.pause)

    def _of_durations(self, where: str, name: str, table: Any, panes: int) -> Measure | None:
        channel, duration = table.channel, table.duration
        owner = self._channels.get(channel) if isinstance(channel, str) else None
        pairings = owner.pairings if owner is not None else ()
        if duration not in [each.name for pairing in pairings for each in pairing.durations]:
            self._problems.append(f"{where}.duration: the channel {channel!r} has no duration {duration!r}")
            return None
        numerator, denominator = self._factor(where, table, panes)
        count, total = duration_codes(channel, duration)
        return Measure(name, FRACTION, panes, (total,), (), (count,), numerator, denominator * POINT)

    def _factor(self, where: str, table: Any, panes: int) -> tuple[int, int]:
        """Give what the fraction is multiplied with: `times`, and what `per` makes of the time over which it is."""
        times, per = getattr(table, "times", POINT), getattr(table, "per", None)
        if times == 0:
            self._problems.append(f"{where}.times: must not be 0")
        if per is None:
            return times, POINT
        # What is projected is taken over each customer's own time.
        return times * per, POINT if getattr(table, "projected", None) is not None else POINT * panes * self._pane

    def _step(self, where: str, table: Any) -> int:
        """Give the steps in which the time of a young customer is counted; 0 for none."""
        step: int | None = table.projected
        if step is None:
            return 0
        if table.per is None:
            self._problems.append(f"{where}.projected: needs per, the time for which the measure is taken")
        if step < self._pane:
            self._problems.append(f"{where}.projected: must be a pane of {format_duration(self._pane)} or more")
        return max(step, 1)

    def _over(self, where: str, over: int | None) -> int:
        """Give the time over which a measure is taken, in panes."""
        if over is None:
            return self._length // self._pane
        if over % self._pane or not 0 < over <= self._length:
            self._problems.append(
                f"{where}.over: must be a whole number of panes of {format_duration(self._pane)}, "
                f"and not more than the window of {format_duration(self._length)}"
            )
        return max(over // self._pane, 1)

    def _types(self, where: str, names: list[Any]) -> list[EventType]:
        """Find types: ``email.click``, or ``email`` for all of a channel but those of machines."""
        found: dict[str, EventType] = {}
        for written in names:
            channel_name, dot, kind = str(written).partition(".")
            channel = self._channels.get(channel_name)
            if channel is None or not isinstance(written, str):
                self._problems.append(f"{where}: {written!r} begins with no channel of this policy")
                continue
            every = types_of_people(channel.types, channel.machine)
            types = [each for each in channel.types if each.name == kind] if dot else list(every)
            if not types:
                self._problems.append(f"{where}: {written!r} has no weight in channels.{channel_name}.weights")
            found |= {each.code: each for each in types}
        return list(found.values())

    def _sums(self, types: list[EventType], name: str) -> tuple[str, ...]:
        return self._ask(types, name, SUM) if name else _codes(types)

    def _ask(self, types: list[EventType], name: str, way: str, bound: int = 0) -> tuple[str, ...]:
        """Have a property of some types read; give the codes under which it is stored."""
        codes = []
        for kind in types:
            amount = amount_of(self._owner(kind), kind.name, name, way, bound)
            self._amounts.setdefault(kind.code, set()).add(amount)
            codes.append(amount.code)
        return tuple(codes)

    def _ask_latest(self, types: list[EventType], name: str) -> tuple[str, ...]:
        """Have the latest value that a property has in events of any of some types kept, under one code for all."""
        joined = " ".join(sorted(kind.code for kind in types))
        amount = amount_of("", joined, name, LATEST)
        for kind in types:
            self._amounts.setdefault(kind.code, set()).add(amount)
        return (amount.code,)

    def _ask_taken_back(self, of: list[EventType], less: list[EventType]) -> tuple[str, ...]:
        """Have what types of `less` take back of those of `of` counted: a difference would lose it twice."""
        found = []
        for by in less:
            channel, taken = self._owner(by), self._taken_by(by)
            counted = [
                TakenBack(by.code, kind.code, taken_back_code(channel, by.name, kind.name))
                for kind in of
                if kind.code in taken
            ]
            self._taken_back.setdefault(channel, set()).update(counted)
            found += [each.code for each in counted]
        return tuple(found)

    def _not_taken_back(self, where: str, of: list[EventType], less: list[EventType]) -> None:
        """Refuse a sum that would lose an amount twice: it goes with the event that is taken back."""
        self._problems += [
            f"{where}.less: {by.name} takes {kind.name} back with its amount, which would be lost twice"
            for by in less
            for kind in of
            if kind.code in self._taken_by(by)
        ]

    def _taken_by(self, by: EventType) -> set[str]:
        """Give the codes of the types that one takes back."""
        rules = [rule for pairing in self._channels[self._owner(by)].pairings for rule in pairing.retractions]
        return {code for rule in rules if rule.code == by.code for code in rule.takes_back}

    def _owner(self, kind: EventType) -> str:
        return list(self._channels)[kind.channel]

    def _no_shared_codes(self) -> None:
        owners: dict[str, tuple[str, Amount]] = {}
        for kind, amounts in self._amounts.items():
            for amount in sorted(amounts, key=_CODE):
                # A latest value is one for several types.
                owner = ("" if amount.way == LATEST else kind, amount)
                if owners.setdefault(amount.code, owner) != owner:
                    self._problems.append(
                        f"measures: the properties {amount.property} and {owners[amount.code][1].property} have the "
                        "same stored code; rename one"
                    )


def _reduced(measure: Measure) -> Measure:
    common = math.gcd(measure.numerator, measure.denominator)
    return replace(measure, numerator=measure.numerator // common, denominator=measure.denominator // common)


def _codes(types: list[EventType]) -> tuple[str, ...]:
    return tuple(kind.code for kind in types)
