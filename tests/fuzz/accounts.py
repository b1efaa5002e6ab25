"""The sums at the end: what every customer has, and what the counters say, against the events that were accepted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from scoring.customer.state import CustomerState
from scoring.points import text as points_text
from scoring.policy.channels import type_code
from scoring.policy.policy import BANDS
from tests.reference import brute_force
from tests.unit.streams.bench import Bench

Counts = Counter[tuple[int, str, str]]
"""By pane, channel and type; both are '' for what the policy does not name."""


class DifferenceError(AssertionError):
    """The product and the oracle do not agree; the record, where one is to blame, and the time at which it was read."""

    def __init__(self, message: str, value: bytes | None = None, wall: int = 0, channel: str = "") -> None:
        """Keep what reproduces it."""
        super().__init__(message)
        self.value = value
        self.wall = wall
        self.channel = channel


@dataclass
class Accepted:
    """What the oracle says that a customer has: the events that count, and the ids by channel, each since when."""

    events: list[brute_force.Event] = field(default_factory=list)
    ids: dict[tuple[str, str], int] = field(default_factory=dict)
    duplicates: int = 0


class Accounts:
    """Compares a product that has come to rest with the oracle."""

    def __init__(self, bench: Bench, rule: brute_force.Policy, types: Mapping[str, Sequence[str]]) -> None:
        """Keep what is compared.

        Args:
            bench: the product.
            rule: the policy, as the brute force reads it.
            types: of each channel, those that the policy names.
        """
        self._bench = bench
        self._rule = rule
        self._types = types

    async def settle(
        self, customers: Mapping[str, Accepted], read: Mapping[tuple[str, str], int], now: int, horizon: int
    ) -> Counter[str]:
        """Compare everything.

        Args:
            customers: with the events that they should have.
            read: how many records came to which end, by channel.
            now: the time up to which all customers have been judged.
            horizon: the time of the last events that have been taken.

        Returns:
            What became of the events.

        Raises:
            DifferenceError: for the first thing that is not as it should be.
        """
        bench = self._bench
        ahead = duplicates = 0
        for (channel, outcome), count in read.items():
            counted = bench.count("engagement_events_total", channel=channel, outcome=outcome)
            if counted != count:
                raise DifferenceError(f"{channel} {outcome}: counted {counted:g} records, there were {count}")
        for customer, accepted in customers.items():
            [record] = await bench.store.load([customer])
            ahead += len(record.state.ahead)
            duplicates += accepted.duplicates
            self._check(customer, accepted, record.state, now, horizon)
        strangers = bench.store.hashes.keys() - customers.keys()
        if strangers:
            raise DifferenceError(f"nobody has sent events of {sorted(strangers)[:3]}")
        events = sum(len(accepted.events) for accepted in customers.values())
        return self._scored(events, duplicates, ahead) + Counter(
            customers=len(customers), transitions=len(bench.publisher.messages)
        )

    def _scored(self, events: int, duplicates: int, ahead: int) -> Counter[str]:
        counted = Counter(
            {
                name: int(self._bench.count("engagement_scored_events_total", outcome=name))
                for name in ("taken", "duplicates", "outdated", "late")
            }
        )
        if counted["duplicates"] != duplicates:
            raise DifferenceError(f"{counted['duplicates']} duplicates, there were {duplicates}")
        if counted["taken"] + counted["outdated"] + ahead != events:
            raise DifferenceError(f"{counted}, {ahead} kept aside, of {events} events")
        return counted + Counter(ahead=ahead)

    def _check(self, customer: str, accepted: Accepted, state: CustomerState, now: int, horizon: int) -> None:
        now = max(now, state.judged)
        events = [event for event in accepted.events if event.time <= max(horizon, now)]
        events.sort(key=brute_force.event_time)
        facts = {
            "counts": _apart(self._counts_in(state), self._counts_of(events, now)),
            "ahead": (len(state.ahead), len(accepted.events) - len(events)),
        }
        if events:
            points = brute_force.points_by_channel(events, self._rule, now)
            score = sum(points.values())
            band = self._rule.band(score)
            stored = self._bench.store.hashes.get(customer, {})
            facts |= {
                "score": (state.score, score),
                "channels": (state.channel_points, list(points.values())),
                "band": (BANDS[state.band], band),
                "stored": (
                    [stored.get(name) for name in ("score", "band", *points)],
                    [points_text(score), band, *map(points_text, points.values())],
                ),
            }
        wrong = {name: pair for name, pair in facts.items() if pair[0] != pair[1]}
        if wrong:
            raise DifferenceError(f"{customer!r}: found and wanted {wrong}")

    def _counts_of(self, events: Sequence[brute_force.Event], now: int) -> Counts:
        policy = self._bench.policy
        oldest = now // policy.pane - policy.kept_panes
        counts: Counts = Counter()
        for event in events:
            pane = event.time // policy.pane
            if pane <= oldest:
                continue
            if event.type in self._types[event.channel]:
                counts[pane, event.channel, event.type] += 1
            elif type_code(event.channel, event.type) not in policy.types:
                # What the policy does not name is counted by its code; where that is another type's, not at all.
                counts[pane, "", ""] += 1
        return counts

    def _counts_in(self, state: CustomerState) -> Counts:
        policy = self._bench.policy
        found: Counts = Counter()
        for pane, counts in state.panes.items():
            for code, count in counts.items():
                kind = policy.types.get(code)
                found[(pane, policy.channels[kind.channel].name, kind.name) if kind else (pane, "", "")] += count
        return found


def _apart(found: Counts, wanted: Counts) -> tuple[Counts, Counts]:
    """Leave out what is the same."""
    same = found.items() & wanted.items()
    return Counter(dict(found.items() - same)), Counter(dict(wanted.items() - same))
