"""The names of types that the policy does not name: counted within bounds, as anybody may send endless ones.

Rests on decision 69.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

#: So many names of a channel are told apart; the others are counted together, under ''.
MOST_NAMES: Final = 100
#: Characters of a name that are kept.
LONGEST_NAME: Final = 64
_ALIKE: Final = 0.75

#: By channel and type.
Names = dict[tuple[str, str], int]


class UnknownNames:
    """Counts events by channel and unknown type until the counts are taken."""

    def __init__(self) -> None:
        """Start with none."""
        self._counts: Names = {}
        self._names: dict[str, int] = {}

    def note(self, channel: str, kind: str) -> None:
        """Count an event.

        Args:
            channel: the channel's name.
            kind: the type, as it was sent.
        """
        entry = (channel, kind[:LONGEST_NAME])
        if entry not in self._counts:
            if self._names.get(channel, 0) >= MOST_NAMES:
                entry = (channel, "")
            else:
                self._names[channel] = self._names.get(channel, 0) + 1
        self._counts[entry] = self._counts.get(entry, 0) + 1

    def take(self) -> Names:
        """Give the counts since this was asked last."""
        taken, self._counts, self._names = self._counts, {}, {}
        return taken


def nearest(name: str, known: Iterable[str]) -> str:
    """Find the known type that was probably meant.

    Args:
        name: as it was sent.
        known: the types of the channel.

    Returns:
        One that differs only in case, hyphens and the like, else one that is spelled much alike; '' for none.
    """
    by_letters = {_letters(each): each for each in known}
    alike = get_close_matches(_letters(name), by_letters, n=1, cutoff=_ALIKE)
    return by_letters[alike[0]] if alike else ""


def _letters(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold()
