"""A bound on the types in a pane that the policy does not name: anybody may send endless ones.

They are counted one by one, as the policy may name them later, but only so many of them. Which ones does not depend on
the order in which they came: those with the lowest codes.

Rests on decision 5.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

from scoring.policy.policy import Policy
from scoring.rules.details import is_type

#: So many types that the policy does not name are told apart in one pane of one customer.
MOST_APART: Final = 100
#: Under this code the others are counted together; no type has it.
TOGETHER: Final = "...."


def unknown_counts(policy: Policy, panes: Mapping[int, Mapping[str, int]]) -> list[tuple[str, int]]:
    """Add up what was counted of a customer under types that the policy does not name.

    Args:
        policy: in force.
        panes: of the customer.

    Returns:
        By code, the most frequent first.
    """
    found: Counter[str] = Counter()
    for counts in panes.values():
        for code, count in counts.items():
            if code not in policy.types and is_type(code) and code not in policy.counted_apart:
                found[code] += count
    return sorted(found.items(), key=lambda item: (-item[1], item[0]))


def gather(policy: Policy, counts: dict[str, int]) -> None:
    """Count the type with the highest code together with others, if there are too many to be told apart.

    Args:
        policy: in force.
        counts: of one pane, by code; changed in place. One of its types has come for the first time.
    """
    own = policy.counted_apart
    unknown = [
        code for code in counts if code not in policy.types and is_type(code) and code not in own and code != TOGETHER
    ]
    if len(unknown) > MOST_APART:
        counts[TOGETHER] = counts.get(TOGETHER, 0) + counts.pop(max(unknown))
