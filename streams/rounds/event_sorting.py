"""Sorts the events of batches by fence group and customer.

Rests on decision 28.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from scoring.events.event import Event
from streams.records import DecodedBatch, Partition


def by_group(
    batches: Sequence[DecodedBatch], offsets_of: Callable[[Partition], Sequence[int]], group_of: Callable[[str], int]
) -> tuple[dict[int, dict[str, list[Event]]], int]:
    """Sort events, leaving out what a group has applied before.

    The same records may be in hand twice, from before and after the consumer was sent back: they count once.

    Args:
        batches: those of a partition in the order of their offsets.
        offsets_of: gives the offsets up to which the groups have applied a partition.
        group_of: tells the group of a customer.

    Returns:
        The events by group and customer, and how many were left out.
    """
    found: dict[str, list[Event]] = {}
    taken: dict[Partition, int] = {}
    applied_before = 0
    for batch in batches:
        partition = batch.raw.partition
        offsets, before = offsets_of(partition), taken.get(partition, 0)
        behind = max(before, *offsets) > batch.raw.base
        for offset, customer, event in batch.events:
            if behind and (offset < before or offset < offsets[group_of(customer)]):
                applied_before += 1
                continue
            events = found.get(customer)
            if events is None:
                found[customer] = [event]
            else:
                events.append(event)
        taken[partition] = max(before, batch.raw.next_offset)
    groups: dict[int, dict[str, list[Event]]] = {}
    for customer, events in found.items():
        group = group_of(customer)
        if group not in groups:
            groups[group] = {}
        groups[group][customer] = events
    return groups, applied_before
