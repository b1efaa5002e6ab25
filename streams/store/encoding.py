"""How a customer's record is written as the text fields of a hash.

Public fields are those of the contract. The internal ones begin with ``_``:

| field | content |
| --- | --- |
| `_v` | version, unique to each write |
| `_s` | judged ; flags (a armed, r has reached engaged, o alert open, x due is a crossing) ; last alert ; due |
| `_p<pane>` | counts of a pane: code of the type and count, separated by commas |
| `_w<pane>.<channel>` | visits of a pane in a channel that has sessions, see `visits.py` |
| `_i<day>.<n>` | digests of event ids, ten characters each |
| `_k<object>` | actions on an object, by its digest: code of the type, time and amounts, separated by commas |
| `_a<span>` | days on which the customer was active, and changes of band: see `scoring.activity` |
| `_q` | events ahead of the evaluation time: code and time, separated by commas; amounts and object after semicolons |
| `_h` | a drop that the cooldown holds back, JSON |
| `_n` | the warning of a coming drop: 1 in its episode, else 0 ; its time |

Values stay under 64 bytes and ASCII where they can: that is up to where Redis keeps a hash compact, and a hash that has
once held a longer one takes three times the room from then on. So messages, which are longer, wait beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import orjson

from scoring.activity import Activity, decode_spans, encode_span
from scoring.details import Detail
from scoring.feeds import Stretch
from scoring.instants import SECOND, format_instant, parse_timestamp
from scoring.measuring import measured
from scoring.objects import Objects
from scoring.points import text, to_millionths
from scoring.policy import BANDS, Policy
from scoring.score import disengages_at, trend
from scoring.seen import SeenIds
from scoring.state import NONE, CustomerState, Timed, derive
from scoring.watermark import Mark
from streams.errors import UnreadableCustomer
from streams.records import Message, Partition
from streams.store.protocol import ERASURES_PARTITION, CustomerRecord, FeedRecord, Fence
from streams.store.visits import decode_visits, encode_visits

_NO_CODE = "...."
# Before the digest of an object; no code of an amount begins so.
_OBJECT = "="
_EXTRAS = frozenset(("_q", "_h", "_n"))
_BAND_INDEX = {name: index for index, name in enumerate(BANDS)}
#: What a hash that somebody has changed by hand makes the decoding fail with.
_UNREADABLE = (ValueError, KeyError, IndexError, TypeError)
# What each hash has at least, in an order in which one that is missing is named before what hangs on it.
_RIGHT = {"_v": "v", "_s": "-1;;-1;0", "band": "disengaged", "band_since": "1970-01-01T00:00:00Z"}
# All customers of a round are judged up to the same time.
_format_judged = lru_cache(maxsize=8)(format_instant)


def encode(policy: Policy, record: CustomerRecord, version: str) -> tuple[list[str], list[str]]:
    """Write what has changed in a record since it was stored.

    Args:
        policy: in force.
        record: as it is to be stored.
        version: of this write.

    Returns:
        Names and values in turn of the fields to set, and the names of the fields to remove.
    """
    state = record.state
    flags = (
        ("a" if state.armed else "")
        + ("r" if state.reached_engaged else "")
        + ("o" if state.alert_open else "")
        + ("x" if state.due_crosses else "")
    )
    fields = ["_v", version, "_s", f"{state.judged};{flags};{state.last_alert};{state.due}"]
    removed = list(record.obsolete)
    if state.judged != NONE:
        _encode_public(policy, record, fields, removed)
    for pane in state.touched_panes:
        counts = state.panes.get(pane)
        if counts is None:
            removed.append(f"_p{pane}")
        else:
            fields += (f"_p{pane}", ",".join([f"{code}{count}" for code, count in counts.items()]))
    if state.activity.touched:
        _encode_activity(state.activity, fields, removed)
    if state.touched_visits:
        _encode_visits(policy, state, fields, removed)
    for chunk in state.seen.touched:
        if chunk in state.seen.chunks:
            fields += (f"_i{chunk}", state.seen.chunks[chunk])
        else:
            removed.append(f"_i{chunk}")
    if state.objects is not None:
        _encode_objects(state.objects, fields, removed)
    if state.ahead or state.held or record.extras or state.warned or state.last_warning != NONE:
        _encode_extras(record, fields, removed)
    return fields, removed


def _band(state: CustomerState) -> tuple[int, int, int]:
    return state.band, state.previous_band, state.band_since


def _encode_activity(activity: Activity, fields: list[str], removed: list[str]) -> None:
    for span in activity.touched:
        words = encode_span(activity, span)
        if words:
            fields += (f"_a{span}", words)
        else:
            removed.append(f"_a{span}")


def _encode_objects(objects: Objects, fields: list[str], removed: list[str]) -> None:
    for about in objects.touched:
        history = objects.histories.get(about)
        if history is None:
            removed.append(f"_k{about}")
        else:
            fields += (f"_k{about}", history)


def _encode_extras(record: CustomerRecord, fields: list[str], removed: list[str]) -> None:
    state = record.state
    ahead = ",".join([f"{code or _NO_CODE}{time}{_details(detail)}" for time, code, detail in state.ahead])
    held = orjson.dumps(state.held).decode() if state.held else ""
    warned = f"{int(state.warned)};{state.last_warning}" if state.warned or state.last_warning != NONE else ""
    for name, value in (("_q", ahead), ("_h", held), ("_n", warned)):
        if value:
            fields += (name, value)
        elif name in record.extras:
            removed.append(name)


def _details(detail: Detail | None) -> str:
    if detail is None:
        return ""
    about = f";{_OBJECT}{detail.object}" if detail.object else ""
    return "".join([f";{code}{amount}" for code, amount in detail.amounts]) + about


def _event_ahead(entry: str) -> Timed:
    event, *details = entry.split(";")
    detail = None
    if details:
        about = details.pop()[1:] if details[-1][0] == _OBJECT else ""
        detail = Detail(tuple([(words[:4], int(words[4:])) for words in details]), about)
    return int(event[4:]), event[:4].replace(_NO_CODE, ""), detail


def _encode_visits(policy: Policy, state: CustomerState, fields: list[str], removed: list[str]) -> None:
    for channel, pane in state.touched_visits:
        name, visits = f"_w{pane}.{channel}", state.visits.get(channel, {}).get(pane)
        if visits:
            fields += (name, encode_visits(visits, pane * policy.pane))
        else:
            removed.append(name)


def _encode_measures(
    policy: Policy, record: CustomerRecord, measures: list[str], fields: list[str], removed: list[str]
) -> None:
    stored = record.stored_measures
    if measures == stored:
        return
    for index, name in enumerate(policy.measure_names):
        value = measures[index]
        if stored is not None and value == stored[index]:
            continue
        if value:
            fields += (name, value)
        elif stored is not None:
            removed.append(name)


def _encode_public(policy: Policy, record: CustomerRecord, fields: list[str], removed: list[str]) -> None:
    state = record.state
    numbers = [state.score, trend(policy, state), *state.channel_points]
    stored = record.stored_numbers
    if numbers != stored:
        for index, points in enumerate(numbers):
            if stored is None or points != stored[index]:
                fields += (policy.number_names[index], text(points))
    if _band(state) != record.stored_band:
        previous = BANDS[state.previous_band] if state.previous_band != NONE else ""
        fields += ("band", BANDS[state.band], "band_since", format_instant(state.band_since), "previous_band", previous)
    leaves = disengages_at(policy, state)
    if leaves != record.stored_disengages_at:
        fields += ("disengages_at", format_instant(leaves) if leaves else "")
    if state.policy_version != record.stored_policy_version:
        fields += ("policy_version", state.policy_version)
    measures = None
    if policy.measures:
        measures = measured(policy, state)
        _encode_measures(policy, record, measures, fields, removed)
    record.encoded = (numbers, leaves, measures)
    last = format_instant(state.last_event_at) if state.last_event_at != NONE else ""
    fields += ("last_event_at", last, "updated_at", _format_judged(state.judged))


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
    try:
        return _decode(policy, fields)
    except _UNREADABLE as error:
        raise UnreadableCustomer(key, _culprit(policy, fields)) from error


def _culprit(policy: Policy, fields: Mapping[str, str]) -> str:
    """Find the field because of which a hash cannot be read: alone among right ones, it still cannot."""
    for name, value in fields.items():
        try:
            _decode(policy, {**_RIGHT, name: value})
        except _UNREADABLE:
            return name
    # What is there can be read, so one is missing.
    return next((name for name in _RIGHT if name not in fields), "")


def _decode(policy: Policy, fields: Mapping[str, str]) -> CustomerRecord:
    state = CustomerState()
    record = CustomerRecord(state)
    if "_v" not in fields:
        return record
    judged, flags, last_alert, due = fields["_s"].split(";")
    state.judged, state.last_alert, state.due = int(judged), int(last_alert), int(due)
    state.armed, state.reached_engaged = "a" in flags, "r" in flags
    state.alert_open, state.due_crosses = "o" in flags, "x" in flags
    _decode_counts(policy, state, fields)
    state.activity = decode_spans({int(name[2:]): value for name, value in fields.items() if name.startswith("_a")})
    state.seen = SeenIds({name[2:]: value for name, value in fields.items() if name.startswith("_i")})
    if "_q" in fields:
        state.ahead = [_event_ahead(entry) for entry in fields["_q"].split(",")]
    if "_h" in fields:
        state.held = dict(orjson.loads(fields["_h"]))
    if "_n" in fields:
        warned, last_warning = fields["_n"].split(";")
        state.warned, state.last_warning = warned == "1", int(last_warning)
    record.version = fields["_v"]
    record.extras = {name for name in _EXTRAS if name in fields}
    record.stored_due = (state.due, state.due_crosses)
    known = policy.published_names
    record.obsolete = [name for name in fields if name[0] != "_" and name not in known]
    if not policy.sessions:
        record.obsolete += [name for name in fields if name.startswith("_w")]
    if policy.measures:
        record.stored_measures = [fields.get(name, "") for name in policy.measure_names]
    _decode_public(record, fields)
    derive(policy, state)
    if record.stored_policy_version != policy.version and "score" in fields:
        state.score_before_policy = to_millionths(float(fields["score"]))
    return record


def _decode_counts(policy: Policy, state: CustomerState, fields: Mapping[str, str]) -> None:
    histories: dict[str, str] = {}
    for name, value in fields.items():
        if name.startswith("_p"):
            state.panes[int(name[2:])] = {entry[:4]: int(entry[4:]) for entry in value.split(",")}
        elif name.startswith("_k"):
            histories[name[2:]] = value
    if histories:
        state.objects = Objects(histories)
    if policy.sessions:
        _decode_visits(policy, state, fields)


def _decode_visits(policy: Policy, state: CustomerState, fields: Mapping[str, str]) -> None:
    for name, words in fields.items():
        if name.startswith("_w"):
            pane, channel = name[2:].split(".")
            state.visits.setdefault(channel, {})[int(pane)] = decode_visits(words, int(pane) * policy.pane)


def _decode_public(record: CustomerRecord, fields: Mapping[str, str]) -> None:
    state = record.state
    state.policy_version = record.stored_policy_version = fields.get("policy_version", "")
    if "band" not in fields:
        return
    state.band = _BAND_INDEX[fields["band"]]
    state.previous_band = _BAND_INDEX.get(fields.get("previous_band", ""), NONE)
    state.band_since = parse_timestamp(fields["band_since"])
    record.stored_band = _band(state)
    state.last_event_at = parse_timestamp(fields["last_event_at"]) if fields.get("last_event_at") else NONE
    leaves = fields.get("disengages_at", "")
    record.stored_disengages_at = parse_timestamp(leaves) if leaves else 0


def index_changes(record: CustomerRecord) -> tuple[str, str, int, str]:
    """Tell how the indexes follow a record: old band, new band, since when (seconds), schedule.

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


