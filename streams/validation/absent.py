"""The absences of a replayed history, by the rule of the policy."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from scoring.absence import Absence, AbsenceRule, absences, clock_of
from scoring.instants import DAY
from scoring.policy import Policy
from scoring.validation.observations import Customer
from streams.validation.replaying import Past


def absences_of(
    rule: AbsenceRule, policy: Policy, customers: Mapping[str, Customer], pasts: Sequence[Past], known_until: int
) -> dict[str, list[Absence]]:
    """Find the absences of every customer.

    Where the policy knows no segments, each group of customers has a clock of its own, as a segment would have.

    Args:
        rule: when an absence raises an alert.
        policy: that judged.
        customers: by their id.
        pasts: what is left of their histories.
        known_until: where the history ends, in microseconds.

    Returns:
        By the customer's id, in order.
    """
    by_segment: dict[str, list[Past]] = defaultdict(list)
    for past in pasts:
        by_segment[past.segment if policy.profiles is not None else customers[past.name].group].append(past)
    found = {}
    for alike in by_segment.values():
        clock = clock_of(rule, [past.days for past in alike], known_until // DAY - 1)
        for past in alike:
            found[past.name] = list(absences(rule, clock, past.days))
    return found
