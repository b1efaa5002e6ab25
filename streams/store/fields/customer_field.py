"""What a field of a customer declares: its name, how it is written, read back, compared by a rebuild, and documented.

Rests on decision 112.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from scoring.customer.state import CustomerState
from scoring.policy.policy import Policy
from streams.store.protocol import CustomerRecord

#: What is compared of a customer, by what it is called in a report.
Facts = dict[str, object]


@dataclass(frozen=True, slots=True)
class Known:
    """What both sides of a comparison must agree on: `since` is the first day of which the log tells all, None for all.

    `bands` is false where the changes of band hang on when something else was read: links, segments.
    """

    since: int | None = None
    bands: bool = True


class CustomerField:
    """One row of the table in `customer_fields`, on which writing, reading, comparing and the pages rest.

    `mark` is the name in the hash, or what the names begin with; '' for fields without an internal one. `content` says
    what an internal field holds, as the page on fields has it. `public` are the fixed names that applications read,
    `attributes` those of `CustomerState` that come back from it. `not_compared` says why a rebuild does not look
    at it, where it does not.
    """

    mark: str
    content: str
    public: tuple[str, ...]
    attributes: tuple[str, ...]
    not_compared: str

    def __init__(
        self,
        mark: str = "",
        content: str = "",
        *,
        public: tuple[str, ...] = (),
        attributes: tuple[str, ...] = (),
        not_compared: str = "",
    ) -> None:
        """Declare it: see the class."""
        self.mark, self.content, self.public = mark, content, public
        self.attributes, self.not_compared = attributes, not_compared

    def write(self, policy: Policy, own: Policy, record: CustomerRecord, fields: list[str], removed: list[str]) -> None:
        """Write what has changed since the record was stored.

        Args:
            policy: in force.
            own: that of the customer's segment.
            record: as it is to be stored.
            fields: names and values in turn are added.
            removed: names of fields that are not to be there any more are added.
        """

    def settle(self, record: CustomerRecord) -> None:
        """Note that what `write` wrote is stored."""

    def take(self, policy: Policy, record: CustomerRecord, name: str, words: str) -> bool:
        """Read one field under the mark; in any order, so nothing may rest on another field.

        Args:
            policy: in force.
            record: being read; changed in place.
            name: of the field, whole.
            words: its value.

        Returns:
            Whether the policy has a use for the field; if not, the next write removes it.
        """
        return True

    def finish(self, policy: Policy, record: CustomerRecord, fields: Mapping[str, str]) -> None:
        """Read what rests on other fields, in the order of the table, once all have been taken.

        Args:
            policy: in force.
            record: being read; changed in place.
            fields: all of the hash.
        """

    def published(self, policy: Policy, state: CustomerState) -> dict[str, str]:
        """Give the values of public fields that follow from the counts, by name; '' for one that is not there."""
        return {}

    def facts(self, policy: Policy, state: CustomerState, known: Known) -> Facts:
        """Give what else the same log always makes the same."""
        return {}

    def history(self, policy: Policy, state: CustomerState) -> Facts:
        """Give what only the same whole log makes the same."""
        return {}
