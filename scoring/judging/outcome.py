"""What one evaluation of a customer did."""

from __future__ import annotations

from collections.abc import Sequence

from scoring.judging.alerts import Transition


class Outcome:
    """What an evaluation did: the transitions in order, and how many events were taken, repeated, or too old.

    `crowded` is how many actions were forgotten as there were too many of an object, or too many objects. `holding` are
    the silent feeds because of which a drop began to be held back.
    """

    __slots__ = ("ahead", "crowded", "duplicates", "holding", "late", "outdated", "taken", "transitions")

    def __init__(self) -> None:
        """Start with nothing done."""
        self.transitions: Sequence[Transition] = ()
        self.holding: Sequence[str] = ()
        self.taken = self.duplicates = self.outdated = self.ahead = self.late = self.crowded = 0
