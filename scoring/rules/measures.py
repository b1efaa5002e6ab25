"""Measures: numbers and words about a customer that a policy declares beside the score.

Rests on decision 8.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

#: A sum of counts and amounts, over another one or not; most kinds of the policy file are one of these.
FRACTION: Final = "fraction"
#: The same over the latest value of a property.
RATE: Final = "rate"
#: A fraction of one customer's events; over all customers the share of those who have any of `of` among those who have
#: any of `to`.
SHARE: Final = "share"
#: A fraction per time, in which a customer's own time counts where it is shorter than that of the measure.
PROJECTED: Final = "projected"
#: The forms that are made of sums, so that they can be published for all customers combined.
SUMMED: Final = (FRACTION, RATE, SHARE)
#: How many panes had an event.
PANES: Final = "panes"
REGULARITY: Final = "regularity"
#: What is read off the sessions of a channel.
SESSIONS: Final = "sessions"
SESSION_TIME: Final = "session_time"
SESSION_DURATION: Final = "session_duration"
PAGES_PER_SESSION: Final = "pages_per_session"
TIME_ON_PAGE: Final = "time_on_page"
BOUNCE_RATE: Final = "bounce_rate"
RETURNING: Final = "returning"
SESSION_FORMS: Final = (
    SESSIONS,
    SESSION_TIME,
    SESSION_DURATION,
    PAGES_PER_SESSION,
    TIME_ON_PAGE,
    BOUNCE_RATE,
    RETURNING,
)


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure: its name, its form, and over how many panes it is taken, the present one included.

    A fraction is (sum of `of` - sum of `less`) x `numerator` / (`denominator` x sum of `to`), the sums being those of
    the counts and amounts with these codes; without `to` the last factor is 1. `channel` is the stored code of the
    channel whose sessions are meant, `pause` what ends one of them, in seconds. `step` is the length, in microseconds,
    of what a customer's own time is counted in where the measure is projected: its `denominator` is for a microsecond.
    """

    name: str
    form: str
    panes: int
    of: tuple[str, ...] = ()
    less: tuple[str, ...] = ()
    to: tuple[str, ...] = ()
    numerator: int = 1
    denominator: int = 1
    channel: str = ""
    pause: int = 0
    step: int = 0

    @property
    def is_number(self) -> bool:
        """Whether it is published as a number, not as a word."""
        return self.form not in (REGULARITY, RETURNING)
