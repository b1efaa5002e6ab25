"""What the measures of a policy ask of its types: the properties to be read, and what is counted of all taken back.

Rests on decision 8.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from operator import attrgetter
from typing import Final

from scoring.policy.channels import Channel, EventType
from scoring.rules.details import LATEST, SUM, Amount, amount_of
from scoring.rules.pairing import Pairing, TakenBack, taken_back_code

_CODE: Final = attrgetter("code")


class AskedAmounts:
    """Notes what is asked for, and gives the codes under which it is stored."""

    def __init__(self, channels: tuple[Channel, ...]) -> None:
        """Start with what the types read anyway.

        Args:
            channels: of the policy, in order.
        """
        self._channels = channels
        # What each type adds to its pane, by the code of the type.
        kinds = [kind for channel in channels for kind in channel.types]
        self._amounts: dict[str, set[Amount]] = {kind.code: set(kind.amounts) for kind in kinds}
        # What is to be counted of all that is taken back, by the channel.
        self._taken_back: dict[str, set[TakenBack]] = {}

    def added_to(self, channels: tuple[Channel, ...]) -> tuple[Channel, ...]:
        """Give channels with what has been asked of their types, and of what these take back.

        Args:
            channels: of the policy.
        """
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

    def sums(self, types: list[EventType], name: str) -> tuple[str, ...]:
        """Give the codes of what is added up of some types.

        Args:
            types: of events.
            name: of the property; '' for the events themselves.
        """
        return self.amounts(types, name, SUM) if name else tuple(kind.code for kind in types)

    def amounts(self, types: list[EventType], name: str, way: str, bound: int = 0) -> tuple[str, ...]:
        """Have a property of some types read; give the codes under which it is stored.

        Args:
            types: of events.
            name: of the property.
            way: in which its values are added up.
            bound: from or up to which a value counts, in millionths, if the way asks for it.
        """
        codes = []
        for kind in types:
            amount = amount_of(self._owner(kind).name, kind.name, name, way, bound)
            self._amounts.setdefault(kind.code, set()).add(amount)
            codes.append(amount.code)
        return tuple(codes)

    def latest(self, types: list[EventType], name: str) -> tuple[str, ...]:
        """Have the latest value that a property has in events of any of some types kept, under one code for all.

        Args:
            types: of events.
            name: of the property.
        """
        joined = " ".join(sorted(kind.code for kind in types))
        amount = amount_of("", joined, name, LATEST)
        for kind in types:
            self._amounts.setdefault(kind.code, set()).add(amount)
        return (amount.code,)

    def taken_back(self, of: list[EventType], less: list[EventType]) -> tuple[str, ...]:
        """Have what some types take back of others counted: a difference would lose it twice.

        Args:
            of: the types that may be taken back.
            less: the types that may take back.
        """
        found = []
        for by in less:
            channel, taken = self._owner(by).name, self.taken_by(by)
            counted = [
                TakenBack(by.code, kind.code, taken_back_code(channel, by.name, kind.name))
                for kind in of
                if kind.code in taken
            ]
            self._taken_back.setdefault(channel, set()).update(counted)
            found += [each.code for each in counted]
        return tuple(found)

    def taken_by(self, by: EventType) -> set[str]:
        """Give the codes of the types that one takes back.

        Args:
            by: the type that takes back.
        """
        rules = [rule for pairing in self._owner(by).pairings for rule in pairing.retractions]
        return {code for rule in rules if rule.code == by.code for code in rule.takes_back}

    def _owner(self, kind: EventType) -> Channel:
        return self._channels[kind.channel]

    def shared_codes(self) -> Iterator[str]:
        """Name each property that would be stored under the code of another one."""
        owners: dict[str, tuple[str, Amount]] = {}
        for kind, amounts in self._amounts.items():
            for amount in sorted(amounts, key=_CODE):
                # A latest value is one for several types.
                owner = ("" if amount.way == LATEST else kind, amount)
                if owners.setdefault(amount.code, owner) != owner:
                    yield (
                        f"measures: the properties {amount.property} and {owners[amount.code][1].property} have the "
                        "same stored code; rename one"
                    )