def settle(record: CustomerRecord, version: str) -> None:
    """Note that a record has been written as it stands.

    Args:
        record: changed in place.
        version: of the write.
    """
    state = record.state
    record.version = version
    if state.judged != NONE:
        record.stored_band = _band(state)
        record.stored_policy_version = state.policy_version
    record.stored_due = (state.due, state.due_crosses)
    if record.encoded is not None:
        record.stored_numbers, record.stored_disengages_at, record.stored_measures = record.encoded
        record.encoded = None
    record.obsolete.clear()
    warned = state.warned or state.last_warning != NONE
    if state.ahead or state.held or warned or record.extras:
        record.extras = {name for name, held in (("_q", state.ahead), ("_h", state.held), ("_n", warned)) if held}
    state.touched_panes.clear()
    state.touched_visits.clear()
    state.seen.touched.clear()
    if state.objects is not None:
        state.objects.touched.clear()
    if state.activity.touched:
        state.activity.touched.clear()
        state.activity.gains.clear()


def encode_message(message: Message) -> str:
    """Write a message that waits to be published."""
    return orjson.dumps((message.topic, message.body)).decode()


def decode_message(words: str) -> Message:
    """Read a message back."""
    return Message(*orjson.loads(words))


def encode_fence(fence: Fence) -> str:
    """Write a fence."""
    return f"{fence.offset};{fence.newest}"


