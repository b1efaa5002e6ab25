"""What writes add to the sums over customers, and how the function library gets it.

Rests on decisions 22, 48 and 55.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from scoring.customer.activity import contribution
from scoring.customer.activity_sums import named
from scoring.customer.state import NONE
from scoring.figures.counted import NO_CHANGES, NO_VISITS, Counted
from scoring.figures.tally_fields import NEWEST
from scoring.figures.tally_gains import TallyGains
from scoring.policy.policy import Policy
from scoring.rules.groupings import Grouping
from scoring.rules.session_sums import Visits
from scoring.rules.tally import NOTHING, Panes, Tally, parse_tally
from streams.store.protocol import CustomerRecord
from streams.store.segment_sums import IN_SEGMENT, MEASURES, SEGMENTS, names_of, of_segment
from streams.store.sums.absence_sums import absence_gains
from streams.store.sums.churn_sums import churn_gains

#: Sums by their name, '' for those of `scoring.customer.activity_sums`; each with what is to be added, by field.
Additions = dict[str, dict[str, int]]
#: What the names of what is counted of groupings begin with; the number of values follows.
LARGEST: Final = "largest:"


class Gains:
    """What the customers of one segment, or all of them, gain by a write."""

    def __init__(self) -> None:
        """Start with nothing."""
        self._days: dict[int, int] = {}
        self._whole: dict[str, int] = {}
        self._measured: TallyGains | None = None

    def add(self, policy: Policy, record: CustomerRecord) -> None:
        """Add what is new of a customer who stays.

        Args:
            policy: in force.
            record: about to be written.
        """
        for key, count in record.state.activity.gains.items():
            self._days[key] = self._days.get(key, 0) + count
        state, tally = record.state, policy.tally
        if record.tally != tally.text:
            self._move(policy, record, parse_tally(record.tally), tally)
        elif state.tallied or (tally.pane and (state.tallied_visits or state.activity.entered)):
            self._measures.add(tally, *_counted(record, tally), _kept_from(policy, record))

    def leave(self, policy: Policy, record: CustomerRecord) -> None:
        """Take out a customer as stored.

        Args:
            policy: in force.
            record: about to be written.
        """
        activity = record.state.activity
        # What was stored is what there is, less what is new.
        self._add_days(contribution(activity), -1)
        self._add_days(named(activity.gains), 1)
        self._move(policy, record, parse_tally(record.tally), NOTHING)

    def enter(self, policy: Policy, record: CustomerRecord) -> None:
        """Take in a customer as about to be written.

        Args:
            policy: in force.
            record: about to be written.
        """
        self._add_days(contribution(record.state.activity), 1)
        self._move(policy, record, NOTHING, policy.tally)

    def additions(self, segment: str) -> Additions:
        """Give all of it, by name and field.

        Args:
            segment: '' for all customers.
        """
        fields = {field: count for field, count in named(self._days).items() if count}
        for field, count in self._whole.items():
            add_field(fields, field, count)
        measured = self._measured.named() if self._measured is not None else {}
        return _without_nothing({of_segment("", segment): fields, of_segment(MEASURES, segment): measured})

    @property
    def _measures(self) -> TallyGains:
        if self._measured is None:
            self._measured = TallyGains()
        return self._measured

    def _move(self, policy: Policy, record: CustomerRecord, before: Tally, after: Tally) -> None:
        self._measures.move(before, after, *_counted(record, before, after), _kept_from(policy, record))

    def _add_days(self, fields: Mapping[str, int], sign: int) -> None:
        for field, count in fields.items():
            self._whole[field] = self._whole.get(field, 0) + sign * count


def gains_of(policy: Policy, records: Iterable[CustomerRecord]) -> Additions:
    """Add up what customers gain by a write.

    Args:
        policy: in force.
        records: about to be written.

    Returns:
        What is to be added; usually nothing.
    """
    everybody = Gains()
    segments: dict[str, Gains] = {}
    moved: dict[str, int] = {}
    tallied, absences, churned = policy.tallied, policy.absence is not None, policy.figures.churn is not None
    members: list[Additions] = []
    grouped: Additions = {}
    for record in records:
        if tallied or record.tally or record.state.activity.gains:
            everybody.add(policy, record)
        before, after = stored_segment(record), counted_segment(policy, record)
        if before or after:
            _gain_in_segments(policy, record, before, after, segments, moved)
        if absences or record.absence:
            members.append(absence_gains(policy, record, before, after))
        if churned or record.churn:
            members.append(churn_gains(policy, record, before, after))
        if record.state.grouped:
            _gain_in_groupings(policy, record, after, grouped)
    found = everybody.additions("") | grouped
    for segment, gains in segments.items():
        found |= gains.additions(segment)
    if moved:
        found[SEGMENTS] = moved
    return found | join(members) if members else found


def _gain_in_groupings(policy: Policy, record: CustomerRecord, segment: str, grouped: Additions) -> None:
    """Add what events count by the values that they name, in the segment in which the customer is by now."""
    noted = record.state.grouped or {}
    for grouping in policy.figures.groupings:
        counts = noted.get(grouping.name)
        if counts is None:
            continue
        for name in names_of(largest_name(grouping), segment):
            sums = grouped.setdefault(name, {})
            for field, count in counts.items():
                sums[field] = sums.get(field, 0) + count


def largest_name(grouping: Grouping, segment: str = "") -> str:
    """Name what is counted of a grouping.

    Args:
        grouping: of the policy; with another number of values it is counted anew.
        segment: '' for all customers.
    """
    return of_segment(f"{LARGEST}{grouping.largest}:{grouping.name}", segment)


def _gain_in_segments(
    policy: Policy, record: CustomerRecord, before: str, after: str, segments: dict[str, Gains], moved: dict[str, int]
) -> None:
    if before == after:
        segments.setdefault(after, Gains()).add(policy, record)
        return
    if before:
        segments.setdefault(before, Gains()).leave(policy, record)
        add_field(moved, IN_SEGMENT + before, -1)
    if after:
        segments.setdefault(after, Gains()).enter(policy, record)
        add_field(moved, IN_SEGMENT + after, 1)


def _counted(record: CustomerRecord, *tallies: Tally) -> tuple[Counted, Counted]:
    """Give what a customer has, and what there was of it before it was changed."""
    state = record.state
    changes = before = NO_CHANGES
    if any(tally.by_band for tally in tallies):
        changes = state.activity.list_changes()
        before = changes[: len(changes) - state.activity.entered]
    panes: Panes = state.panes
    visits: Mapping[str, Visits] = state.visits
    if state.dropped is not None:
        panes = {**panes, **state.dropped.panes}
        visits = {name: {**visits.get(name, {}), **state.dropped.visits.get(name, {})} for name in visits}
    return (
        Counted(panes, visits, changes),
        Counted(state.tallied or {}, state.tallied_visits or NO_VISITS, before),
    )


def _kept_from(policy: Policy, record: CustomerRecord) -> int:
    """Give the first pane that the customer kept when it was stored: what is older has been settled."""
    state = record.state
    return (state.pane if state.dropped is None else state.dropped.pane) - policy.kept_panes + 1


def stored_segment(record: CustomerRecord) -> str:
    """Return the segment in whose sums a customer is as stored; '' for none, and before the first score."""
    return record.segment if record.stored_band[0] != NONE else ""


def counted_segment(policy: Policy, record: CustomerRecord) -> str:
    """Return in whose sums a customer is to be.

    Args:
        policy: in force; one without profiles leaves segments as they are stored.
        record: about to be written.

    Returns:
        The segment; '' for none, as that of who has no score yet.
    """
    if record.state.judged == NONE:
        return ""
    return record.state.segment if policy.profiles is not None else record.segment


def join(all_additions: Iterable[Additions]) -> Additions:
    """Add up additions.

    Args:
        all_additions: by name and field.

    Returns:
        Their sum.
    """
    found: Additions = {}
    for additions in all_additions:
        for name, fields in additions.items():
            sums = found.setdefault(name, {})
            for field, count in fields.items():
                add_field(sums, field, count)
    return _without_nothing(found)


def less(additions: Additions) -> Additions:
    """Return the additions that take others back; the newest of something stays, as less than it changes nothing.

    Args:
        additions: by name and field.

    Returns:
        What is to be added.
    """
    return {name: {field: -count for field, count in fields.items()} for name, fields in additions.items()}


def add_field(sums: dict[str, int], field: str, count: int) -> None:
    """Add to one field as the function library does; what becomes 0 is removed.

    Args:
        sums: changed in place.
        field: its name; of the newest of something the largest stays, and 0 removes it.
        count: to be added.
    """
    total = sums.get(field, 0)
    if field[0] == NEWEST:
        total = max(total, count) if count else 0
    else:
        total += count
    if total:
        sums[field] = total
    else:
        sums.pop(field, None)


def words_of(additions: Additions) -> list[str | int]:
    """Write additions as the function `add_sums` of the library takes them.

    Args:
        additions: by name and field.

    Returns:
        The words.
    """
    words: list[str | int] = [len(additions)]
    for name, fields in additions.items():
        words += (name, len(fields))
        for field, count in fields.items():
            words += (field, count)
    return words


def _without_nothing(additions: Additions) -> Additions:
    return {name: fields for name, fields in additions.items() if fields}
