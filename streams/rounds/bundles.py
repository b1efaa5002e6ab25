"""Puts together what has to be written together: events that were sent under linked ids, and the customers' own.

Rests on decision 49.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from scoring.events.event import Event
from streams.store.protocol import CustomerRecord

#: By customer, or by the id that they were sent under.
Events = Mapping[str, Sequence[Event]]
Linked = Mapping[str, CustomerRecord]


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


def bundles_of(sent: Mapping[int, Events], linked: Linked, group_of: Callable[[str], int]) -> list[Bundle]:
    """Sort events by the customers whose they are.

    Args:
        sent: by group and the id that they were sent under.
        linked: the ids that are known to be linked, with their records, which say for whom they stand.
        group_of: tells the group of an id.

    Returns:
        Groups that no linked id connects are in bundles of their own.
    """
    found = {group: {name: linked[name] for name in events if name in linked} for group, events in sent.items()}
    return [
        _bundle({group: sent[group] for group in groups if group in sent}, found, group_of)
        for groups in _connected(found, group_of)
    ]


def _connected(found: Mapping[int, Linked], group_of: Callable[[str], int]) -> list[set[int]]:
    connected: list[set[int]] = []
    for group, linked in found.items():
        groups = {group, *[group_of(record.stands_for) for record in linked.values()]}
        apart = []
        for others in connected:
            if groups & others:
                groups |= others
            else:
                apart.append(others)
        connected = [*apart, groups]
    return connected


def _bundle(sent: Mapping[int, Events], found: Mapping[int, Linked], group_of: Callable[[str], int]) -> Bundle:
    linked = {name: record for group in sent for name, record in found[group].items()}
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