def decode_fence(words: str | None) -> Fence | None:
    """Read a fence back."""
    if words is None:
        return None
    offset, _, newest = words.partition(";")
    return Fence(int(offset), int(newest))


def encode_stretches(stretches: Sequence[Stretch]) -> str:
    """Write stretches of events."""
    return ",".join([f"{first}-{last}" for first, last in stretches])


def decode_feeds(stored: Mapping[str, str]) -> dict[str, FeedRecord]:
    """Read what is stored of the feeds back, by channel."""
    records: dict[str, FeedRecord] = {}
    for name, words in stored.items():
        record = records.get(name[1:], FeedRecord())
        if name[0] == "s":
            ends = [stretch.split("-") for stretch in words.split(",")]
            record = record._replace(stretches=[(int(first), int(last)) for first, last in ends])
        else:
            record = record._replace(told=words)
        records[name[1:]] = record
    return records


def decode_offsets(fences: Mapping[str, str]) -> dict[Partition, int]:
    """Read the offsets of all fences of a group back, by the label of their partition; not that of the erasures."""
    offsets = {_partition(label): int(words.partition(";")[0]) for label, words in fences.items()}
    offsets.pop(ERASURES_PARTITION, None)
    return offsets


def encode_mark(mark: Mark) -> str:
    """Write a mark; generation, time of the report and offset stand first, where the function library looks."""
    head = f"{mark.generation};{mark.reported_at};{mark.offset}"
    return f"{head};{mark.newest};{mark.applied_to};{int(mark.caught_up)};{mark.moving_since};{mark.moved_at}"


def decode_marks(stored: Mapping[str, str]) -> dict[Partition, Mark]:
    """Read all marks back, by the label of their partition."""
    return {_partition(label): _mark(words) for label, words in stored.items()}


def _partition(label: str) -> Partition:
    topic, _, number = label.rpartition("/")
    return Partition(topic, int(number))


def _mark(words: str) -> Mark:
    generation, reported_at, offset, newest, applied_to, caught_up, since, moved_at = map(int, words.split(";"))
    return Mark(newest, applied_to, bool(caught_up), since, moved_at, reported_at, generation, offset)
