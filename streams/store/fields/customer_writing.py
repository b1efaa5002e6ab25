"""How a customer's record is written as the text fields of a hash.

Public fields are those of the contract. The internal ones begin with ``_``:

| field | content |
| --- | --- |
| `_v` | version, unique to each write |
| `_s` | judged ; flags (a armed, o alert open, e its episode is stored, x due is a crossing) ; last alert ; due |
| `_p<pane>` | counts of a pane: code of the type and count, separated by commas |
| `_w<pane>.<channel>` | visits of a pane in a channel that has sessions, see `streams.store.sums.visits` |
| `_i<day>.<n>` | digests of event ids, ten characters each |
| `_k<object>` | actions on an object, by its digest: code of the type, time and amounts, separated by commas |
| `_a<span>` | days on which the customer was active, and changes of band: see `scoring.customer.activity` |
| `_q` | events ahead of the evaluation time: code and time, separated by commas; details after semicolons |
| `_h` | a fall that waits to be reported, JSON |
| `_e` | the open episode, see `episodes.py` |
| `_n` | the warning of a coming drop: 1 in its episode, else 0 ; its time |
| `_m<day>.<n>` | where ids are linked, what events with an id counted: see `scoring.customer.counted` |
| `_l<id>` | an id that has been linked to the customer; a write leaves it alone |
| `_x<score>` | alerts of a named score, see `score_fields.py` |
| `_g` | when it was told which `segment` the customer is in, or that in none |
| `_b` | how far absences have been judged, see `absence_fields.py` |
| `_y<span>` | days with an event that ends the relation, by the rule of the policy; bits in hexadecimal |
| `_z` | by which rule the customer counts as lost, see `scoring.customer.churn` |
| `_f<n>` | by what the customer is in the sums of measures: parts of the text of `scoring.rules.tally` |

The hash of a linked id holds `customer_id`, the customer for whom it stands, and `_v`.

Values stay under 64 bytes and ASCII where they can: that is up to where Redis keeps a hash compact, and a hash that has
once held a longer one takes three times the room from then on. So messages, which are longer, wait beside it.

Rests on decision 8.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final
from urllib.parse import quote

import orjson

from scoring.customer.activity import Activity, encode_span
from scoring.customer.seen import UNTOUCHED
from scoring.customer.state import NONE, CustomerState, settle_panes
from scoring.figures.measuring import measured
from scoring.instants import SECOND, format_instant
from scoring.judging.score import disengages_at, trend
from scoring.points import text
from scoring.policy.policy import BANDS, Policy
from scoring.rules.details import Detail
from streams.store.fields.absence_fields import encode_absence
from streams.store.fields.episodes import encode_episode, episode_flags
from streams.store.fields.score_fields import score_fields
from streams.store.protocol import CustomerRecord
from streams.store.sums.churn_sums import ENDED, RULE, rule_text
from streams.store.sums.gains import counted_segment
from streams.store.sums.visits import encode_visits

#: Stands for the code of a type that is not known.
NO_CODE: Final = "...."
#: Before the digest of an object; no code of an amount begins so.
OBJECT: Final = "="
#: The field of a linked id that names its customer.
LINKED: Final = "customer_id"
#: Before the name of a segment, which no code of an amount begins with either.
SEGMENT: Final = "@"
#: Internal fields that come and go.
EXTRAS: Final = frozenset(("_q", "_h", "_n", "_e"))
# Characters of a part of a long text, so that each is kept compact.
_PART: Final = 60
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
    flags = ("a" if state.armed else "") + episode_flags(state.episode) + ("x" if state.due_crosses else "")
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
    _encode_memory("_i", state.seen.touched, state.seen.chunks, fields, removed)
    if state.objects is not None:
        _encode_memory("_k", state.objects.touched, state.objects.histories, fields, removed)
    if state.counted is not None and state.counted.touched:
        _encode_memory("_m", state.counted.touched, state.counted.chunks, fields, removed)
    warned = state.warned or state.last_warning != NONE
    if state.absence is not None or record.absence:
        encode_absence(policy, record, fields, removed)
    if state.ahead or state.held or state.episode or record.extras or warned or state.segment_changed:
        _encode_extras(record, fields, removed)
    return fields, removed


def band_of(state: CustomerState) -> tuple[int, int, int]:
    """Give what is stored of a customer's band: it, the one before, and since when."""
    return state.band, state.previous_band, state.band_since


def stands_for(fields: Mapping[str, str]) -> str:
    """Tell for which customer an id stands.

    Args:
        fields: of the hash under the id.

    Returns:
        The customer; '' if the id is not linked.
    """
    return fields.get(LINKED, "") if "_s" not in fields else ""


def linked_ids(fields: Iterable[str]) -> list[str]:
    """Tell which ids have been linked to a customer.

    Args:
        fields: the names of those of the customer's hash.
    """
    return [name[2:] for name in fields if name.startswith("_l")]


def _encode_scores(policy: Policy, record: CustomerRecord, fields: list[str], removed: list[str]) -> None:
    stored, written = record.stored_scores or {}, score_fields(policy, record.state)
    record.encoded_scores = written
    for name, value in written.items():
        if value == stored.get(name, ""):
            continue
        if value:
            fields += (name, value)
        else:
            removed.append(name)


