"""What one customer adds to the sums of measures, by day, session and band.

Rests on decisions 100 and 101.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from scoring.figures.tally_fields import tally_panes
from scoring.instants import DAY
from scoring.rules.session_sums import Visits, session_fields
from scoring.rules.tally import Panes, Tally

#: No visits in any channel.
NO_VISITS: Final[Mapping[str, Visits]] = {}
#: Nobody's band has changed.
NO_CHANGES: Final[Sequence[tuple[int, int]]] = ()
_NO_BAND: Final = -1


class Counted:
    """Counts and amounts by pane and code, visits by channel and pane, and the changes of band: day and band."""

    __slots__ = ("changes", "panes", "visits")

    def __init__(
        self,
        panes: Panes,
        visits: Mapping[str, Visits] = NO_VISITS,
        changes: Sequence[tuple[int, int]] = NO_CHANGES,
    ) -> None:
        """Put it together; see above for the arguments."""
        self.panes = panes
        self.visits = visits
        self.changes = changes

    def band_at(self, pane: int, length: int) -> int:
        """Give the band in which the customer was at the end of the day on which a pane ends.

        Args:
            pane: its number.
            length: of a pane, in microseconds.

        Returns:
            Its index; -1 where it is not known.
        """
        day = ((pane + 1) * length - 1) // DAY
        for at in range(len(self.changes) - 1, -1, -1):
            if self.changes[at][0] <= day:
                return self.changes[at][1]
        return _NO_BAND

    def panes_in(self, band: int, length: int) -> Panes:
        """Give the panes of the time in a band.

        Args:
            band: its index.
            length: of a pane, in microseconds.
        """
        return {pane: counts for pane, counts in self.panes.items() if self.band_at(pane, length) == band}

    def kept(self, kept_from: int) -> Counted:
        """Give the same without what is too old.

        Args:
            kept_from: the first pane that is kept.
        """
        panes = {pane: counts for pane, counts in self.panes.items() if pane >= kept_from}
        visits = {
            channel: {pane: some for pane, some in by_pane.items() if pane >= kept_from}
            for channel, by_pane in self.visits.items()
        }
        return Counted(panes, visits, self.changes)


def counted_fields(tally: Tally, counted: Counted, kept_from: int) -> dict[str, int]:
    """Return what a customer adds to the sums altogether.

    Args:
        tally: by which the customer is counted.
        counted: of the customer, from the first pane that is kept.
        kept_from: that pane.

    Returns:
        By field.
    """
    found = tally_panes(tally, counted.panes, kept_from)
    for channel, pause in tally.sessions:
        found |= session_fields(channel, counted.visits.get(channel, {}), pause, tally.session_start(pause, kept_from))
    if tally.by_band:
        found |= by_band(tally, [field for field in found.items() if field[0][0] == "v"], counted)
        for band in {band for _, band in counted.changes}:
            found |= tally_panes(tally, counted.panes_in(band, tally.pane), kept_from, band_mark(band))
    return found


def as_it_was(now: Counted, before: Counted) -> Counted:
    """Put together what a customer had before a change.

    Args:
        now: what the customer has.
        before: panes and visits that have been changed, as they were, and all changes of band that there were.
    """
    changed = {channel: {**now.visits.get(channel, {}), **panes} for channel, panes in before.visits.items()}
    return Counted({**now.panes, **before.panes}, {**now.visits, **changed}, before.changes)


def moved_panes(now: Counted, before: Counted, length: int) -> set[int]:
    """Find the panes, or those of visits, at whose end the customer was in another band than is stored.

    Args:
        now: what the customer has.
        before: the changes of band that there were.
        length: of a pane, in microseconds.
    """
    if len(now.changes) == len(before.changes):
        return set()
    panes = {*now.panes, *before.panes}
    for visits in (*now.visits.values(), *before.visits.values()):
        panes.update(visits)
    return {pane for pane in panes if now.band_at(pane, length) != before.band_at(pane, length)}


def by_band(tally: Tally, sessions: Sequence[tuple[str, int]], counted: Counted) -> dict[str, int]:
    """Give sums of sessions the names of those of the bands in which they began.

    Args:
        tally: by which the customer is counted.
        sessions: fields and amounts.
        counted: of the customer.

    Returns:
        By field.
    """
    found: dict[str, int] = {}
    for field, amount in sessions:
        band = counted.band_at(int(field[1 : field.index(".")]), tally.pane)
        if band >= 0:
            found[field + band_mark(band)] = amount
    return found


def band_mark(band: int) -> str:
    """Give what the fields of a band end in.

    Args:
        band: its index.
    """
    return f"@{band}"
