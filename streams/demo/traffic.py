"""Made-up customers and what they do; the same for the same seed."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from random import Random
from typing import NamedTuple

SEED = 20_261
CUSTOMERS = 300
#: About one event in so many is sent a second time, as producers do.
_REPEATED = 50
#: Bad records come about this many seconds apart.
_BAD_SECONDS = 2.5

_FIRST = "ada ben clara dev elif femi greta hugo ines jun kofi lena mina noah omar priya rosa sam tara yuki"
_LAST = "adler berg costa diaz eriksen fofana goto haddad ito jansen kim lopez moreau novak okoye patel"

#: Channel, type, and how often it comes among a hundred or so. No bad type: those are a decision, not a habit.
_HABITS = (
    ("clickstream", "page_view", 30),
    ("clickstream", "click", 20),
    ("clickstream", "search", 8),
    ("clickstream", "add_to_cart", 8),
    ("clickstream", "purchase", 3),
    ("email", "open", 10),
    ("email", "click", 7),
    ("email", "reply", 2),
    ("social", "impression", 8),
    ("social", "like", 8),
    ("social", "comment", 4),
    ("social", "share", 3),
)
_KINDS = [(channel, kind) for channel, kind, _ in _HABITS]
_FREQUENCIES = [frequency for _, _, frequency in _HABITS]


class Phase(NamedTuple):
    """A stretch of a customer's life: how long (seconds), how busy (events/s), and what ends it, if anything."""

    seconds: float
    rate: float
    parting: tuple[str, str] | None = None


class Happening(NamedTuple):
    """An event to be sent `at` seconds after the start; `value` is what a bad record holds instead of an event."""

    at: float
    channel: str
    customer: str
    type: str
    number: int
    value: bytes = b""


#: What is bad about a bad record, in turn.
_BAD_RECORDS = (
    ("clickstream", b'{"userId": "ada.berg", "type": "page", "messageI'),
    ("email", b'{"type": "open", "timestamp": 1}'),
    ("social", b'{"customer_id": "ben.kim", "type": "like", "timestamp": "9999-12-31T23:59:59Z"}'),
    ("clickstream", b'{"userId": "", "type": "track", "event": "Button Clicked", "timestamp": "2026-11-30T10:00:00Z"}'),
    ("email", b"\xff\xfe not text"),
)


def customer_names(count: int) -> list[str]:
    """Name customers.

    Args:
        count: how many.

    Returns:
        Different names a person can read, such as ``ada.adler``; with a number where they run out.
    """
    first, last = _FIRST.split(), _LAST.split()
    names = []
    for index in range(count):
        round_, place = divmod(index, len(first) * len(last))
        # The last name moves on with the first, so that neighbours differ in both.
        name = f"{first[place % len(first)]}.{last[(place // len(first) + place) % len(last)]}"
        names.append(f"{name}.{round_ + 1}" if round_ else name)
    return names


def traffic(seed: int = SEED, customers: int = CUSTOMERS) -> Iterator[Happening]:
    """Make the traffic of all customers.

    Args:
        seed: the same seed makes the same traffic.
        customers: how many there are.

    Yields:
        What happens, in the order of time, without an end.
    """
    lives = [_life(Random(f"{seed}:{name}"), name, index) for index, name in enumerate(customer_names(customers))]  # noqa: S311 - no secret
    mishaps = _bad_records(Random(f"{seed}:bad"))  # noqa: S311 - no secret
    for number, (at, channel, customer, kind, value) in enumerate(heapq.merge(*lives, mishaps)):
        yield Happening(at, channel, customer, kind, number, value)
        if number % _REPEATED == 0 and not value:
            yield Happening(at, channel, customer, kind, number)


_Moment = tuple[float, str, str, str, bytes]


def _life(random: Random, customer: str, index: int) -> Iterator[_Moment]:
    lives = (_regular, _regular, _newcomer, _fading, _angry, _returning)
    at = 0.0
    for phase in lives[index % len(lives)](random):
        end = at + phase.seconds
        while phase.rate and (at := at + random.expovariate(phase.rate)) < end:
            channel, kind = random.choices(_KINDS, _FREQUENCIES)[0]
            yield at, channel, customer, kind, b""
        at = end
        if phase.parting is not None:
            channel, kind = phase.parting
            yield at, channel, customer, kind, b""


def _regular(random: Random) -> Iterator[Phase]:
    """Comes all the time, some more, some less."""
    usual = random.choice((0.4, 0.8, 1.2, 2.0, 3.0))
    while True:
        yield Phase(random.uniform(5, 15), usual * random.uniform(0.8, 1.2))


def _newcomer(random: Random) -> Iterator[Phase]:
    """Appears some time after the start, and warms to it."""
    yield Phase(random.uniform(1, 40), 0)
    for rate in (0.3, 0.8, 1.5):
        yield Phase(random.uniform(4, 8), rate)
    yield from _regular(random)


def _fading(random: Random) -> Iterator[Phase]:
    """Busy, then less, then silent for long: drops because nothing comes."""
    while True:
        yield Phase(random.uniform(4, 9), 3.0)
        yield Phase(random.uniform(3, 6), 0.4)
        yield Phase(random.uniform(20, 40), 0)


def _angry(random: Random) -> Iterator[Phase]:
    """Busy, then unsubscribes or complains: drops because of what came."""
    while True:
        parting = random.choice((("email", "unsubscribe"), ("email", "unsubscribe"), ("email", "complaint")))
        yield Phase(random.uniform(6, 14), 2.0, parting)
        yield Phase(random.uniform(20, 40), 0)


def _returning(random: Random) -> Iterator[Phase]:
    """Busy, away for longer than the window, and back again: recovers."""
    while True:
        yield Phase(random.uniform(4, 8), 4.0)
        yield Phase(random.uniform(12, 18), 0)
        yield Phase(random.uniform(10, 20), 2.2)


def _bad_records(random: Random) -> Iterator[_Moment]:
    at, turn = 0.0, 0
    while True:
        at += random.expovariate(1 / _BAD_SECONDS)
        channel, value = _BAD_RECORDS[turn % len(_BAD_RECORDS)]
        yield at, channel, "", "", value
        turn += 1


def watched(names: Sequence[str]) -> list[str]:
    """Choose customers to be watched: one of each life, and the next of those that drop.

    Args:
        names: of all customers, twelve at least.

    Returns:
        Eight of them.
    """
    return [names[index] for index in (0, 2, 3, 4, 5, 9, 10, 11)]
