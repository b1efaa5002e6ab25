"""Events: what a producer sent, checked and reduced to what scoring needs.

Rests on decisions 5, 7 and 94.
"""

from __future__ import annotations

import hashlib
from binascii import b2a_base64
from collections.abc import Container, Sequence
from typing import Final

from scoring.errors import InvalidEvent
from scoring.ids import MOST_ID_BYTES, check_id
from scoring.instants import MINUTE, parse_timestamp
from scoring.json_words import described, not_an_object, wanted, why_ahead, why_no_time
from scoring.mapping.type_rules import TypeRules
from scoring.policy.channels import Channel, type_code
from scoring.rules.details import Detail, DetailReader
from scoring.rules.groupings import Grouping, readers
from scoring.rules.sentiment import Analyzer, SentimentReader

#: How far ahead of the wall clock an event may be; beyond it, it would carry the watermark off.
MOST_AHEAD: Final = 5 * MINUTE
# Codes of unknown types are kept, as they are costly to make; but neither many nor long ones, as anybody may send them.
_MOST_CODES: Final = 10_000
_LONGEST_KEPT: Final = 100


class Event:
    """One event of one customer: its time (microseconds), the code of its type, and its id's digest, or ''.

    `detail` is what its properties tell, where the policy asks for any of them. It is not changed once it is made.
    """

    # Neither a named tuple nor a data class: mypyc makes both in Python, which took three times as long as this.
    __slots__ = ("code", "detail", "digest", "time")

    def __init__(self, time: int, code: str, digest: str, detail: Detail | None = None) -> None:
        """Put an event together; see above for the arguments."""
        self.time = time
        self.code = code
        self.digest = digest
        self.detail = detail

    def __eq__(self, other: object) -> bool:
        """Return whether it says the same as another one."""
        if not isinstance(other, Event):
            return NotImplemented
        same = self.time == other.time and self.code == other.code and self.digest == other.digest
        return same and self.detail == other.detail

    def __hash__(self) -> int:
        """Hash what it says."""
        return hash((self.time, self.code, self.digest, self.detail))

    def __repr__(self) -> str:
        """Write it as it is made."""
        return f"Event({self.time!r}, {self.code!r}, {self.digest!r}, {self.detail!r})"

    def with_detail(self, detail: Detail | None) -> Event:
        """Give the same event with another detail.

        Args:
            detail: the other one.
        """
        return Event(self.time, self.code, self.digest, detail)