def _encode_activity(activity: Activity, fields: list[str], removed: list[str]) -> None:
    for span in activity.touched:
        words = encode_span(activity, span)
        if words:
            fields += (f"_a{span}", words)
        else:
            removed.append(f"_a{span}")


def _encode_churn(policy: Policy, record: CustomerRecord, fields: list[str], removed: list[str]) -> None:
    if policy.figures.churn is None and not record.churn:
        return
    state, text = record.state, rule_text(policy, record.state)
    before = state.ended if state.ended_before is None else state.ended_before
    for span in {*state.ended, *before}:
        if span not in state.ended:
            removed.append(f"{ENDED}{span}")
        elif state.ended[span] != before.get(span):
            fields += (f"{ENDED}{span}", f"{state.ended[span]:x}")
    if text and text != record.churn:
        fields += (RULE, text)
    elif record.churn and not text:
        removed.append(RULE)
    record.encoded_churn = text


def _encode_memory(
    mark: str, touched: Iterable[str], stored: Mapping[str, str], fields: list[str], removed: list[str]
) -> None:
    """Write what is remembered under names of its own: ids, what they counted, and what was done to objects."""
    for name in touched:
        words = stored.get(name)
        if words is None:
            removed.append(mark + name)
        else:
            fields += (mark + name, words)


def _encode_extras(record: CustomerRecord, fields: list[str], removed: list[str]) -> None:
    state = record.state
    ahead = ",".join([f"{code or NO_CODE}{time}{_details(detail)}" for time, code, detail in state.ahead])
    held = orjson.dumps(state.held).decode() if state.held else ""
    warned = f"{int(state.warned)};{state.last_warning}" if state.warned or state.last_warning != NONE else ""
    for name, value in (("_q", ahead), ("_h", held), ("_n", warned), ("_e", encode_episode(state.episode))):
        if value:
            fields += (name, value)
        elif name in record.extras:
            removed.append(name)
    if state.segment_changed:
        fields += ("_g", str(state.segment_at))
        if state.segment:
            fields += ("segment", state.segment)
        else:
            removed.append("segment")


def _details(detail: Detail | None) -> str:
    if detail is None:
        return ""
    about = f";{OBJECT}{detail.object}" if detail.object else ""
    segment = f";{SEGMENT}{quote(detail.segment, safe='')}" if detail.segment else ""
    return "".join([f";{code}{amount}" for code, amount in detail.amounts]) + about + segment


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


def _encode_tally(stored: str, text: str, fields: list[str], removed: list[str]) -> None:
    for at in range(0, max(len(stored), len(text)), _PART):
        name, part = f"_f{at // _PART}", text[at : at + _PART]
        if part:
            fields += (name, part)
        else:
            removed.append(name)


def _encode_public(policy: Policy, record: CustomerRecord, fields: list[str], removed: list[str]) -> None:
    state = record.state
    if policy.scores:
        _encode_scores(policy, record, fields, removed)
    _encode_churn(policy, record, fields, removed)
    # All segments are counted alike.
    segment, tally = counted_segment(policy, record), policy.tally.text
    policy = policy.of(state.segment)
    numbers = [state.score, trend(policy, state), *state.channel_points]
    stored = record.stored_numbers
    if numbers != stored:
        for index, points in enumerate(numbers):
            if stored is None or points != stored[index]:
                fields += (policy.number_names[index], text(points))
    if band_of(state) != record.stored_band:
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
    if record.tally != tally:
        _encode_tally(record.tally, tally, fields, removed)
    record.encoded = (numbers, leaves, measures, tally, segment)
    last = format_instant(state.last_event_at) if state.last_event_at != NONE else ""
    fields += ("last_event_at", last, "updated_at", _format_judged(state.judged))


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
    state = record.state
    record.version = version
    if state.judged != NONE:
        record.stored_band = band_of(state)
        record.stored_policy_version = state.policy_version
    record.stored_due = (state.due, state.due_crosses)
    if record.encoded is not None:
        record.stored_numbers, record.stored_disengages_at, record.stored_measures = record.encoded[:3]
        record.tally, record.segment = record.encoded[3:]
        record.encoded = None
    if record.encoded_scores is not None:
        record.stored_scores, record.encoded_scores = record.encoded_scores, None
    record.absence, record.encoded_absence = record.encoded_absence, ""
    record.churn, record.encoded_churn = record.encoded_churn, ""
    record.obsolete = ()
    warned = state.warned or state.last_warning != NONE
    if state.ahead or state.held or state.episode or warned or record.extras:
        kept = (("_q", state.ahead), ("_h", state.held), ("_n", warned), ("_e", state.episode))
        record.extras = frozenset([name for name, held in kept if held])
    settle_panes(state)
    state.segment_changed = False
    state.seen.touched = UNTOUCHED
    if state.objects is not None:
        state.objects.touched.clear()
    if state.counted is not None:
        state.counted.touched.clear()
    if state.activity.touched:
        state.activity.touched.clear()
        state.activity.flipped.clear()
        state.activity.entered = 0
        state.activity.gains.clear()
