"""How a customer's record is read back from the fields of a hash: each by its row in `customer_fields`.

Rests on decisions 68 and 112.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from scoring.customer.objects import Objects
from scoring.customer.seen import DIGEST
from scoring.customer.state import CustomerState
from scoring.policy.policy import Policy
from streams.errors import UnreadableCustomer
from streams.store.fields.customer_fields import BY_MARK, FINISHED
from streams.store.fields.customer_writing import stands_for
from streams.store.protocol import CustomerRecord

#: Stands for the fields of a key that holds no hash; no hash has a field of this name. Its value is what is held.
FOREIGN: Final = ""
#: What a hash that somebody has changed by hand makes the decoding fail with.
UNREADABLE: Final = (ValueError, KeyError, IndexError, TypeError, OverflowError)
# What each hash has at least, in an order in which one that is missing is named before what hangs on it.
_RIGHT: Final = {"_v": "v", "_s": "-1;;-1;0", "band": "disengaged", "band_since": "1970-01-01T00:00:00Z"}


def decode_all(policy: Policy, hashes: Sequence[Mapping[str, str]], keys: Sequence[str]) -> list[CustomerRecord]:
    """Read records back.

    Args:
        policy: in force.
        hashes: all fields of each customer.
        keys: of the hashes, to be named.

    Returns:
        The records, in their order; one who cannot be read says so.
    """
    records = []
    for fields, key in zip(hashes, keys, strict=True):
        try:
            records.append(decode(policy, fields, key))
        except UnreadableCustomer as error:
            records.append(CustomerRecord(version=fields.get("_v", ""), unreadable=str(error)))
    return records


def decode(policy: Policy, fields: Mapping[str, str], key: str = "") -> CustomerRecord:
    """Read a record back.

    Args:
        policy: in force; the points are computed by it.
        fields: all fields of the hash; none for a customer who is not stored.
        key: of the hash, for the error.

    Returns:
        The record, with its state derived.

    Raises:
        UnreadableCustomer: if no worker can have written it so.
    """
    if FOREIGN in fields:
        raise UnreadableCustomer(key, held=fields[FOREIGN])
    try:
        return _decode(policy, fields)
    except UNREADABLE as error:
        raise UnreadableCustomer(key, _culprit(policy, fields)) from error


def _culprit(policy: Policy, fields: Mapping[str, str]) -> str:
    """Find the field because of which a hash cannot be read: alone among right ones, it still cannot."""
    for name, value in fields.items():
        try:
            _decode(policy, {**_RIGHT, name: value})
        except UNREADABLE:
            return name
    # What is there can be read, so one is missing.
    return next((name for name in _RIGHT if name not in fields), "")


def culprit_read_late(state: CustomerState) -> str:
    """Find what cannot be read of that which is kept as it was stored, until it is needed.

    Args:
        state: of a customer whose judging has failed.

    Returns:
        The name of the field; '' if all can be read, so that the fault is another one.
    """
    for name, ids in state.seen.chunks.items():
        if not name.partition(".")[0].isdecimal() or len(ids) % DIGEST:
            return f"_i{name}"
    objects = state.objects or Objects()
    for about in objects.histories:
        try:
            objects.history(about)
        except UNREADABLE:
            return f"_k{about}"
    if state.counted is not None and (name := state.counted.unreadable_chunk()):
        return f"_m{name}"
    return "_h" if state.held and not {"reasons", "previous_score", "previous_band"} <= state.held.keys() else ""


def fields_in(answer: Any) -> dict[str, str]:
    """Take the fields of a hash out of an answer of Redis.

    Args:
        answer: a dictionary, or names and values in turn, as the protocol of the connection has it; one word where the
            key holds no hash, and what it is.
    """
    if isinstance(answer, dict):
        return answer
    if len(answer) == 1:
        return {FOREIGN: answer[0]}
    return dict(zip(answer[::2], answer[1::2], strict=True))


def _decode(policy: Policy, fields: Mapping[str, str]) -> CustomerRecord:
    record = CustomerRecord()
    if "_v" not in fields:
        # A link may have been written before anything else.
        if not all(name.startswith("_l") for name in fields):
            raise KeyError("_v")
        return record
    record.version = fields["_v"]
    record.stands_for = stands_for(fields)
    if record.stands_for:
        return record
    known, obsolete = policy.published_names, []
    for name, words in fields.items():
        if name[0] != "_":
            useful = name in known
        else:
            field = BY_MARK.get(name[:2])
            useful = field is None or field.take(policy, record, name, words)
        if not useful:
            obsolete.append(name)
    if obsolete:
        record.obsolete = obsolete
    for field in FINISHED:
        field.finish(policy, record, fields)
    return record
