"""How a customer's record is written as the text fields of a hash: each by its row in `customer_fields`.

The hash of a linked id holds `customer_id`, the customer for whom it stands, and `_v`.

Rests on decision 112.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from scoring.customer.state import NONE
from scoring.instants import SECOND
from scoring.policy.policy import BANDS, Policy
from streams.store.fields.alert_fields import something_passes
from streams.store.fields.customer_fields import PASSING, SETTLED, WRITTEN
from streams.store.protocol import CustomerRecord

#: The field of a linked id that names its customer.
LINKED: Final = "customer_id"


def encode(policy: Policy, record: CustomerRecord, version: str) -> tuple[list[str], list[str]]:
    """Write what has changed in a record since it was stored.

    Args:
        policy: in force.
        record: as it is to be stored.
        version: of this write.

    Returns:
        Names and values in turn of the fields to set, and the names of the fields to remove.
    """
    fields = ["_v", version]
    removed = list(record.obsolete)
    own = policy.of(record.state.segment)
    for field in WRITTEN:
        field.write(policy, own, record, fields, removed)
    if something_passes(record):
        for field in PASSING:
            field.write(policy, own, record, fields, removed)
    return fields, removed


def stands_for(fields: Mapping[str, str]) -> str:
    """Return for which customer an id stands.

    Args:
        fields: of the hash under the id.

    Returns:
        The customer; '' if the id is not linked.
    """
    return fields.get(LINKED, "") if "_s" not in fields else ""


def linked_ids(fields: Iterable[str]) -> list[str]:
    """Return which ids have been linked to a customer.

    Args:
        fields: the names of those of the customer's hash.
    """
    return [name[2:] for name in fields if name.startswith("_l")]


def index_changes(record: CustomerRecord) -> tuple[str, str, int, str]:
    """Return how the indexes follow a record: old band, new band, since when (seconds), schedule.

    Args:
        record: about to be written.

    Returns:
        The words that the function `apply` of the library takes.
    """
    state = record.state
    old_band = BANDS[record.stored_band[0]] if record.stored_band[0] != NONE else ""
    band = BANDS[state.band] if state.judged != NONE else ""
    schedule = ""
    if record.stored_due != (state.due, state.due_crosses):
        schedule = f"{'c' if state.due_crosses else 'r'}{state.due}" if state.due else "-"
    if old_band == band and record.stored_band[-1] != state.band_since:
        # Left and entered again since the last write: only the time is new.
        old_band = ""
    return old_band, band, max(state.band_since, 0) // SECOND, schedule


def settle_all(records: Iterable[CustomerRecord], versions: Sequence[str]) -> None:
    """Note that records have been written as they stand.

    Args:
        records: changed in place.
        versions: of their writes.
    """
    for record, version in zip(records, versions, strict=True):
        settle(record, version)


def settle(record: CustomerRecord, version: str) -> None:
    """Note that a record has been written as it stands.

    Args:
        record: changed in place.
        version: of the write.
    """
    record.version = version
    record.obsolete = ()
    for field in SETTLED:
        field.settle(record)
    if something_passes(record):
        for field in PASSING:
            field.settle(record)
