"""What the events of a channel make of each other: `retracts`, `gateway` and `durations`.

Rests on decision 11.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Final

from scoring.instants import DAY
from scoring.policy.channels import EventType, type_code
from scoring.rules.pairing import Duration, Gateway, Pairing, Retraction, duration_codes
from streams.policy_file.table import Check, Table, container, given, needed
from streams.policy_file.words import DURATION_SCHEMA, Names, check_name, duration, named, text

_LONGEST_KEY: Final = 256
_ALLOWED: Final = "a duration such as 10s or 500ms, of at most 1d"
_GATEWAY: Final = 'must be a table such as { click = { after = "delivered", within = "10s" } }'
_DURATION: Final = '{ from = "ticket", to = "reply", key = "ticket_id" }'


def _within(value: Any) -> int:
    found = duration(value, _ALLOWED)
    if not 0 < found <= DAY:
        raise ValueError(f"{value!r} is not {_ALLOWED}")
    return found


def _no_key(value: object) -> str:
    return f"{value!r} is not the name of a property"


Key = Annotated[str, text(_LONGEST_KEY, _no_key)]
Retracts = Annotated[dict[str, Names], container(dict, 'must be a table such as { unlike = "like" }')]


class GatewayTable(Table):
    """When an event counts as that of a machine, as it comes soon after another."""

    form: ClassVar[str] = _GATEWAY

    after: Annotated[str, text(None, lambda value: f"{value!r} is not a type", "")] = needed("the type that it follows")
    within: Annotated[int, Check(_within, schema=DURATION_SCHEMA)] = given("10s", "how soon; at most 1d")
    key: Key = given("message_id", "the property that names the object of both")


class DurationTable(Table):
    """Between which events time is measured."""

    form: ClassVar[str] = f"must be a table such as {_DURATION}"

    from_: Names = needed("the type of the first event, or a list of types", "from")
    to: Names = needed("the type of the last event, or a list of types")
    key: Annotated[str, text(_LONGEST_KEY, _no_key, "")] = needed("the property that names the object of both")


Gateways = Annotated[dict[str, GatewayTable], container(dict, _GATEWAY)]
Durations = Annotated[
    dict[str, DurationTable], container(dict, f"must be a table such as {{ first_response = {_DURATION} }}"), named()
]


def with_objects(types: tuple[EventType, ...], pairings: tuple[Pairing, ...]) -> tuple[EventType, ...]:
    """Have the types that are paired tell the objects of their events.

    Args:
        types: of a channel.
        pairings: of the same channel.

    Returns:
        The types, each with the property that names its objects.
    """
    properties = {code: pairing.key for pairing in pairings for code in pairing.codes}
    return tuple(replace(kind, object_property=properties.get(kind.code, "")) for kind in types)


class Pairer:
    """Makes the pairings of one channel, noting each problem and going on without what has one."""

    def __init__(self, channel: str, types: tuple[EventType, ...], problems: list[str]) -> None:
        """Prepare.

        Args:
            channel: its name.
            types: of the channel.
            problems: every problem that is found is added to these.
        """
        self._channel = channel
        self._codes = {kind.name: kind.code for kind in types}
        self._problems = problems
        # Of each type the property that names its objects, and where the policy says so.
        self._properties: dict[str, tuple[str, str]] = {}
        self._retractions: list[tuple[str, Retraction]] = []
        self._gateways: list[tuple[str, Gateway]] = []
        self._durations: list[tuple[str, Duration]] = []

    def pairings(self) -> tuple[Pairing, ...]:
        """Group what has been added by the property: one pairing for each that names objects."""
        found = []
        for key in dict.fromkeys(key for key, _ in self._properties.values()):
            codes = [code for name, code in self._codes.items() if self._properties.get(name, ("",))[0] == key]
            found.append(
                Pairing(
                    key,
                    tuple(codes),
                    tuple(retraction for by, retraction in self._retractions if by == key),
                    tuple(gateway for by, gateway in self._gateways if by == key),
                    tuple(duration for by, duration in self._durations if by == key),
                )
            )
        return tuple(found)

    def retract(self, retracts: Mapping[str, Sequence[str]], key: str) -> None:
        """Add which types take back which.

        Args:
            retracts: the types that are taken back, by that which does.
            key: the property that names their objects.
        """
        taken_back = {name for names in retracts.values() for name in names}
        for kind, names in retracts.items():
            here = f"channels.{self._channel}.retracts.{kind}"
            if kind in names:
                self._problems.append(f"{here}: a type cannot take back itself")
            elif kind in taken_back:
                self._problems.append(f"{here}: another type takes {kind} back; what is taken back cannot take back")
            elif self._known(here, kind) and self._known(here, *names):
                self._pair(here, key, (kind, *names))
                codes = tuple(self._codes[name] for name in names)
                self._retractions.append((key, Retraction(self._codes[kind], codes)))

    def guard(self, gateways: Mapping[str, GatewayTable]) -> None:
        """Add which types are a machine's when they follow another at once.

        Args:
            gateways: by the type that follows.
        """
        for kind, rule in gateways.items():
            here, name = f"channels.{self._channel}.gateway.{kind}", f"gateway_{kind}"
            if kind == rule.after:
                self._problems.append(f"{here}.after: a type cannot be its own")
            elif self._known(here, kind) and self._known(f"{here}.after", rule.after):
                self._pair(here, rule.key, (kind, rule.after))
                codes = self._codes[kind], self._codes[rule.after]
                gateway = Gateway(*codes, rule.within, name, type_code(self._channel, name))
                self._gateways.append((rule.key, gateway))

    def measure(self, durations: Mapping[str, DurationTable]) -> None:
        """Add between which types time is taken.

        Args:
            durations: by their names.
        """
        for name, rule in durations.items():
            here = f"channels.{self._channel}.durations.{name}"
            check_name(here, "a name", name, self._problems)
            known = [self._known(f"{here}.from", *rule.from_), self._known(f"{here}.to", *rule.to)]
            both = sorted({*rule.from_} & {*rule.to})
            if both:
                self._problems.append(f"{here}: {both[0]} stands in from and in to")
            elif all(known):
                self._pair(here, rule.key, (*rule.from_, *rule.to))
                starts, ends = (tuple(self._codes[kind] for kind in names) for names in (rule.from_, rule.to))
                self._durations.append((rule.key, Duration(name, starts, ends, *duration_codes(self._channel, name))))

    def _pair(self, where: str, key: str, kinds: tuple[str, ...]) -> None:
        for kind in kinds:
            other, there = self._properties.setdefault(kind, (key, where))
            if other != key:
                self._problems.append(
                    f"{where}: pairs {kind} by {key!r}, but {there} by {other!r}; a type has one key only"
                )

    def _known(self, where: str, *kinds: str) -> bool:
        unknown = [kind for kind in kinds if kind not in self._codes]
        weights = f"channels.{self._channel}.weights"
        self._problems += [f"{where}: there is no weight for {kind!r} in {weights}; 0 will do" for kind in unknown]
        return not unknown
