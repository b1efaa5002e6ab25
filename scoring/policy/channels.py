"""The channels of a policy: which types of events each knows, and what these are worth.

Rests on decisions 5 and 95.
"""

from __future__ import annotations

import base64
import hashlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from scoring.mapping.type_rules import TypeRule, marked
from scoring.points import Number, plain_number
from scoring.rules.details import Amount
from scoring.rules.figure_rules import CountedChannel
from scoring.rules.pairing import Pairing
from scoring.rules.sentiment import Sentiment
from scoring.rules.sessions import SessionRule

NO_CAP: Final = sys.maxsize


def type_code(channel: str, name: str) -> str:
    """Make the code under which counts of an event type are stored.

    Args:
        channel: the channel's name.
        name: the event type within the channel.

    Returns:
        Four characters out of A-Z a-z 0-9 ``-`` ``_``: 24 bits of the BLAKE2b digest of both names.
    """
    digest = hashlib.blake2b(f"{channel}\0{name}".encode("utf-8", "surrogatepass"), digest_size=3).digest()
    return base64.urlsafe_b64encode(digest).decode()


@dataclass(frozen=True, slots=True)
class EventType:
    """One event type of a channel: its worth in millionths of a point, and how many count in one pane.

    `amounts` are what its events add to their pane beside their count; `object_property` names the property that says
    what an event is about, '' where nothing asks for it.

    With a `per` it is not the events that count but a number that they carry, added up under the code of that amount:
    the weight is for so much of it, and the cap how much of it counts in one pane, on either side of 0; all three in
    millionths.
    """

    code: str
    channel: int
    name: str
    weight: int
    cap: int = NO_CAP
    amounts: tuple[Amount, ...] = ()
    object_property: str = ""
    per: int = 0

    def counted(self, count: int) -> int:
        """Give how much of what stands in a pane the cap lets count.

        Args:
            count: of the events, or the sum of the number.
        """
        counted = min(count, self.cap)
        return max(counted, -self.cap) if self.per else counted

    def points(self, count: int) -> int:
        """Give what a pane is worth, in millionths of a point, rounded down.

        Args:
            count: of the events, or the sum of the number.
        """
        return self.uncapped(self.counted(count)) if self.per else min(count, self.cap) * self.weight

    def uncapped(self, count: int) -> int:
        """Give what a pane would be worth without the cap, in millionths of a point, rounded down.

        Args:
            count: of the events, or the sum of the number.
        """
        return count * self.weight // self.per if self.per else count * self.weight

    def shown(self, count: int) -> Number:
        """Write a count, or the sum of the number, for people.

        Args:
            count: as it stands in a pane.
        """
        return plain_number(count) if self.per else count


@dataclass(frozen=True, slots=True)
class Channel:
    """One kind of events: its name, its Kafka topic and the types that it knows.

    `silence_after` is how long it may be without any event before its feed counts as silent, in microseconds; 0: for
    ever. `sessions` says how its types make sessions, by their code; `machine` names for types, by their code, the
    property that marks the events of machines, and the code under which these are counted. `pairings` say what events
    of one object make of each other, `rules` which events count as those of another type. `numbers` are the numbers
    that bring points, each as an event type of its own, which no event has. `watched_by_sources` says that
    `silence_after` is that of its sources. `sentiment` says which texts become a number, None for none.
    """

    name: str
    topic: str
    types: tuple[EventType, ...]
    silence_after: int = 0
    sessions: tuple[tuple[str, SessionRule], ...] = ()
    machine: tuple[tuple[str, str, str], ...] = ()
    pairings: tuple[Pairing, ...] = ()
    rules: tuple[TypeRule, ...] = ()
    numbers: tuple[EventType, ...] = ()
    watched_by_sources: bool = False
    sentiment: Sentiment | None = None

    @property
    def type_rules(self) -> tuple[TypeRule, ...]:
        """Which events count as those of another type, in the order in which it is asked: first those of machines."""
        return (*[marked(*rule) for rule in self.machine], *self.rules)

    @property
    def earning(self) -> tuple[str, ...]:
        """The codes of the types whose events bring points: by themselves, or by a number that they carry."""
        bringing = {number.code for number in self.numbers if number.weight > 0}
        types = [kind for kind in self.types if kind.weight > 0 or bringing & {amount.code for amount in kind.amounts}]
        return tuple([kind.code for kind in types])

    def counted(self) -> CountedChannel:
        """Return what figures by the day count of the channel."""
        types = [kind for kind in (*self.types, *self.numbers) if kind.weight]
        return CountedChannel(
            self.name,
            tuple(sorted(self.earning)),
            tuple([kind.code for kind in types]),
            tuple([(kind.code, kind.cap) for kind in types if kind.cap < NO_CAP]),
            tuple([kind.code for kind in self.types]),
        )


def channel_lookups(channels: Sequence[Channel]) -> dict[str, object]:
    """Return what follows from the channels and is asked for with each event, by the field of the policy.

    Args:
        channels: of a policy, in order.
    """
    paired = {code: pairing for channel in channels for pairing in channel.pairings for code in pairing.codes}
    numbers = {number.code: number for channel in channels for number in channel.numbers}
    return {
        "types": {kind.code: kind for channel in channels for kind in channel.types} | numbers,
        "counts_numbers": bool(numbers),
        "earning": frozenset([code for channel in channels for code in channel.earning]),
        "sessions": {code: rule for channel in channels for code, rule in channel.sessions},
        "watched": {at: (each.name, each.silence_after) for at, each in enumerate(channels) if each.silence_after},
        "paired": paired,
        "counted_apart": frozenset(
            [code for each in channels for pairing in each.pairings for code, _ in pairing.own_codes(each.name)]
        ),
        "objects_kept": max([pairing.reach for pairing in paired.values()], default=0),
    }
