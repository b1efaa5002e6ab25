"""Compares a customer as stored with the same customer computed anew.

Rests on decisions 42 and 112.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from scoring.customer.state import NONE, CustomerState
from scoring.feeds.feeds import NO_FEEDS, Feeds
from scoring.instants import SECOND
from scoring.judging.moment import Moment
from scoring.judging.walk import advance
from scoring.policy.policy import BANDS, Policy
from streams.errors import UnreadableCustomer
from streams.rebuild.bounds import horizon_of
from streams.settings.settings import Settings
from streams.store.fields.customer_field import Facts, Known
from streams.store.fields.customer_fields import FIELDS
from streams.store.fields.customer_reading import decode
from streams.store.fields.customer_writing import linked_ids, stands_for
from streams.store.fields.signal_fields import signal_facts
from streams.store.protocol import CustomerRecord
from streams.store.redis.replacing import View

#: What a hash that somebody has changed by hand makes the decoding, or then the judging, fail with.
_UNREADABLE = (UnreadableCustomer, ValueError, KeyError, IndexError, TypeError)


@dataclass(frozen=True, slots=True)
class Comparison:
    """How to compare: at which time (microseconds), whether the log tells the whole history, what is known of feeds.

    `since` is the number of the first day whose activity the log tells whole; None where it does of all days.
    """

    settings: Settings
    time: int
    whole_history: bool
    feeds: Feeds = NO_FEEDS
    since: int | None = None

    def differences(self, live: View, rebuilt: View) -> list[str]:
        """Return what is wrong with a live customer.

        Args:
            live: as stored.
            rebuilt: computed anew, from the same of the log.

        Returns:
            A few words for each difference; none if the customer is right.
        """
        policy = self.settings.policy
        whose, wanted_whose = stands_for(live.fields), stands_for(rebuilt.fields)
        if whose or wanted_whose:
            return _links_differ(live, whose, wanted_whose)
        if not live.fields:
            return [] if rebuilt.absent and live.absent else ["is missing"] if not rebuilt.absent else ["has no hash"]
        try:
            record = decode(policy, live.fields)
            wrong = list(_inconsistencies(policy, live, record))
            if rebuilt.absent:
                self._judge(record.state)
                silent = not record.state.panes and not record.state.ahead
                return wrong if silent else ["the log holds nothing of the customer"]
        except _UNREADABLE:
            return ["cannot be read"]
        theirs = decode(policy, rebuilt.fields)
        at = max(self.time, record.state.judged, theirs.state.judged)
        for state in (record.state, theirs.state):
            self._judge(state, at)
        ids, wanted_ids = (sorted(linked_ids(view.fields)) for view in (live, rebuilt))
        if ids != wanted_ids:
            wrong.append(f"the linked ids are {ids}, by the log {wanted_ids}")
        # Bands and alerts of who has several ids hang on when the links were read.
        one_id = not ids and not wanted_ids
        found, wanted = (self._facts(state, one_id=one_id) for state in (record.state, theirs.state))
        if one_id and self.whole_history and not policy.by_segment:
            facts = signal_facts(record.state, theirs.state)
            found.update(facts[0])
            wanted.update(facts[1])
        names = dict.fromkeys((*wanted, *found))
        differing = [name for name in names if found[name] != wanted[name]]
        return wrong + [f"{name} is {found[name]}, by the log {wanted[name]}" for name in differing]

    def forgotten(self, live: View, rebuilt: View) -> tuple[int, str] | None:
        """Return the segment of a live customer if it is newer than what the log tells, and the log does not tell all.

        Args:
            live: as stored.
            rebuilt: computed anew, from the same of the log.

        Returns:
            When it was reported (microseconds), and the segment; None if there is nothing to take over.
        """
        if self.since is None or self.settings.policy.profiles is None or rebuilt.absent:
            return None
        theirs, mine = (_told(view.fields) for view in (rebuilt, live))
        return mine if mine > theirs else None

    def _judge(self, state: CustomerState, at: int = 0) -> None:
        at = max(at, self.time, state.judged)
        advance(self.settings.policy, state, (), Moment(at, horizon_of(self.settings, at), self.feeds))

    def _facts(self, state: CustomerState, *, one_id: bool) -> _Absent:
        policy = self.settings.policy
        # Where a segment has rules of its own, it matters when a worker learned of it.
        alike = one_id and not policy.by_segment
        facts: Facts = dict(_published(policy, state))
        for field in FIELDS:
            facts |= field.facts(policy, state, Known(self.since, alike))
        if self.whole_history and alike:
            for field in FIELDS:
                facts |= field.history(policy, state)
        return _Absent(facts)


def _links_differ(live: View, whose: str, wanted: str) -> list[str]:
    """Return what is wrong with an id that is linked, or by the log should be."""
    wrong = []
    if whose != wanted:
        wrong.append(f"stands for {whose or 'nobody'}, by the log for {wanted or 'nobody'}")
    elif live.bands or live.crossing is not None or live.refresh is not None:
        wrong.append("is linked, and yet stands in an index")
    return wrong


def _told(fields: Mapping[str, str]) -> tuple[int, str]:
    at = fields.get("_g", "")
    return int(at) if at.isdecimal() else NONE, fields.get("segment", "")


class _Absent(dict[str, object]):
    """Facts of which one that is not there reads as nothing."""

    def __missing__(self, _name: str) -> str:
        return "nothing"


def _published(policy: Policy, state: CustomerState) -> dict[str, str]:
    """Compute what applications read from the counts."""
    if state.judged == NONE:
        return {}
    return {name: value for field in FIELDS for name, value in field.published(policy, state).items()}


def _inconsistencies(policy: Policy, live: View, record: CustomerRecord) -> Iterator[str]:
    """Return where what applications read is not what the counts of the same customer say."""
    fields, state = live.fields, record.state
    if fields.get("policy_version") == policy.version:
        if record.tally != policy.tally.text:
            yield "is not in the measures over all customers"
        for name, value in _published(policy, state).items():
            if fields.get(name) != value and (value or name in fields or name not in policy.measure_names):
                yield f"{name} is {fields.get(name, 'missing')}, by the counts {value}"
    entered = {BANDS[state.band]: max(state.band_since, 0) // SECOND} if state.judged != NONE else {}
    if live.bands != entered:
        yield f"stands in the index of {', '.join(live.bands) or 'no band'}"
    due = state.due or None
    crossing, refresh = (due, None) if state.due_crosses else (None, due)
    if (live.crossing, live.refresh) != (crossing, refresh):
        yield "is scheduled for another time"
