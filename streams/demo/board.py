"""What is seen of the system at one moment."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import orjson

SHOWN_ALERTS = 8
_RATE_SECONDS = 3.0


@dataclass(slots=True)
class CustomerRow:
    """A watched customer: score and trend in points, band."""

    score: float
    trend: float
    band: str


@dataclass(slots=True)
class Board:
    """Counts and the newest of everything; filled while the demonstration runs, read by the screen.

    `sent` counts the records that Kafka has; `bands` the customers in each band; `by_event` and `by_silence` the churn
    alerts by what took the score down; `alerts` are the newest messages of the alerts' topic, newest first.
    """

    clock: Callable[[], float] = time.monotonic
    began: float = 0.0
    ended: float | None = None
    sent: int = 0
    bad: int = 0
    dead_letters: int = 0
    by_event: int = 0
    by_silence: int = 0
    recovered: int = 0
    bands: Mapping[str, int] = field(default_factory=dict)
    rows: Mapping[str, CustomerRow | None] = field(default_factory=dict)
    alerts: deque[dict[str, object]] = field(default_factory=lambda: deque(maxlen=SHOWN_ALERTS))
    _samples: deque[tuple[float, int]] = field(default_factory=deque)

    def __post_init__(self) -> None:
        """Begin to count the time."""
        self.began = self.clock()

    @property
    def elapsed(self) -> float:
        """Seconds from the beginning to the end, or to now."""
        return (self.clock() if self.ended is None else self.ended) - self.began

    def end(self) -> None:
        """Stop counting the time."""
        self.ended = self.clock()

    @property
    def scored(self) -> int:
        """How many customers have a score."""
        return sum(self.bands.values())

    def note_sent(self, sent: int, bad: int) -> None:
        """Take note of what Kafka has.

        Args:
            sent: records since the beginning.
            bad: how many of those are no events.
        """
        self.sent, self.bad = sent, bad
        now = self.clock()
        self._samples.append((now, sent))
        while self._samples[0][0] < now - _RATE_SECONDS:
            self._samples.popleft()

    @property
    def rate(self) -> float:
        """Records a second, over the last three seconds."""
        if not self._samples:
            return 0.0
        since, before = self._samples[0]
        return (self.sent - before) / max(self.clock() - since, 1.0)

    def note_alert(self, value: bytes) -> None:
        """Take note of a message of the alerts' topic.

        Args:
            value: its JSON.
        """
        alert = orjson.loads(value)
        self.alerts.appendleft(alert)
        if alert["kind"] in ("recovered", "returned"):
            self.recovered += 1
        elif any(reason["cause"] in ("event", "retracted") for reason in alert["reasons"]):
            self.by_event += 1
        else:
            self.by_silence += 1
