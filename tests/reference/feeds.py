"""Feeds by brute force: when one is silent, and which of them bring a customer points."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from tests.reference.brute_force import Event, Policy


@dataclass
class Feed:
    """When the events of a channel were, those of all customers, and after how long without one it is silent.

    With a change of policy it is silent after another time: after the first of a pair, after the second.
    """

    silence_after: int
    times: Sequence[int]
    changes: Sequence[tuple[int, int]] = ()

    def after(self, at: int) -> int:
        """Return after how long it is silent by the policy of a time, 0 where that does not watch it."""
        return next((apart for since, apart in reversed(self.changes) if since < at), self.silence_after)

    def silent(self, at: int) -> bool:
        """Return whether something has come before, and nothing within `silence_after`."""
        before = [time for time in self.times if time <= at]
        return self.after(at) > 0 and bool(before) and at - max(before) >= self.after(at)


def watched(feeds: Mapping[str, Feed], channels: Collection[str], at: int) -> set[str]:
    """Name those of some channels that are watched at a time."""
    return {channel for channel in channels if channel in feeds and feeds[channel].after(at)}


def brought_points(policy: Policy, taken: Sequence[Event], time: int) -> set[str]:
    """Name the channels with an event of a positive weight in the panes that count at a time."""
    current = time // policy.pane
    return {
        event.channel
        for event in taken
        if current - policy.panes < event.time // policy.pane <= current
        and policy.weights[event.channel].get(event.type, 0) > 0
    }
