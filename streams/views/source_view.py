"""What becomes of the records of a source, as lines for programs and as a table for people."""

from __future__ import annotations

from collections import Counter
from typing import Any

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from scoring.instants import format_instant
from scoring.mapping.outcomes import Bad, LeftOut, MappedEvent, MappedLink, Outcome
from streams.views.tables import plain_table
from streams.views.wording import counted, printable

_LONGEST = 60
_WIDEST = 10_000
_MOST_REASONS = 20
#: The columns, with their shares of a screen that is too narrow for all; without one, a column is as wide as it is.
_SHARES = {
    "record": None,
    "part": None,
    "becomes": 5,
    "customer": 3,
    "time": 4,
    "event id": 3,
    "properties or reason": 6,
}


def as_object(record: Any, outcome: Outcome, counts_as: str = "") -> dict[str, Any]:
    """Give what becomes of a part as a JSON object.

    Args:
        record: the number or the place of the record.
        outcome: of one of its parts.
        counts_as: the type as which an event counts, where it is another than its own.
    """
    line: dict[str, Any] = {"record": record, "part": outcome.part}
    if isinstance(outcome, MappedEvent):
        line |= {"customer_id": outcome.customer, "channel": outcome.channel, "type": outcome.type}
        line |= {"counts_as": counts_as} if counts_as else {}
        line["timestamp"] = format_instant(outcome.time)
        line |= {} if outcome.id is None else {"event_id": outcome.id}
        line |= {} if outcome.properties is None else {"properties": outcome.properties}
    elif isinstance(outcome, MappedLink):
        line["link"] = {"id": outcome.id, "customer_id": outcome.customer}
    elif isinstance(outcome, LeftOut):
        line["skipped"] = outcome.why
    else:
        line["dead_letter"] = outcome.reason
    return line


class OutcomeTable:
    """Gathers what becomes of records, for people."""

    def __init__(self) -> None:
        """Begin."""
        self.table: Table = plain_table()
        for heading in _SHARES:
            self.table.add_column(heading, no_wrap=True, overflow="ellipsis")
        self._found: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()
        self._details: dict[str, list[str]] = {}
        self._unknown: Counter[str] = Counter()

    def add(self, record: Any, outcome: Outcome, counts_as: str | None = "") -> None:
        """Add what becomes of a part.

        Args:
            record: the number or the place of the record.
            outcome: of one of its parts.
            counts_as: the type as which an event counts, where it is another than its own; None for a type that the
                policy does not name.
        """
        if counts_as is None and isinstance(outcome, MappedEvent):
            self._unknown[f"{outcome.channel}.{outcome.type}"] += 1
        part = "" if outcome.part is None else str(outcome.part)
        if isinstance(outcome, Bad):
            reason = printable(f"{outcome.reason}: {outcome.detail}")
            self._details.setdefault(reason, []).append(f"{record}, part {part}" if part else str(record))
        cells = self._cells(outcome, counts_as or "")
        self.table.add_row(str(record), part, *[printable(_short(cell)) for cell in cells])

    def fit(self, console: Console) -> None:
        """Have the long columns share the screen if it is too narrow, so that the record can still be told.

        Args:
            console: on which the table is printed.
        """
        unlimited = console.options.update(max_width=_WIDEST)
        if Measurement.get(console, unlimited, self.table).maximum > console.width:
            self.table.expand = True
            for column, share in zip(self.table.columns, _SHARES.values(), strict=True):
                column.ratio = share

    @property
    def summary(self) -> str:
        """How many records became what."""
        parts = [counted(self._found["event"], "event"), counted(self._found["link"], "link")]
        parts += [f"{self._found['left out']:,} left out", counted(self._found["dead letter"], "dead letter")]
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in self._reasons.most_common())
        return ", ".join(parts) + (f" ({reasons})" if reasons else "")

    @property
    def unknown(self) -> str:
        """Which types the policy does not name, the commonest first; '' where it names all."""
        some = [f"{name} {count:,}" for name, count in self._unknown.most_common(_MOST_REASONS)]
        more = [f"and {len(self._unknown) - len(some):,} others"] * (len(self._unknown) > len(some))
        return printable(f"not named by the policy, so without points: {', '.join(some + more)}") if some else ""

    @property
    def details(self) -> list[str]:
        """Why records became dead letters, in full: the commonest first, each with how often and where first."""
        most = sorted(self._details.items(), key=lambda reason: -len(reason[1]))
        lines = [
            f"{reason} ({f'{len(where):,} times, first in ' if where[1:] else ''}record {where[0]})"
            for reason, where in most[:_MOST_REASONS]
        ]
        return lines + [f"and {len(most) - len(lines):,} other reasons"] * (len(most) > len(lines))

    def _cells(self, outcome: Outcome, counts_as: str) -> tuple[str, str, str, str, str]:
        if isinstance(outcome, MappedEvent):
            self._found["event"] += 1
            properties = ", ".join(f"{name}={value}" for name, value in (outcome.properties or {}).items())
            kind, time = f"{outcome.channel}.{counts_as or outcome.type}", format_instant(outcome.time)
            kind += f" ({outcome.type})" if counts_as else ""
            return kind, outcome.customer, time, outcome.id or "", properties
        if isinstance(outcome, MappedLink):
            self._found["link"] += 1
            return "a link", outcome.customer, "", "", f"{outcome.id} is {outcome.customer}"
        if isinstance(outcome, Bad):
            self._found["dead letter"] += 1
            self._reasons[outcome.reason] += 1
            return "dead letter", "", "", "", f"{outcome.reason}: {outcome.detail}"
        self._found["left out"] += 1
        return "left out", "", "", "", outcome.why


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
