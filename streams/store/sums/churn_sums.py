"""What writes add to the sums of who comes and goes by the policy's rule: see `scoring.customer.churn`.

Rests on decision 102.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from scoring.customer.absence_days import turned_days
from scoring.customer.activity import Activity
from scoring.customer.churn import churn_text, fields_by, list_days
from scoring.customer.state import NONE, CustomerState
from scoring.policy.policy import Policy
from streams.store.protocol import CustomerRecord
from streams.store.segment_sums import CHURN, names_of

#: The field of the hash that says by which rule a customer is counted, and what those of the days begin with.
RULE: Final = "_z"
ENDED: Final = "_y"


def rule_text(policy: Policy, state: CustomerState) -> str:
    """Write the rule by which a customer is to be counted, '' for none.

    Args:
        policy: in force.
        state: about to be written.
    """
    rule = policy.figures.churn
    return "" if rule is None or state.judged == NONE else churn_text(rule.after, ends=bool(rule.by))


def churn_gains(policy: Policy, record: CustomerRecord, before: str, after: str) -> dict[str, dict[str, int]]:
    """Return what a customer adds to the sums by a write.

    Args:
        policy: in force.
        record: about to be written.
        before: the segment in whose sums the customer is, '' for none.
        after: the one in whose sums the customer is to be.

    Returns:
        By name and field.
    """
    state, activity = record.state, record.state.activity
    text = rule_text(policy, state)
    if text == record.churn and before == after and not activity.flipped and state.ended_before is None:
        return {}
    days, ended = activity.list_days(), state.ended if state.ended_before is None else state.ended_before
    stored = sorted(turned_days(activity.flipped).symmetric_difference(days))
    found: dict[str, dict[str, int]] = {}
    for sign, inside, fields in (
        (1, after, fields_by(text, days, list_days(state.ended))),
        (-1, before, fields_by(record.churn, stored, list_days(ended))),
    ):
        for name in names_of(CHURN, inside):
            sums = found.setdefault(name, {})
            for field, count in fields.items():
                sums[field] = sums.get(field, 0) + sign * count
    return {name: {field: count for field, count in sums.items() if count} for name, sums in found.items()}


def churn_share(fields: Mapping[str, str], activity: Activity, segment: str) -> dict[str, dict[str, int]]:
    """Return what a stored customer adds to the sums altogether.

    Args:
        fields: of the hash as stored.
        activity: read from it.
        segment: in whose sums the customer is, '' for none.

    Returns:
        By name and field; nothing where somebody has made it unreadable.
    """
    try:
        found = fields_by(fields.get(RULE, ""), activity.list_days(), list_days(ended_in(fields)))
    except ValueError:
        return {}
    return dict.fromkeys(names_of(CHURN, segment), found) if found else {}


def ended_in(fields: Mapping[str, str]) -> dict[int, int]:
    """Read the days with an event that ends the relation.

    Args:
        fields: of a hash.

    Raises:
        ValueError: if no worker can have written them so.
    """
    return {int(name[2:]): int(words, 16) for name, words in fields.items() if name[:2] == ENDED}
