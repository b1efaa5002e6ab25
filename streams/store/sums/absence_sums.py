"""What writes add to the numbers of members that move the clocks of absence: see `scoring.customer.absence_days`.

Rests on decision 80.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from scoring.customer.absence_days import member_fields, member_gains, turned_days
from scoring.customer.activity import Activity
from scoring.policy.policy import Policy
from streams.store.protocol import CustomerRecord
from streams.store.segment_sums import names_of, of_segment

#: The field of the hash that says, among else, in which of them a customer is counted; see `absence_fields.py`.
FIELD: Final = "_b"
#: What the names of these sums begin with.
ABSENCE: Final = "absence:"


def absence_name(within: int, segment: str) -> str:
    """Name the sums of members.

    Args:
        within: for how many days after an active one a customer is a member.
        segment: '' for all customers.
    """
    return of_segment(f"{ABSENCE}{within}", segment)


def members_within(text: str) -> int:
    """Read in which sums of members a customer is counted.

    Args:
        text: of the field as stored.

    Returns:
        For how many days after an active one; 0 for one who is in none.
    """
    return int(text.split(";")[1]) if text else 0


def absence_gains(policy: Policy, record: CustomerRecord, before: str, after: str) -> dict[str, dict[str, int]]:
    """Return what a customer adds to the sums of members by a write.

    Args:
        policy: in force.
        record: about to be written.
        before: the segment in whose sums the customer is, '' for none.
        after: the one in whose sums the customer is to be.

    Returns:
        By name and field.
    """
    activity, rule = record.state.activity, policy.absence
    stored, within = members_within(record.absence), 0
    if rule is not None and record.state.absence is not None:
        within = rule.members_within
    earlier = names_of(f"{ABSENCE}{stored}", before) if stored else []
    names = names_of(f"{ABSENCE}{within}", after) if within else []
    found: dict[str, dict[str, int]] = {}
    gains = member_gains(within, activity.days, activity.flipped) if within else {}
    for name in names:
        found[name] = gains if name in earlier else member_fields(within, activity.list_days())
    if gone := [name for name in earlier if name not in names]:
        left = member_fields(stored, _days_before(activity))
        found |= {name: {field: -count for field, count in left.items()} for name in gone}
    return {name: fields for name, fields in found.items() if fields}


def _days_before(activity: Activity) -> list[int]:
    """List the days as they are stored."""
    return sorted(turned_days(activity.flipped).symmetric_difference(activity.list_days()))


def absence_share(text: str, segment: str, days: Iterable[int]) -> dict[str, dict[str, int]]:
    """Return what a stored customer adds to the sums of members altogether.

    Args:
        text: of the absences as stored.
        segment: in whose sums the customer is, '' for none.
        days: on which the customer was active, in order.

    Returns:
        By name and field; nothing where somebody has made the text unreadable.
    """
    try:
        within = members_within(text)
    except (ValueError, IndexError):
        return {}
    if not within:
        return {}
    fields = member_fields(within, list(days))
    return dict.fromkeys(names_of(f"{ABSENCE}{within}", segment), fields)
