"""What was known of a customer at a moment, and what happened afterwards.

Rests on decision 14.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from scoring.instants import NEVER


class CutOff(NamedTuple):
    """A cut-off: a time at which the score is looked at (microseconds), and the number of its column in the report."""

    time: int
    column: int


@dataclass(slots=True)
class Observation:
    """A customer at a moment; times in microseconds, the score in millionths.

    `last_event_at` is -1 where there was no event before. `events` are those in the window, of any type.
    `next_event_at` is `NEVER` where none came, as far as the history goes. `decayed` are the events again, fading by
    the policy's half-life.
    """

    customer: str
    moment: CutOff
    score: int
    band: int
    last_event_at: int
    events: int
    next_event_at: int = NEVER
    decayed: float = 0.0

    @property
    def active(self) -> bool:
        """Whether the customer had had an event."""
        return self.last_event_at >= 0


@dataclass(frozen=True, slots=True)
class Customer:
    """What the outcomes file says; times in microseconds, None where it does not say.

    `start` is where the days of the report count from. After `until` nothing is expected of the customer any more,
    and alerts mean nothing. `churned` is None where it is not known.
    """

    name: str
    stratum: str = ""
    start: int | None = None
    until: int | None = None
    churned: bool | None = None
    churned_at: int | None = None


def churned_after(customer: Customer, observation: Observation) -> bool | None:
    """Return the labelled outcome.

    Args:
        customer: with the label.
        observation: of that customer.

    Returns:
        Whether the customer churned after the moment; None where that cannot be asked: it is not known, the customer
        had left already, was to be active no longer, or had not had an event yet.
    """
    moment = observation.moment.time
    if customer.churned is None or not observation.active:
        return None
    if customer.churned and customer.churned_at is not None and customer.churned_at <= moment:
        return None
    if customer.until is not None and customer.until <= moment:
        return None
    return customer.churned


def fell_silent(observation: Observation, silence: int, known_until: int) -> bool | None:
    """Return the outcome that follows from the events themselves.

    Args:
        observation: of a customer.
        silence: microseconds.
        known_until: where the history ends, in microseconds.

    Returns:
        Whether no event came for so long after the moment; None where one cannot say: there was none in the same time
        before it, or the history ends too soon.
    """
    moment = observation.moment.time
    if not observation.active or observation.last_event_at < moment - silence or moment + silence > known_until:
        return None
    return observation.next_event_at >= moment + silence