class EventReader:
    """Reads the events of one channel."""

    def __init__(
        self,
        channel: Channel,
        policy_codes: Container[str] = (),
        groupings: Sequence[Grouping] = (),
        analyze: Analyzer | None = None,
    ) -> None:
        """Index the channel's types.

        Args:
            channel: of the policy in force.
            policy_codes: those of the types of all channels of the policy. A type that the policy does not name and
                that shares the code of one of them must not be counted as that one.
            groupings: in which events count by the value of a property.
            analyze: the model of the channel's `sentiment`; with None no text becomes a number.
        """
        self._name = channel.name
        self._salted = hashlib.blake2b(f"{channel.name}\0".encode(), digest_size=8)
        self._codes = {kind.name: kind.code for kind in channel.types}
        self._scoring = frozenset(self._codes.values())
        self._taken = policy_codes or self._scoring
        self._ignored = 0
        self._rules = TypeRules(channel.type_rules)
        self._details = {
            kind.code: DetailReader(kind.amounts, kind.object_property, self._digest)
            for kind in channel.types
            if kind.amounts or kind.object_property
        }
        self._has_rules = bool(self._rules)
        self._groupings = {code: reader for code, reader in readers(groupings).items() if code in self._scoring}
        # Whether properties are of any use.
        self._asks = self._has_rules or bool(self._details) or bool(self._groupings)
        self._sentiment: SentimentReader | None = None
        if channel.sentiment is not None and analyze is not None:
            self._sentiment = SentimentReader(channel.sentiment, analyze)

    def read(self, value: object, latest: int) -> tuple[str, Event]:
        """Check one decoded value.

        Args:
            value: what the JSON of the record decodes to.
            latest: the newest event time that is let in, in microseconds.

        Returns:
            The customer's id, and the event. A type that the policy does not name has a code all the same.

        Raises:
            InvalidEvent: with the reason, if a required field is missing or wrong.
        """
        if type(value) is not dict:
            raise InvalidEvent("not_an_object", not_an_object(value))
        customer = value.get("customer_id")
        if type(customer) is not str or not customer or len(customer) > MOST_ID_BYTES // 4:
            check_id(value, "customer_id")
        kind = value.get("type")
        if type(kind) is not str or not kind:
            raise InvalidEvent("type_missing" if kind in (None, "") else "type_not_a_string", wanted(value, "type"))
        try:
            time = parse_timestamp(value.get("timestamp"))
        except ValueError as error:
            reason = "timestamp_missing" if value.get("timestamp") is None else "timestamp_invalid"
            raise InvalidEvent(reason, why_no_time(value, str(error))) from None
        if time > latest:
            raise InvalidEvent("timestamp_in_future", why_ahead(value, time, latest - MOST_AHEAD))
        properties = value.get("properties") if self._asks else None
        return customer, self.event(kind, time, value.get("event_id"), properties)  # type: ignore[return-value]

    def event(self, kind: str, time: int, event_id: object, properties: object) -> Event:
        """Make an event of what has been checked.

        Args:
            kind: its type.
            time: in microseconds.
            event_id: None or '' for none.
            properties: as JSON decodes them.

        Raises:
            InvalidEvent: if the id is neither a text nor a whole number.
        """
        code = self._codes.get(kind) or self._code_of_unknown(kind)
        digest = ""
        if type(event_id) is not str:
            digest = "" if event_id is None else self._digest(event_id)
        elif event_id:
            # As `_digest` does it, without a call for each event.
            salted = self._salted.copy()
            salted.update(event_id.encode())
            digest = b2a_base64(salted.digest())[:10].decode()
        detail = None
        if self._sentiment is not None:
            properties = self._sentiment.added_to(properties)
        if self._has_rules:
            code = self._rules.code_of(code, properties)
        if self._details and code in self._details:
            detail = self._details[code].read(properties, time)
        if self._groupings and code in self._groupings:
            found = self._groupings[code].read(properties)
            if found:
                detail = (detail or Detail(()))._replace(groupings=found)
        return Event(time, code, digest, detail)

    def properties(self) -> frozenset[str]:
        """Name the properties that are of any use."""
        read = self._rules.properties.copy()
        for details in self._details.values():
            read.update(details.properties)
        for grouping in self._groupings.values():
            read.update(grouping.properties)
        if self._sentiment is not None:
            read.update(self._sentiment.names)
        return frozenset(read)

    def scores(self, code: str) -> bool:
        """Return whether a code is that of a type which the policy names.

        Args:
            code: of an event that this reader made.
        """
        return code in self._scoring

    def take_ignored(self) -> int:
        """Return how many properties were ignored since the last call, as their type was not the right one."""
        ignored, self._ignored = self._ignored + self._rules.ignored, 0
        self._rules.ignored = 0
        for details in self._details.values():
            ignored += details.ignored
            details.ignored = 0
        return ignored

    def _code_of_unknown(self, kind: str) -> str:
        code = type_code(self._name, kind)
        if code in self._taken:
            code = ""
        if len(self._codes) < _MOST_CODES and len(kind) <= _LONGEST_KEPT:
            self._codes[kind] = code
        return code

    def _digest(self, event_id: object) -> str:
        if type(event_id) is int:
            event_id = str(event_id)
        if type(event_id) is not str:
            detail = f"event_id is {described(event_id)}, and a string or a whole number of at most 64 bits is wanted"
            raise InvalidEvent("event_id_not_a_string", detail)
        salted = self._salted.copy()
        salted.update(event_id.encode())
        return b2a_base64(salted.digest())[:10].decode()
