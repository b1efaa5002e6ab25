"""From the tables of a channel in a policy file to what its events make of each other.

Rests on decision 11.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from scoring.instants import DAY, parse_duration
from scoring.policy.policy import EventType, type_code
from scoring.rules.pairing import Duration, Gateway, Pairing, Retraction, duration_codes

#: The keys of a channel that are read here.
PAIRING_KEYS = ("retracts", "retracts_key", "gateway", "durations")
_OBJECT_ID, _MESSAGE_ID = "object_id", "message_id"
_GATEWAY_KEYS = ("after", "within", "key")
_DURATION_KEYS = ("from", "to", "key")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
_LONGEST_KEY = 256


def read_pairings(
    channel: str, table: Mapping[str, Any], types: tuple[EventType, ...], problems: list[str]
) -> tuple[Pairing, ...]:
    """Read what the events of a channel make of each other.

    Args:
        channel: its name.
        table: of the channel.
        types: of the channel.
        problems: every problem that is found is added to these.

    Returns:
        One pairing for each property that names objects.
    """
    if not any(key in table for key in PAIRING_KEYS):
        return ()
    reader = _Reader(channel, types, problems)
    reader.read_retractions(table)
    reader.read_gateways(table)
    reader.read_durations(table)
    return reader.pairings()


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


class _Reader:
    """Reads one channel, noting each problem and going on without what has one."""

    def __init__(self, channel: str, types: tuple[EventType, ...], problems: list[str]) -> None:
        self._channel = channel
        self._codes = {kind.name: kind.code for kind in types}
        self._problems = problems
        # Of each type the property that names its objects, and where the policy says so.
        self._properties: dict[str, tuple[str, str]] = {}
        self._retractions: list[tuple[str, Retraction]] = []
        self._gateways: list[tuple[str, Gateway]] = []
        self._durations: list[tuple[str, Duration]] = []

    def pairings(self) -> tuple[Pairing, ...]:
        """Group what has been read by the property."""
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

    def read_retractions(self, table: Mapping[str, Any]) -> None:
        """Read which types take back which."""
        where = f"channels.{self._channel}.retracts"
        key = self._key(f"{where}_key", table.get("retracts_key", _OBJECT_ID))
        retracts = self._table(where, table.get("retracts", {}), '{ unlike = "like" }')
        if "retracts_key" in table and not retracts:
            self._problems.append(f"{where}_key: there is no {where}")
        taken_back = {name for names in retracts.values() for name in _listed(names)}
        for kind, names in retracts.items():
            here = f"{where}.{kind}"
            if kind in _listed(names):
                self._problems.append(f"{here}: a type cannot take back itself")
            elif kind in taken_back:
                self._problems.append(f"{here}: another type takes {kind} back; what is taken back cannot take back")
            elif self._named(here, kind) and self._all_named(here, names) and key:
                self._paired(here, key, (kind, *_listed(names)))
                codes = tuple(self._codes[name] for name in _listed(names))
                self._retractions.append((key, Retraction(self._codes[kind], codes)))

    def read_gateways(self, table: Mapping[str, Any]) -> None:
        """Read which types are a machine's when they follow another at once."""
        where, example = f"channels.{self._channel}.gateway", 'click = { after = "delivered", within = "10s" }'
        for kind, rule in self._table(where, table.get("gateway", {}), f"{{ {example} }}").items():
            here = f"{where}.{kind}"
            words = self._table(here, rule, f"{{ {example} }}")
            self._only(here, words, _GATEWAY_KEYS)
            within, name = self._within(f"{here}.within", words.get("within", "10s")), f"gateway_{kind}"
            key, after = self._key(f"{here}.key", words.get("key", _MESSAGE_ID)), words.get("after")
            if kind == after:
                self._problems.append(f"{here}.after: a type cannot be its own")
            elif self._named(here, kind) and self._named(f"{here}.after", after) and key and within:
                self._paired(here, key, (kind, str(after)))
                codes = self._codes[kind], self._codes[str(after)]
                self._gateways.append((key, Gateway(*codes, within, name, type_code(self._channel, name))))

    def read_durations(self, table: Mapping[str, Any]) -> None:
        """Read between which types time is taken."""
        where, example = f"channels.{self._channel}.durations", '{ from = "ticket", to = "reply", key = "ticket_id" }'
        tables = self._table(where, table.get("durations", {}), f"{{ first_response = {example} }}")
        for name, rule in tables.items():
            here = f"{where}.{name}"
            if not _NAME.fullmatch(name):
                self._problems.append(f"{here}: a name is 1 to 32 characters out of a-z 0-9 _, a letter first")
            words = self._table(here, rule, example)
            self._only(here, words, _DURATION_KEYS)
            key = self._key(f"{here}.key", words.get("key"))
            start, end = words.get("from"), words.get("to")
            named = [self._all_named(f"{here}.from", start), self._all_named(f"{here}.to", end)]
            if not (all(named) and key):
                continue
            both = sorted({*_listed(start)} & {*_listed(end)})
            if both:
                self._problems.append(f"{here}: {both[0]} stands in from and in to")
                continue
            self._paired(here, key, (*_listed(start), *_listed(end)))
            starts, ends = (tuple(self._codes[kind] for kind in _listed(names)) for names in (start, end))
            self._durations.append((key, Duration(name, starts, ends, *duration_codes(self._channel, name))))

    def _paired(self, where: str, key: str, kinds: tuple[str, ...]) -> None:
        for kind in kinds:
            other, there = self._properties.setdefault(kind, (key, where))
            if other != key:
                self._problems.append(
                    f"{where}: pairs {kind} by {key!r}, but {there} by {other!r}; a type has one key only"
                )

    def _table(self, where: str, table: object, example: str) -> Mapping[str, Any]:
        if isinstance(table, dict):
            return table
        self._problems.append(f"{where}: must be a table such as {example}")
        return {}

    def _only(self, where: str, table: Mapping[str, Any], allowed: tuple[str, ...]) -> None:
        for key in table:
            if key not in allowed:
                self._problems.append(f"{where}.{key}: unknown key; allowed here: {', '.join(allowed)}")

    def _named(self, where: str, kind: object) -> bool:
        if isinstance(kind, str) and kind in self._codes:
            return True
        weights = f"channels.{self._channel}.weights"
        self._problems.append(f"{where}: there is no weight for {kind!r} in {weights}; 0 will do")
        return False

    def _all_named(self, where: str, names: object) -> bool:
        if not _listed(names):
            self._problems.append(f"{where}: {names!r} is neither a type nor a list of types")
            return False
        return sum(self._named(where, name) for name in _listed(names)) == len(_listed(names))

    def _key(self, where: str, key: object) -> str:
        if isinstance(key, str) and 0 < len(key) <= _LONGEST_KEY:
            return key
        self._problems.append(f"{where}: {key!r} is not the name of a property")
        return ""

    def _within(self, where: str, value: object) -> int:
        try:
            within = parse_duration(value)  # type: ignore[arg-type] # what is no duration is told
        except (ValueError, TypeError):
            within = 0
        if not 0 < within <= DAY:
            self._problems.append(f"{where}: {value!r} is not a duration such as 10s or 500ms, of at most 1d")
            return 0
        return within


def _listed(names: object) -> list[str]:
    if isinstance(names, str):
        return [names]
    if isinstance(names, list) and all(isinstance(name, str) for name in names):
        return list(dict.fromkeys(names))
    return []
