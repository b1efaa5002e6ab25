"""The input of the fault suite: one endless stream of records for all channels, the same for the same seed.

Customers are chosen by Zipf out of those who are about; who is about changes, so that customers drop by silence all the
time, and some types take points away, so that others drop by an event. A part of the records is bad, a part comes
again, a part is late, and a part has no key, so that any worker can meet any customer. No two events have one time.
"""

from __future__ import annotations

import heapq
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, count
from typing import Any

from tests.faults.bad_records import BAD_VALUES
from tests.reference.brute_force import rfc3339

SECOND = 1_000_000
MINUTE, HOUR = 60 * SECOND, 3_600 * SECOND
#: How far apart events usually are, in event time: 1,200 an hour.
STEP = 3 * SECOND
#: Key of all copies where every record has a key of its own.
COPY = b"copy"
#: 2024-01-01
START = 1_704_067_200 * SECOND

_KINDS = {
    ("clickstream", "page_view"): 300,
    ("clickstream", "search"): 120,
    ("clickstream", "add_to_cart"): 90,
    ("clickstream", "purchase"): 30,
    ("clickstream", "scroll"): 10,  # no type of the policy: counted, scores nothing
    ("email", "open"): 100,
    ("email", "click"): 60,
    ("email", "bounce"): 10,
    ("email", "unsubscribe"): 8,
    ("email", "complaint"): 4,
    ("social", "impression"): 60,
    ("social", "like"): 80,
    ("social", "share"): 60,
    ("social", "unfollow"): 20,
}


