"""Puts together what has to be written together: events that were sent under linked ids, and the customers' own.

Rests on decision 49.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from scoring.events.event import Event
from streams.store.protocol import CustomerRecord

#: Linked ids that a worker remembers; a few hundred bytes each.
MOST_REMEMBERED = 50_000

#: By customer, or by the id that they were sent under.
Events = Mapping[str, Sequence[Event]]


@dataclass(frozen=True, slots=True)
class Bundle:
    """Groups that are written together, as one has events for a customer of another.

    `sent` holds the events by the group whose fences cover them and the id that they were sent under, `events` the same
    ones by the customer whose they are, and the customer's group. `followed` are the versions of the linked ids.
    """

    sent: Mapping[int, Events]
    events: Mapping[int, Events]
    followed: Mapping[str, str] = field(default_factory=dict)

    @property
    def customers(self) -> list[str]:
        """All whose events they are."""
        return [customer for events in self.events.values() for customer in events]


class LinkedIds:
    """The linked ids that this worker has met; the store refuses a write for which one of them is out of date."""

    def __init__(self, most: int = MOST_REMEMBERED) -> None:
        """Start with none.

        Args:
            most: ids that are remembered.
        """
        self._most = most
        self._records: dict[str, CustomerRecord] = {}

    def __len__(self) -> int:
        """Count the ids."""
        return len(self._records)

    def __contains__(self, name: str) -> bool:
        """Return whether an id is known to be linked."""
        return name in self._records

    def note(self, name: str, record: CustomerRecord) -> None:
        """Remember an id.

        Args:
            name: the id.
            record: as loaded; says for whom it stands.
        """
        self._records[name] = record

    def drop(self, names: Iterable[str]) -> None:
        """Forget ids, so that they are loaded again."""
        for name in names:
            self._records.pop(name, None)

    def drop_those_of(self, customers: Iterable[str]) -> list[str]:
        """Forget the ids that stand for customers; returns them."""
        gone = set(customers)
        names = [name for name, record in self._records.items() if record.stands_for in gone]
        self.drop(names)
        return names

    def clear(self) -> None:
        """Forget everything."""
        self._records.clear()

    def trim(self) -> None:
        """Forget those that were met first, down to the bound."""
        self.drop(list(self._records)[: max(len(self._records) - self._most, 0)])

    def bundles(self, sent: Mapping[int, Events], group_of: Callable[[str], int]) -> list[Bundle]:
        """Sort events by the customers whose they are.

        Args:
            sent: by group and the id that they were sent under.
            group_of: tells the group of an id.

        Returns:
            Groups that no linked id connects are in bundles of their own.
        """
        found = {group: [name for name in events if name in self._records] for group, events in sent.items()}
        return [
            self._bundle({group: sent[group] for group in groups if group in sent}, found, group_of)
            for groups in self._connected(found, group_of)
        ]

    def _connected(self, found: Mapping[int, Sequence[str]], group_of: Callable[[str], int]) -> list[set[int]]:
        connected: list[set[int]] = []
        for group, names in found.items():
            groups = {group, *[group_of(self._records[name].stands_for) for name in names]}
            apart = []
            for others in connected:
                if groups & others:
                    groups |= others
                else:
                    apart.append(others)
            connected = [*apart, groups]
        return connected

    def _bundle(
        self, sent: Mapping[int, Events], found: Mapping[int, Sequence[str]], group_of: Callable[[str], int]
    ) -> Bundle:
        linked = {name: self._records[name] for group in sent for name in found[group]}
        if not linked:
            return Bundle(sent, sent)
        groups: dict[int, dict[str, list[Event]]] = {group: defaultdict(list) for group in sent}
        for group, events in sent.items():
            for name, its in events.items():
                record = linked.get(name)
                if record is None:
                    groups[group][name] += its
                else:
                    groups.setdefault(group_of(record.stands_for), defaultdict(list))[record.stands_for] += its
        return Bundle(sent, groups, {name: record.version for name, record in linked.items()})
