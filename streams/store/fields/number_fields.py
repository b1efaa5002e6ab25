"""What applications read of a customer's counts, as fields; and by what the customer is in the sums over all.

Rests on decisions 8 and 112.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from sys import intern
from typing import Final

from scoring.customer.measuring import measured
from scoring.customer.state import NONE, CustomerState, derive
from scoring.instants import format_instant, parse_timestamp
from scoring.judging.score import disengages_at, trend
from scoring.points import text, to_millionths
from scoring.policy.policy import Policy
from scoring.rules.tally import parse_tally
from streams.store.fields.customer_field import CustomerField
from streams.store.fields.stored_times import time_or_nothing
from streams.store.protocol import CustomerRecord
from streams.store.sums.gains import counted_segment
from streams.store.sums.shares import tally_in

# Characters of a part of a long text, so that each is kept compact.
_PART: Final = 60
# All customers of a round are judged up to the same time.
_format_judged = lru_cache(maxsize=8)(format_instant)


class Points(CustomerField):
    """The score, the trend, and the points of each channel."""

    def write(self, policy: Policy, own: Policy, record: CustomerRecord, fields: list[str], removed: list[str]) -> None:
        """Write the numbers that have changed."""
        state = record.state
        if state.judged == NONE:
            return
        numbers = [state.score, trend(own, state), *state.channel_points]
        stored, record.encoded_numbers = record.stored_numbers, numbers
        if numbers == stored:
            return
        for index, points in enumerate(numbers):
            if stored is None or points != stored[index]:
                fields += (policy.number_names[index], text(points))

    def settle(self, record: CustomerRecord) -> None:
        """Note the numbers that are stored."""
        if record.encoded_numbers is not None:
            record.stored_numbers, record.encoded_numbers = record.encoded_numbers, None

    def finish(self, policy: Policy, record: CustomerRecord, fields: Mapping[str, str]) -> None:
        """Compute the points from the counts, which are what is stored of them."""
        state = record.state
        derive(policy.of(state.segment), state)
        if record.stored_policy_version != policy.version and "score" in fields:
            state.score_before_policy = to_millionths(float(fields["score"]))

    def published(self, policy: Policy, state: CustomerState) -> dict[str, str]:
        """Give the numbers."""
        numbers = [state.score, trend(policy.of(state.segment), state), *state.channel_points]
        return {name: text(points) for name, points in zip(policy.number_names, numbers, strict=True)}


class DisengagesAt(CustomerField):
    """When the score falls below `engaged` if nothing more comes."""

    def write(self, policy: Policy, own: Policy, record: CustomerRecord, fields: list[str], removed: list[str]) -> None:
        """Write it if it has changed."""
        state = record.state
        if state.judged == NONE:
            return
        leaves = record.encoded_disengages_at = disengages_at(own, state)
        if leaves != record.stored_disengages_at:
            fields += ("disengages_at", format_instant(leaves) if leaves else "")

    def settle(self, record: CustomerRecord) -> None:
        """Note the time that is stored."""
        if record.state.judged != NONE:
            record.stored_disengages_at = record.encoded_disengages_at

    def finish(self, policy: Policy, record: CustomerRecord, fields: Mapping[str, str]) -> None:
        """Read the time that is stored."""
        if "band" in fields:
            leaves = fields.get("disengages_at", "")
            record.stored_disengages_at = parse_timestamp(leaves) if leaves else 0

    def published(self, policy: Policy, state: CustomerState) -> dict[str, str]:
        """Give the time; '' for never."""
        leaves = disengages_at(policy.of(state.segment), state)
        return {"disengages_at": format_instant(leaves) if leaves else ""}


class Measures(CustomerField):
    """The measures of the policy."""

    def write(self, policy: Policy, own: Policy, record: CustomerRecord, fields: list[str], removed: list[str]) -> None:
        """Write the values that have changed."""
        record.encoded_measures = None
        if not policy.measures or record.state.judged == NONE:
            return
        measures, stored = measured(own, record.state), record.stored_measures
        record.encoded_measures = measures
        if measures == stored:
            return
        for index, name in enumerate(policy.measure_names):
            value = measures[index]
            if stored is not None and value == stored[index]:
                continue
            if value:
                fields += (name, value)
            elif stored is not None:
                removed.append(name)

    def settle(self, record: CustomerRecord) -> None:
        """Note the values that are stored."""
        if record.state.judged != NONE:
            record.stored_measures, record.encoded_measures = record.encoded_measures, None

    def finish(self, policy: Policy, record: CustomerRecord, fields: Mapping[str, str]) -> None:
        """Read the values that are stored."""
        if policy.measures:
            record.stored_measures = [fields.get(name, "") for name in policy.measure_names]

    def published(self, policy: Policy, state: CustomerState) -> dict[str, str]:
        """Give the values; '' where there is none."""
        return dict(zip(policy.measure_names, measured(policy.of(state.segment), state), strict=True))


class InSums(CustomerField):
    """By what, and in which segment, the customer is in the sums over all customers."""

    def write(self, policy: Policy, own: Policy, record: CustomerRecord, fields: list[str], removed: list[str]) -> None:
        """Write the parts of the tally if it is another one."""
        if record.state.judged == NONE:
            return
        # All segments are counted alike.
        stored, tally = record.tally, policy.tally.text
        record.encoded_sums = (tally, counted_segment(policy, record))
        if stored == tally:
            return
        for at in range(0, max(len(stored), len(tally)), _PART):
            name, part = f"_f{at // _PART}", tally[at : at + _PART]
            if part:
                fields += (name, part)
            else:
                removed.append(name)

    def settle(self, record: CustomerRecord) -> None:
        """Note in which sums the customer is."""
        if record.encoded_sums is not None:
            record.tally, record.segment = record.encoded_sums
            record.encoded_sums = None

    def finish(self, policy: Policy, record: CustomerRecord, fields: Mapping[str, str]) -> None:
        """Read in which sums the customer is."""
        if "_f0" in fields:
            record.tally = tally_in(fields)
            parse_tally(record.tally)
            if record.tally != policy.tally.text:
                # What changes now has been counted by another one.
                record.state.tallied, record.state.tallied_visits = {}, {}
        record.segment = fields.get("segment", "") if "_g" in fields else ""


class PolicyVersion(CustomerField):
    """The version of the policy that was applied."""

    def write(self, policy: Policy, own: Policy, record: CustomerRecord, fields: list[str], removed: list[str]) -> None:
        """Write it if it has changed."""
        version = record.state.policy_version
        if record.state.judged != NONE and version != record.stored_policy_version:
            fields += ("policy_version", version)

    def settle(self, record: CustomerRecord) -> None:
        """Note the version that is stored."""
        if record.state.judged != NONE:
            record.stored_policy_version = record.state.policy_version

    def finish(self, policy: Policy, record: CustomerRecord, fields: Mapping[str, str]) -> None:
        """Read it."""
        record.state.policy_version = record.stored_policy_version = intern(fields.get("policy_version", ""))


class LastTimes(CustomerField):
    """The time of the newest event, and that of the evaluation."""

    def write(self, policy: Policy, own: Policy, record: CustomerRecord, fields: list[str], removed: list[str]) -> None:
        """Write both: the second is new each time."""
        state = record.state
        if state.judged != NONE:
            last = time_or_nothing(state.last_event_at)
            fields += ("last_event_at", last, "updated_at", _format_judged(state.judged))

    def finish(self, policy: Policy, record: CustomerRecord, fields: Mapping[str, str]) -> None:
        """Read the first; the second is up to when the customer has been judged."""
        if fields.get("last_event_at") and "band" in fields:
            record.state.last_event_at = parse_timestamp(fields["last_event_at"])

    def published(self, policy: Policy, state: CustomerState) -> dict[str, str]:
        """Give the time of the newest event."""
        return {"last_event_at": time_or_nothing(state.last_event_at)}
