"""Episodes: messages that belong together, from the one that opens a case to the one that closes it.

Nothing here knows what an episode is about, so other kinds of messages than those of the score can form some.

Rests on decision 4.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

#: Stands for the id of a report that an earlier version made without the namespace.
PLAIN: Final = "plain"


class Report(NamedTuple):
    """A message of an episode: what its id is made of.

    `name` and `occurred_at` (microseconds) are the message's. `made` is '' where the id follows from them, `PLAIN`, or
    the id itself, where it was made for a customer id that has been linked since.
    """

    name: str
    occurred_at: int
    made: str = ""


@dataclass(frozen=True, slots=True)
class Episode:
    """The open episode of a customer: its reports, the one that opened it first.

    `lowest` is the lowest band that they reported, `base` the band that the customer has to be back in, and the
    `rearm_margin` above its bound, for the episode to end.
    """

    reports: tuple[Report, ...] = field(default=())
    lowest: int = 0
    base: int = 0

    def joined_by(self, other: Episode | None) -> Episode:
        """Go on with the reports of another episode, too; what ends this one then closes both.

        Args:
            other: of an id that has been linked to the customer; None for none.
        """
        if other is None:
            return self
        lowest, base = min(self.lowest, other.lowest), max(self.base, other.base)
        return replace(self, reports=(*self.reports, *other.reports), lowest=lowest, base=base)
