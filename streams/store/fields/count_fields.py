"""What a customer has done, as fields: counts, visits, active days, and what is remembered of events and objects.

Rests on decision 112.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from sys import intern

from scoring.customer.activity import Activity, encode_span, read_span
from scoring.customer.counted import CountedEvents
from scoring.customer.objects import Objects
from scoring.customer.seen import UNTOUCHED, SeenIds
from scoring.customer.state import CustomerState, settle_panes
from scoring.instants import DAY, format_instant
from scoring.policy.policy import BANDS, Policy
from streams.store.fields.customer_field import CustomerField, Facts, Known
from streams.store.fields.stored_times import LATEST
from streams.store.protocol import CustomerRecord
from streams.store.sums.shares import counts_in
from streams.store.sums.visits import decode_visits, encode_visits


class Panes(CustomerField):
    """The counts of each pane."""

    def write(self, policy: Policy, own: Policy, record: CustomerRecord, fields: list[str], removed: list[str]) -> None:
        """Write the panes that have been touched."""
        state = record.state
        for pane in state.touched_panes:
            counts = state.panes.get(pane)
            if counts is None:
                removed.append(f"_p{pane}")
            else:
                fields += (f"_p{pane}", ",".join([f"{code}{count}" for code, count in counts.items()]))

    def settle(self, record: CustomerRecord) -> None:
        """Note that no pane is touched, and none has visits that are."""
        settle_panes(record.state)

    def take(self, policy: Policy, record: CustomerRecord, name: str, words: str) -> bool:
        """Read the counts of one pane."""
        record.state.panes[int(name[2:])] = counts_in(words)
        return True

    def finish(self, policy: Policy, record: CustomerRecord, fields: Mapping[str, str]) -> None:
        """Refuse panes that are at no time."""
        panes = record.state.panes
        if panes and not 0 <= min(panes) <= max(panes) < LATEST // policy.pane:
            raise ValueError("_p")

    def facts(self, policy: Policy, state: CustomerState, known: Known) -> Facts:
        """Give the counts of each pane."""
        return {
            f"the pane of {format_instant(pane * policy.pane)}": dict(sorted(counts.items()))
            for pane, counts in sorted(state.panes.items())
        }


class Visits(CustomerField):
    """The visits of each pane in a channel that has sessions."""

    def write(self, policy: Policy, own: Policy, record: CustomerRecord, fields: list[str], removed: list[str]) -> None:
        """Write the visits of the panes that have been touched."""
        state = record.state
        for channel, pane in state.touched_visits:
            name, visits = f"_w{pane}.{channel}", state.visits.get(channel, {}).get(pane)
            if visits:
                fields += (name, encode_visits(visits, pane * policy.pane))
            else:
                removed.append(name)

    def take(self, policy: Policy, record: CustomerRecord, name: str, words: str) -> bool:
        """Read the visits of one pane in one channel."""
        if not policy.sessions:
            return False
        pane, channel = name[2:].split(".")
        record.state.visits.setdefault(channel, {})[int(pane)] = decode_visits(words, int(pane) * policy.pane)
        return True

    def facts(self, policy: Policy, state: CustomerState, known: Known) -> Facts:
        """Give the visits of each pane."""
        return {
            f"the visits of {channel} in the pane of {format_instant(pane * policy.pane)}": visits
            for channel, panes in sorted(state.visits.items())
            for pane, visits in sorted(panes.items())
        }


class ActiveDays(CustomerField):
    """The days on which the customer was active, and the changes of band."""

    def write(self, policy: Policy, own: Policy, record: CustomerRecord, fields: list[str], removed: list[str]) -> None:
        """Write the spans that have been touched."""
        activity = record.state.activity
        for span in activity.touched:
            words = encode_span(activity, span)
            if words:
                fields += (f"_a{span}", words)
            else:
                removed.append(f"_a{span}")

    def settle(self, record: CustomerRecord) -> None:
        """Note that nothing is touched, and that what was gained is in the sums."""
        activity = record.state.activity
        if activity.touched:
            activity.touched.clear()
            activity.flipped.clear()
            activity.entered = 0
            activity.gains.clear()

    def take(self, policy: Policy, record: CustomerRecord, name: str, words: str) -> bool:
        """Read one span."""
        activity = record.state.activity
        read_span(activity.days, activity.changes, int(name[2:]), words)
        return True

    def finish(self, policy: Policy, record: CustomerRecord, fields: Mapping[str, str]) -> None:
        """Make of the spans what they say together."""
        spans = record.state.activity
        record.state.activity = Activity(spans.days, spans.changes)

    def facts(self, policy: Policy, state: CustomerState, known: Known) -> Facts:
        """Give the days, and the changes of band where they can be known."""
        days = [_day(day) for day in state.activity.list_days() if day >= (known.since or 0)]
        facts: Facts = {"the list of active days": days}
        if known.since is None and known.bands:
            facts["the list of bands"] = [(_day(day), BANDS[band]) for day, band in state.activity.list_changes()]
        return facts


class EventIds(CustomerField):
    """The ids of events that are remembered."""

    def write(self, policy: Policy, own: Policy, record: CustomerRecord, fields: list[str], removed: list[str]) -> None:
        """Write the chunks that have been touched."""
        seen = record.state.seen
        if seen.touched:
            _write_chunks("_i", seen.touched, seen.chunks, fields, removed)

    def settle(self, record: CustomerRecord) -> None:
        """Note that nothing is touched."""
        record.state.seen.touched = UNTOUCHED

    def take(self, policy: Policy, record: CustomerRecord, name: str, words: str) -> bool:
        """Take one chunk as it is; the chunks of all customers have the same names."""
        record.state.seen.chunks[intern(name[2:])] = words
        return True

    def finish(self, policy: Policy, record: CustomerRecord, fields: Mapping[str, str]) -> None:
        """Make the memory of the chunks."""
        record.state.seen = SeenIds(record.state.seen.chunks)


class ObjectHistories(CustomerField):
    """What was done to each object."""

    def write(self, policy: Policy, own: Policy, record: CustomerRecord, fields: list[str], removed: list[str]) -> None:
        """Write the histories that have been touched."""
        objects = record.state.objects
        if objects is not None and objects.touched:
            _write_chunks("_k", objects.touched, objects.histories, fields, removed)

    def settle(self, record: CustomerRecord) -> None:
        """Note that nothing is touched."""
        if record.state.objects is not None:
            record.state.objects.touched.clear()

    def take(self, policy: Policy, record: CustomerRecord, name: str, words: str) -> bool:
        """Take one history as it is."""
        if record.state.objects is None:
            record.state.objects = Objects()
        record.state.objects.take(name[2:], words)
        return True

    def facts(self, policy: Policy, state: CustomerState, known: Known) -> Facts:
        """Give all histories."""
        objects = state.objects
        if objects is None or not objects.histories:
            return {}
        return {"what was done to objects": {about: objects.history(about) for about in sorted(objects.histories)}}


class CountedIds(CustomerField):
    """What events with an id counted, where ids are linked."""

    def write(self, policy: Policy, own: Policy, record: CustomerRecord, fields: list[str], removed: list[str]) -> None:
        """Write the chunks that have been touched."""
        counted = record.state.counted
        if counted is not None and counted.touched:
            _write_chunks("_m", counted.touched, counted.chunks, fields, removed)

    def settle(self, record: CustomerRecord) -> None:
        """Note that nothing is touched."""
        if record.state.counted is not None:
            record.state.counted.touched.clear()

    def take(self, policy: Policy, record: CustomerRecord, name: str, words: str) -> bool:
        """Take one chunk as it is."""
        if not policy.identities:
            return False
        if record.state.counted is None:
            record.state.counted = CountedEvents()
        record.state.counted.chunks[name[2:]] = words
        return True

    def finish(self, policy: Policy, record: CustomerRecord, fields: Mapping[str, str]) -> None:
        """Make the memory of the chunks, be there any or not."""
        if policy.identities:
            chunks = record.state.counted.chunks if record.state.counted is not None else None
            record.state.counted = CountedEvents(chunks)


def _write_chunks(
    mark: str, touched: Iterable[str], chunks: Mapping[str, str], fields: list[str], removed: list[str]
) -> None:
    for name in touched:
        words = chunks.get(name)
        if words is None:
            removed.append(mark + name)
        else:
            fields += (mark + name, words)


def _day(day: int) -> str:
    return format_instant(day * DAY)[:10]
