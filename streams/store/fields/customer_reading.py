"""How a customer's record is read back from the fields of a hash: see `encoding` for their content.

Rests on decision 68.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from sys import intern
from typing import Any, Final
from urllib.parse import unquote

import orjson

from scoring.customer.activity import decode_spans
from scoring.customer.churn import fields_by
from scoring.customer.counted import CountedEvents
from scoring.customer.objects import Objects
from scoring.customer.seen import DIGEST, SeenIds
from scoring.customer.state import NONE, CustomerState, Timed, derive
from scoring.instants import SECOND, parse_timestamp
from scoring.points import to_millionths
from scoring.policy.policy import BANDS, Policy
from scoring.rules.details import Detail
from scoring.rules.tally import parse_tally
from streams.errors import UnreadableCustomer
from streams.store.fields.absence_fields import take_absence
from streams.store.fields.customer_writing import EXTRAS, NO_CODE, OBJECT, SEGMENT, band_of, stands_for
from streams.store.fields.episodes import take_episode
from streams.store.fields.score_fields import alert_fields, read_named, stored_fields
from streams.store.protocol import CustomerRecord
from streams.store.sums.churn_sums import RULE, ended_in
from streams.store.sums.shares import counts_in, tally_in
from streams.store.sums.visits import decode_visits

# Times are written as years of four digits.
_LATEST: Final = 253_402_300_800 * SECOND
_BAND_INDEX: Final = {name: index for index, name in enumerate(BANDS)}
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
    state = CustomerState()
    record = CustomerRecord(state)
    if "_v" not in fields:
        # A link may have been written before anything else.
        if not all(name.startswith("_l") for name in fields):
            raise KeyError("_v")
        return record
    record.stands_for = stands_for(fields)
    if record.stands_for:
        record.version = fields["_v"]
        return record
    judged, flags, last_alert, due = fields["_s"].split(";")
    state.judged, state.last_alert, state.due = int(judged), int(last_alert), int(due)
    if not NONE <= min(state.judged, state.last_alert) <= max(state.judged, state.last_alert, state.due) < _LATEST:
        raise ValueError("_s")
    state.armed, state.due_crosses = "a" in flags, "x" in flags
    _decode_history(policy, record, fields)
    if state.panes and not 0 <= min(state.panes) <= max(state.panes) < _LATEST // policy.pane:
        raise ValueError("_p")
    _decode_extras(record, fields)
    record.version = fields["_v"]
    record.stored_due = (state.due, state.due_crosses)
    if policy.measures:
        record.stored_measures = [fields.get(name, "") for name in policy.measure_names]
    _decode_counted(policy, record, fields)
    _decode_public(record, fields)
    take_absence(record, fields)
    if policy.profiles is not None and "_g" in fields:
        state.segment, state.segment_at = fields.get("segment", ""), int(fields["_g"])
    own = policy.of(state.segment)
    take_episode(own, state, fields.get("_e", ""), flags)
    derive(own, state)
    if policy.scores:
        record.stored_scores = stored_fields(policy, fields)
        read_named(policy, state, fields)
    if record.stored_policy_version != policy.version and "score" in fields:
        state.score_before_policy = to_millionths(float(fields["score"]))
    return record


def _decode_history(policy: Policy, record: CustomerRecord, fields: Mapping[str, str]) -> None:
    """Take what the fields of a kind hold, in one pass: a hash has a few dozen, and most have a number in the name."""
    state, known = record.state, policy.published_names
    ids: dict[str, str] = {}
    spans: dict[int, str] = {}
    histories: dict[str, str] = {}
    for name, words in fields.items():
        kind = name[:2]
        if kind == "_p":
            state.panes[int(name[2:])] = counts_in(words)
        elif kind == "_i":
            # The chunks of all customers have the same names.
            ids[intern(name[2:])] = words
        elif kind == "_a":
            spans[int(name[2:])] = words
        elif kind == "_k":
            histories[name[2:]] = words
        elif kind == "_w" and policy.sessions:
            pane, channel = name[2:].split(".")
            state.visits.setdefault(channel, {})[int(pane)] = decode_visits(words, int(pane) * policy.pane)
        elif (
            kind == "_w"
            or (kind == "_m" and not policy.identities)
            or (name[0] != "_" and name not in known)
            or (kind == "_x" and name not in alert_fields(policy))
        ):
            record.obsolete = (*record.obsolete, name)
    state.seen, state.activity = SeenIds(ids), decode_spans(spans)
    if policy.identities:
        state.counted = CountedEvents({name[2:]: words for name, words in fields.items() if name[:2] == "_m"})
    if histories:
        state.objects = Objects(histories)


def _decode_extras(record: CustomerRecord, fields: Mapping[str, str]) -> None:
    state = record.state
    extras = EXTRAS.intersection(fields)
    if not extras:
        return
    record.extras = extras
    if "_q" in extras:
        state.ahead = [_event_ahead(entry) for entry in fields["_q"].split(",")]
    if "_h" in extras:
        state.held = dict(orjson.loads(fields["_h"]))
    if "_n" in extras:
        warned, last_warning = fields["_n"].split(";")
        state.warned, state.last_warning = warned == "1", int(last_warning)


def _decode_counted(policy: Policy, record: CustomerRecord, fields: Mapping[str, str]) -> None:
    """Take by what the customer is in the sums over customers."""
    if "_f0" in fields:
        record.tally = tally_in(fields)
        parse_tally(record.tally)
        if record.tally != policy.tally.text:
            # What changes now has been counted by another one.
            record.state.tallied, record.state.tallied_visits = {}, {}
    record.segment = fields.get("segment", "") if "_g" in fields else ""
    if policy.figures.churn is not None or RULE in fields:
        record.churn, record.state.ended = fields.get(RULE, ""), ended_in(fields)
        fields_by(record.churn, (), ())


def _decode_public(record: CustomerRecord, fields: Mapping[str, str]) -> None:
    state = record.state
    state.policy_version = record.stored_policy_version = intern(fields.get("policy_version", ""))
    if "band" not in fields:
        return
    state.band = _BAND_INDEX[fields["band"]]
    state.previous_band = _BAND_INDEX.get(fields.get("previous_band", ""), NONE)
    state.band_since = parse_timestamp(fields["band_since"])
    record.stored_band = band_of(state)
    state.last_event_at = parse_timestamp(fields["last_event_at"]) if fields.get("last_event_at") else NONE
    leaves = fields.get("disengages_at", "")
    record.stored_disengages_at = parse_timestamp(leaves) if leaves else 0


def _event_ahead(entry: str) -> Timed:
    event, *details = entry.split(";")
    detail = None
    if details:
        segment = unquote(details.pop()[1:]) if details[-1][0] == SEGMENT else ""
        about = details.pop()[1:] if details and details[-1][0] == OBJECT else ""
        detail = Detail(tuple([(words[:4], int(words[4:])) for words in details]), about, segment)
    return int(event[4:]), event[:4].replace(NO_CODE, ""), detail
