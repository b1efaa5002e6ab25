"""How a customer's absences are written as fields of the hash, and read back.

Public are `absent_at`, when an alert of absence is to be expected, and `absent_at_earliest`. `_b` holds, separated by
semicolons: the segment by whose clock the customer is judged, for how many days after an active one a customer is a
member (the sums in which the customer is counted have it in their name), the days up to which absences are told, that
on which the open one began, up to which they are settled, and up to which none is told; the reading at which to look
again; and the ids of the open alerts, separated by commas, where they were made for an id that has been linked since.

Rests on decisions 112 and 144.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, unquote

from scoring.customer.absence_state import AbsenceState
from scoring.customer.episodes import Report
from scoring.customer.state import NONE, CustomerState
from scoring.instants import DAY, format_instant
from scoring.judging.absence_judging import ABSENT
from scoring.policy.policy import ABSENCE_FIELDS, Policy
from scoring.policy.shadow import SHADOW
from streams.store.fields.customer_field import CustomerField, Facts
from streams.store.protocol import CustomerRecord
from streams.store.sums.absence_sums import FIELD


class Absences(CustomerField):
    """The standing with alerts of absence."""

    def write(self, policy: Policy, own: Policy, record: CustomerRecord, fields: list[str], removed: list[str]) -> None:
        """Write it if it has changed."""
        standing = record.state.absence
        if standing is None and not record.absence:
            return
        record.encoded_absence = absence_text(policy, record)
        if record.encoded_absence == record.absence:
            return
        if standing is None:
            removed += (FIELD, *ABSENCE_FIELDS)
            return
        expected, earliest = (
            format_instant(day * DAY) if day else "" for day in (standing.expected, standing.earliest)
        )
        fields += (FIELD, record.encoded_absence, ABSENCE_FIELDS[0], expected, ABSENCE_FIELDS[1], earliest)

    def settle(self, record: CustomerRecord) -> None:
        """Note what is stored of it."""
        record.absence, record.encoded_absence = record.encoded_absence, ""

    def finish(self, policy: Policy, record: CustomerRecord, fields: Mapping[str, str]) -> None:
        """Read it."""
        record.absence = text = fields.get(FIELD, "")
        if text:
            record.state.absence = read_standing(text)

    def history(self, policy: Policy, state: CustomerState) -> Facts:
        """Give the last day before the newest absence that was reported, and whether it goes on."""
        standing = state.absence
        if standing is None or standing.told == NONE:
            return {"absence": ""}
        return {"absence": format_instant(standing.told * DAY)[:10] + (" and on" if standing.reports else "")}


def absence_text(policy: Policy, record: CustomerRecord) -> str:
    """Write a customer's absences as they are to be stored; '' for none.

    Args:
        policy: in force.
        record: about to be written.
    """
    standing = record.state.absence
    if standing is None or policy.absence is None:
        return ""
    beside = record.state.named.get(SHADOW) if policy.shadow_absence is not None and record.state.named else None
    due = standing.due
    if beside is not None and beside.absence is not None and beside.absence.due:
        # The customer is looked at again for whichever is first: who comes up early is judged, and put back.
        due = min(due, beside.absence.due) if due else beside.absence.due
    return standing_text(standing, policy.absence.members_within, due)


def standing_text(standing: AbsenceState, within: int, due: int) -> str:
    """Write how a customer stands with absences.

    Args:
        standing: with the policy in force, or with the shadow policy.
        within: for how many days after an active one a customer is a member.
        due: the reading at which to look again.
    """
    days = f"{standing.told};{standing.open};{standing.settled};{standing.since}"
    segment = quote(standing.segment, safe="") if standing.segment else ""
    made = ",".join([report.made for report in standing.reports])
    return f"{segment};{within};{days};{due};{made}"


def read_standing(text: str) -> AbsenceState:
    """Read how a customer stands with absences.

    Args:
        text: of `standing_text`.
    """
    segment, _, told, open_, settled, since, due, made = text.split(";")
    standing = AbsenceState(unquote(segment), int(settled), int(since))
    standing.told, standing.due = int(told), int(due)
    if open_ != str(NONE):
        standing.reports = tuple([Report(ABSENT, int(open_) * DAY, each) for each in made.split(",")])
    return standing


def scheduled(text: str, group: int) -> tuple[str, str]:
    """Read where a customer stands in the schedules of absence.

    Args:
        text: of the field.
        group: of the customer.

    Returns:
        What the key of the schedule ends in and the reading there; '' for nowhere.
    """
    if not text:
        return "", ""
    segment, *_, due, _ = text.split(";")
    return (f"{segment}:{group}", due) if due != "0" else ("", "")


def schedule_change(record: CustomerRecord, group: int) -> tuple[str, str, str] | None:
    """Return how the schedules follow a record: where it is taken out, where it is put, and the reading there.

    An entry that is too early is left alone: it comes up early.

    Args:
        record: just encoded.
        group: of the customer.
    """
    before, stands = scheduled(record.absence, group)
    after, due = scheduled(record.encoded_absence, group)
    if before == after and (not after or stands == due):
        return None
    return before if before != after else "", after, due or "0"
