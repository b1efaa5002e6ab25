"""How long a reader waits for the rest of a log: the client itself would try for ever, and say nothing.

Rests on decision 147.
"""

from __future__ import annotations

import time

from streams.errors import BrokerUnavailable

#: Longer than it takes to elect another leader.
SILENT_AFTER = 30.0


class Patience:
    """Sees whether a reader that has not come to the end of a log still gets on."""

    def __init__(self) -> None:
        """Begin to read."""
        self._place: object = None
        self._since: float | None = None

    def note(self, place: object) -> None:
        """Note where the reader stands after a fetch.

        Args:
            place: another one after whatever was read.

        Raises:
            BrokerUnavailable: if fetches have brought nothing for `SILENT_AFTER`.
        """
        now = time.monotonic()
        if place != self._place:
            self._place, self._since = place, None
        elif self._since is None:
            # What was done between two fetches is no silence.
            self._since = now
        elif now - self._since > SILENT_AFTER:
            raise BrokerUnavailable(f"Kafka has given no more records for {SILENT_AFTER:g} s, and the log goes on")