@dataclass(frozen=True, slots=True)
class StreamRecord:
    """A record: `events` are what the brute force is given, none where a copy came before, or the record is bad.

    `reason` is that of the dead letter which a bad record becomes, else ''.
    """

    channel: str
    key: bytes | None
    value: bytes | None
    events: tuple[dict[str, Any], ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class Mixture:
    """What a stream is made of; shares are of all records.

    `named` events have an `event_id`; one without counts as often as it is applied, so that no fault can hide behind
    the memory of ids. `copies` are the least and the most deliveries of a `repeated` event, within `copies_within` of
    event time. A `late` event comes up to `late_within` late; the policy's lateness has to be longer. `once` are events
    of customers who are hardly ever seen. `channel_behind` delays a channel by a length of event time. `half_by_one`
    gives half of all events to one customer. Up to so many events of one partition stand `together` in a record, as an
    array; there must be no bad ones then. With `own_keys` every record has a key that no other has, but for the
    copies, which all share one: a compacted topic may then drop copies, and nothing else. Events are `apart` by so much
    of event time.
    """

    bad: float = 0.004
    named: float = 0.4
    repeated: float = 0.03
    copies: tuple[int, int] = (2, 4)
    copies_within: int = 29 * HOUR
    late: float = 0.2
    late_within: int = 9 * MINUTE
    keyless: float = 0.3
    once: float = 0.15
    half_by_one: bool = False
    together: int = 1
    own_keys: bool = False
    channel_behind: dict[str, int] = field(default_factory=dict)
    apart: int = STEP


class EventStream:
    """An endless iterator over records."""

    def __init__(self, seed: int, prefix: str, mixture: Mixture | None = None) -> None:
        """Prepare.

        Args:
            seed: of everything random.
            prefix: of the customers' ids, so that they are the stream's own.
            mixture: other than the usual one.
        """
        self._dice = random.Random(seed)
        self._prefix = prefix
        self._mixture = mixture or Mixture()
        self._crowd = _Crowd(self._dice)
        self._kinds = list(_KINDS)
        self._kind_weights = list(accumulate(_KINDS.values()))
        # What comes later, by when (event time) and a number that keeps equal times apart.
        self._later: list[tuple[int, int, StreamRecord]] = []
        self._number = count()
        self.newest = START

    def __iter__(self) -> Iterator[StreamRecord]:
        """Make records in the order in which they are sent."""
        mixture, dice = self._mixture, self._dice
        for number in count():
            now = START + number * mixture.apart
            while self._later and self._later[0][0] <= now:
                yield heapq.heappop(self._later)[2]
            if dice.random() < mixture.bad:
                yield self._bad(number)
                continue
            time = now + dice.randrange(mixture.apart)
            if dice.random() < mixture.late:
                time -= dice.randrange(mixture.late_within)
            copies = dice.randint(*mixture.copies) - 1 if dice.random() < mixture.repeated else 0
            record = self._event(number, time, named=bool(copies) or dice.random() < mixture.named)
            again = StreamRecord(record.channel, COPY if mixture.own_keys else record.key, record.value)
            behind = mixture.channel_behind.get(record.channel, 0)
            for _ in range(copies):
                self._keep(now + behind + dice.randrange(1, mixture.copies_within), again)
            if behind:
                self._keep(now + behind, record)
            else:
                yield record

    def together(self, records: Sequence[StreamRecord]) -> Sequence[StreamRecord]:
        """Give the records that hold those for one partition: arrays, if the mixture has such."""
        most = self._mixture.together
        if most == 1:
            return records
        parts = [records[start : start + most] for start in range(0, len(records), most)]
        return [
            StreamRecord(
                some[0].channel,
                some[0].key,
                b"[%b]" % b",".join([record.value for record in some if record.value is not None]),
                tuple([event for record in some for event in record.events]),
            )
            for some in parts
        ]

    def last_event(self, channel: str, partition: int, time: int) -> StreamRecord:
        """Make an event that takes the clock of a partition to a time, in microseconds."""
        body = {
            "customer_id": f"{self._prefix}last-{channel}-{partition}",
            "type": "last",
            "timestamp": rfc3339(time),
        }
        return StreamRecord(channel, b"last", json.dumps(body).encode(), ({"channel": channel, **body},))

    def _keep(self, until: int, record: StreamRecord) -> None:
        heapq.heappush(self._later, (until, next(self._number), record))

    def _event(self, number: int, time: int, *, named: bool) -> StreamRecord:
        mixture, dice = self._mixture, self._dice
        self.newest = max(self.newest, time)
        if mixture.half_by_one and dice.random() < 0.5:
            name = "one"
        elif dice.random() < mixture.once:
            name = f"rare{dice.randrange(10_000)}"
        else:
            name = self._crowd.choose(number)
        customer = f"{self._prefix}{name}"
        ((channel, kind),) = dice.choices(self._kinds, cum_weights=self._kind_weights)
        body = {"customer_id": customer, "type": kind, "timestamp": rfc3339(time)}
        if named:
            body["event_id"] = f"e{number}"
        key = None if dice.random() < mixture.keyless else customer.encode()
        if mixture.own_keys:
            key = f"{number}".encode()
        return StreamRecord(channel, key, json.dumps(body).encode(), ({"channel": channel, **body},))

    def _bad(self, number: int) -> StreamRecord:
        (channel, _), (reason, make) = self._dice.choice(self._kinds), self._dice.choice(BAD_VALUES)
        customer = f"{self._prefix}{self._crowd.choose(number)}"
        value = make({"customer_id": customer, "type": "open", "timestamp": rfc3339(START), "event_id": f"b{number}"})
        return StreamRecord(channel, customer.encode(), value, reason=reason)


class _Crowd:
    """Those who are about: each of 120 places, by Zipf more or less busy, is held by a customer for some hours."""

    PLACES, CUSTOMERS = 120, 2_000
    STAY = 5 * 1_200  # events of the stream, on average

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._weights = list(accumulate(rank**-0.8 for rank in range(1, self.PLACES + 1)))
        self._places = range(self.PLACES)
        self._holders = [""] * self.PLACES
        self._until = [0] * self.PLACES

    def choose(self, number: int) -> str:
        """Choose the customer of an event by its number."""
        (place,) = self._dice.choices(self._places, cum_weights=self._weights)
        if number >= self._until[place]:
            self._until[place] = number + int(self._dice.expovariate(1 / self.STAY))
            self._holders[place] = f"c{self._dice.randrange(self.CUSTOMERS)}"
        return self._holders[place]
