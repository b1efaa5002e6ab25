"""`[channels.NAME]`: the events of a channel, what they are worth, and how they are read.

Rests on decision 10.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

from scoring.instants import MINUTE, SECOND
from scoring.policy.channels import NO_CAP, Channel, EventType, type_code
from scoring.policy.policy import RESERVED_NAMES
from scoring.rules.sessions import SessionRule
from streams.policy_file.numbers import Numbers, numbers
from streams.policy_file.pairings import Durations, Gateways, Key, Pairer, Retracts, with_objects
from streams.policy_file.sentiment import SentimentTable
from streams.policy_file.table import Check, Table, container, given, needed
from streams.policy_file.type_rules import TypeRules, type_rules
from streams.policy_file.words import DURATION_SCHEMA, Caps, Duration, Topic, Weights, check_name, duration, named, text

_LONGEST_PROPERTY: Final = 100
_Sessions = tuple[tuple[str, SessionRule], ...]
Machine = tuple[tuple[str, str, str], ...]


def _pause(value: Any) -> int:
    pause = duration(value, "a duration such as 30m")
    if pause < MINUTE or pause % SECOND:
        raise ValueError("must be whole seconds, a minute or more")
    return pause


def _marked(value: object) -> str:
    return f"{value!r} is not the name of a property, other than the type's own"


def _list(value: object) -> object:
    if isinstance(value, list) and all(isinstance(name, str) for name in value):
        return value
    raise ValueError('must be a list of types such as ["page_view"]')


Listed = Annotated[list[str], Check(_list, schema={"type": "array", "items": {"type": "string"}})]
Marks = Annotated[
    dict[str, Annotated[str, text(_LONGEST_PROPERTY, _marked)]],
    container(dict, 'must be a table such as { open = "machine_open" }'),
]


class ChannelTable(Table):
    """A channel: one topic with events, and what the types of these are worth."""

    topic: Topic | None = given(None, "Kafka topic of the channel; the channel's name if none")
    weights: Weights = needed("points by event type, such as { open = 1, click = 5 }")
    cap: Caps = given({}, "by event type, how many count in one pane")
    silence_after: Duration = given("0s", "after so long without any event the feed counts as silent; 0s: never")
    sessions: Annotated[int, Check(_pause, schema=DURATION_SCHEMA)] | None = given(
        None, "the time without an event that ends a session, a minute or more"
    )
    session_types: Listed | None = given(None, "the types of events that make sessions; all if none")
    pages: Listed | None = given(None, "the types of events that are views of a page")
    machine: Marks = given({}, "by event type, the property that marks the events of machines")
    sentiment: SentimentTable | None = given(None, "the texts whose sentiment becomes a number")
    types: TypeRules = given([], "rules by which events count as those of another type")
    points: Numbers = given({}, "by event type, points for a number that its events carry")
    retracts: Retracts = given({}, "by event type, the types whose events each of its events takes back")
    retracts_key: Key = given("object_id", "the property that names the object of both")
    gateway: Gateways = given({}, "types whose events count as a machine's if they come soon after another type")
    durations: Durations = given({}, "the types between which time is measured, by the name of the duration")

    def channel(self, index: int, name: str, problems: list[str]) -> Channel:
        """Make the channel.

        Args:
            index: of the channel in the policy.
            name: its own.
            problems: what is wrong is added.
        """
        where = f"channels.{name}"
        check_name(where, "a channel's name", name, problems)
        if name in RESERVED_NAMES:
            problems.append(f"{where}: the name is that of a field of the score; choose another")
        problems += [
            f"{where}.cap.{kind}: there is no weight for this type in {where}.weights"
            for kind in self.cap
            if kind not in self.weights
        ]
        types = tuple(
            [
                EventType(type_code(name, kind), index, kind, weight, self.cap.get(kind, NO_CAP))
                for kind, weight in self.weights.items()
            ]
        )
        codes = {kind.name: kind.code for kind in types}
        unweighted, machine = self._machine(name, index, codes, problems)
        sessions = self._sessions(name, types_of_people(types, machine), problems)
        rules = type_rules(where, self.types, codes, problems)
        pairer = Pairer(name, types, problems)
        if "retracts_key" in self.model_fields_set and not self.retracts:
            problems.append(f"{where}.retracts_key: there is no {where}.retracts")
        pairer.retract(self.retracts, self.retracts_key)
        pairer.guard(self.gateway)
        pairer.measure(self.durations)
        pairings = pairer.pairings()
        types, with_points = numbers(name, self.points, types, problems)
        types = with_objects((*types, *unweighted), pairings)
        topic = self.topic or name
        sentiment = self.sentiment.rule(f"{where}.sentiment", problems) if self.sentiment is not None else None
        return Channel(
            *(name, topic, types, self.silence_after, sessions, machine, pairings, rules, with_points),
            sentiment=sentiment,
        )

    def _machine(
        self, name: str, index: int, codes: Mapping[str, str], problems: list[str]
    ) -> tuple[tuple[EventType, ...], Machine]:
        """Make the types of the events of machines.

        Returns:
            The types under which such events are counted and that have no weight, and for each type that a machine can
            make its code, the property, and the code under which it is counted then.
        """
        where = f"channels.{name}.machine"
        made: dict[str, EventType] = {}
        found = []
        for kind, marked in self.machine.items():
            if kind not in codes:
                problems.append(f"{where}.{kind}: there is no weight for this type in channels.{name}.weights")
            if marked == kind:
                problems.append(f"{where}.{kind}: {_marked(marked)}")
                continue
            code = codes.get(marked) or type_code(name, marked)
            if marked not in codes:
                made[marked] = EventType(code, index, marked, 0)
            found.append((codes.get(kind, ""), marked, code))
        return tuple(made.values()), tuple(found)

    def _sessions(self, name: str, types: tuple[EventType, ...], problems: list[str]) -> _Sessions:
        """Make the rule for each type of people, by its code; nothing where the channel has no sessions."""
        where = f"channels.{name}"
        if self.sessions is None:
            problems += [
                f"{where}.{key}: has no meaning without {where}.sessions"
                for key in ("session_types", "pages")
                if key in self.model_fields_set
            ]
            return ()
        known = [kind.name for kind in types]
        for key, written in (("session_types", self.session_types), ("pages", self.pages)):
            problems += [
                f"{where}.{key}: {kind!r} has no weight in {where}.weights"
                for kind in written or ()
                if kind not in known
            ]
        inside = known if self.session_types is None else self.session_types
        pages = inside if self.pages is None else self.pages
        problems += [
            f"{where}.pages: {kind!r} is none of {where}.session_types"
            for kind in pages
            if kind in known and kind not in inside
        ]
        code, pause = session_code(name), self.sessions // SECOND
        return tuple(
            [(kind.code, SessionRule(code, pause, int(kind.name in pages))) for kind in types if kind.name in inside]
        )


#: None of the names is checked here: a channel of a wrong name is read like any other.
Channels = Annotated[
    dict[str, ChannelTable],
    container(dict, "must hold at least one table, such as [channels.email]"),
    named(),
]


def session_code(name: str) -> str:
    """Make the code under which the visits of a channel are stored: two characters.

    Args:
        name: of the channel.
    """
    return type_code(name, "")[:2]


def types_of_people(types: tuple[EventType, ...], machine: Machine) -> tuple[EventType, ...]:
    """Leave out the types under which the events of machines are counted.

    Args:
        types: of a channel.
        machine: of the same channel.
    """
    by_machines = {code for _, _, code in machine}
    return tuple(kind for kind in types if kind.code not in by_machines)


def types_by_name(channels: Sequence[Channel]) -> dict[str, EventType]:
    """Give the types by their names with those of the channels, such as web.purchase.

    Args:
        channels: of the policy.
    """
    return {f"{channel.name}.{kind.name}": kind for channel in channels for kind in channel.types}


def no_shared_sessions(channels: Sequence[Channel], problems: list[str]) -> None:
    """Refuse two channels whose visits would be stored as those of one.

    Args:
        channels: of the policy.
        problems: what is wrong is added.
    """
    owners: dict[str, str] = {}
    for channel in channels:
        if channel.sessions:
            code = session_code(channel.name)
            if code in owners:
                problems.append(
                    f"channels.{channel.name} and channels.{owners[code]} have the same stored code of sessions; "
                    "rename one"
                )
            owners[code] = channel.name
