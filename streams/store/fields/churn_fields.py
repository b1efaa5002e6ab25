"""How it is written by which rule a customer counts as lost, and which days that rule rests on.

Rests on decisions 102 and 112.
"""

from __future__ import annotations

from scoring.customer.churn import fields_by, list_days
from scoring.customer.state import CustomerState
from scoring.instants import DAY, format_instant
from scoring.policy.policy import Policy
from streams.store.fields.customer_field import CustomerField, Facts, Known
from streams.store.protocol import CustomerRecord
from streams.store.sums.churn_sums import rule_text


class EndedDays(CustomerField):
    """The days with an event that ends the relation."""

    def write(self, policy: Policy, own: Policy, record: CustomerRecord, fields: list[str], removed: list[str]) -> None:
        """Write the spans that have changed."""
        ended, before = record.state.ended, record.state.ended_before
        if before is None or (policy.figures.churn is None and not record.churn):
            return
        for span in {*ended, *before}:
            if span not in ended:
                removed.append(f"{self.mark}{span}")
            elif ended[span] != before.get(span):
                fields += (f"{self.mark}{span}", f"{ended[span]:x}")

    def take(self, policy: Policy, record: CustomerRecord, name: str, words: str) -> bool:
        """Read one span."""
        record.state.ended[int(name[2:])] = int(words, 16)
        return True

    def facts(self, policy: Policy, state: CustomerState, known: Known) -> Facts:
        """Give the days of which the log still tells."""
        days = [day for day in list_days(state.ended) if day >= (known.since or 0)]
        return {"the list of days that ended the relation": [format_instant(day * DAY)[:10] for day in days]}


class LostBy(CustomerField):
    """The rule by which the customer is in the sums of who comes and goes."""

    def write(self, policy: Policy, own: Policy, record: CustomerRecord, fields: list[str], removed: list[str]) -> None:
        """Write it if it is another one."""
        if policy.figures.churn is None and not record.churn:
            return
        record.encoded_churn = rule_text(policy, record.state)
        if record.encoded_churn and record.encoded_churn != record.churn:
            fields += (self.mark, record.encoded_churn)
        elif record.churn and not record.encoded_churn:
            removed.append(self.mark)

    def settle(self, record: CustomerRecord) -> None:
        """Note what is stored."""
        record.churn, record.encoded_churn = record.encoded_churn, ""

    def take(self, policy: Policy, record: CustomerRecord, name: str, words: str) -> bool:
        """Read it, and refuse what no worker has written."""
        fields_by(words, (), ())
        record.churn = words
        return True
