"""Feeds by brute force: when one is silent, and which of them bring a customer points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.reference.brute_force import Event, Policy


@dataclass
class Feed:
    """When the events of a channel were, those of all customers, and after how long without one it is silent."""

    silence_after: int
    times: Sequence[int]

    def silent(self, at: int) -> bool:
        """Return whether something has come before, and nothing within `silence_after`."""
        before = [time for time in self.times if time <= at]
        return bool(before) and at - max(before) >= self.silence_after


def brought_points(policy: Policy, taken: Sequence[Event], time: int) -> set[str]:
    """Name the channels with an event of a positive weight in the panes that count at a time."""
    current = time // policy.pane
    return {
        event.channel
        for event in taken
        if current - policy.panes < event.time // policy.pane <= current
        and policy.weights[event.channel].get(event.type, 0) > 0
    }
