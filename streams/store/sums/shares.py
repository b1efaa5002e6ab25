"""What stored customers add to the sums over customers, read off their hashes; no policy is asked.

Rests on decision 56.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from sys import intern

from scoring.customer.activity import Activity, contribution, decode_spans
from scoring.customer.state import NONE
from scoring.figures.counted import Counted, counted_fields
from scoring.figures.tally_fields import tally_panes
from scoring.rules.session_sums import Visits
from scoring.rules.sessions import Visit
from scoring.rules.tally import parse_tally
from streams.store.segment_sums import IN_SEGMENT, MEASURES, SEGMENTS, names_of
from streams.store.sums.absence_sums import FIELD, absence_share
from streams.store.sums.churn_sums import RULE, churn_share
from streams.store.sums.gains import Additions, join, less
from streams.store.sums.visits import decode_visits


def share_of(fields: Mapping[str, str]) -> Additions:
    """Return what a customer adds to the sums altogether.

    Args:
        fields: of the hash as stored; what somebody has made unreadable there is left out.

    Returns:
        By name and field.
    """
    activity = activity_in(fields)
    days, measures, segment = contribution(activity), _tallied_in(fields, activity), segment_in(fields)
    found = dict.fromkeys(names_of("", segment), days) | dict.fromkeys(names_of(MEASURES, segment), measures)
    if segment:
        found[SEGMENTS] = {IN_SEGMENT + segment: 1}
    if FIELD in fields:
        found |= absence_share(fields[FIELD], segment, activity.list_days())
    if RULE in fields:
        found |= churn_share(fields, activity, segment)
    return join([found])


def activity_in(fields: Mapping[str, str]) -> Activity:
    """Read the activity out of a hash; none where somebody has made it unreadable.

    Args:
        fields: of a customer.

    Returns:
        The activity.
    """
    try:
        return decode_spans({int(name[2:]): words for name, words in fields.items() if name.startswith("_a")})
    except (ValueError, IndexError):
        return Activity()


def segment_in(fields: Mapping[str, str]) -> str:
    """Read out of a hash in whose sums a customer is.

    Args:
        fields: of a customer.

    Returns:
        The segment; '' for none.
    """
    return fields.get("segment", "") if "_g" in fields and "band" in fields else ""


def tally_in(fields: Mapping[str, str]) -> str:
    """Read the text of the tally out of a hash.

    Args:
        fields: of a customer.

    Returns:
        The text; '' for a customer who is in no sum of measures.
    """
    text, part = "", 0
    while f"_f{part}" in fields:
        text += fields[f"_f{part}"]
        part += 1
    return text


def judged_in(fields: Mapping[str, str]) -> int:
    """Read out of a hash up to when a customer has been judged.

    Args:
        fields: of a customer.

    Returns:
        Microseconds; `NONE` where nobody has judged, or somebody has made it unreadable.
    """
    try:
        return int(fields.get("_s", "").partition(";")[0])
    except ValueError:
        return NONE


def counts_in(words: str) -> dict[str, int]:
    """Read the counts of a pane.

    Args:
        words: as stored.

    Returns:
        By code.

    Raises:
        ValueError: if they cannot have been written so.
    """
    # The codes of all customers are the same ones.
    return {intern(entry[:4]): int(entry[4:]) for entry in words.split(",")}


def _tallied_in(fields: Mapping[str, str], activity: Activity) -> dict[str, int]:
    panes: dict[int, dict[str, int]] = {}
    try:
        tally = parse_tally(tally_in(fields))
    except ValueError:
        return {}
    if not tally.text:
        return {}
    for name, words in fields.items():
        if name[:2] == "_p":
            try:
                panes[int(name[2:])] = counts_in(words)
            except ValueError:
                continue
    if not tally.pane:
        return tally_panes(tally, panes)
    counted = Counted(panes, _visits_in(fields, tally.pane), activity.list_changes())
    return counted_fields(tally, counted, judged_in(fields) // tally.pane - tally.kept + 1)


def _visits_in(fields: Mapping[str, str], length: int) -> Mapping[str, Visits]:
    """Read the visits out of a hash, by channel and pane; those that somebody has made unreadable are left out."""
    found: dict[str, dict[int, Sequence[Visit]]] = {}
    for name, words in fields.items():
        if name[:2] == "_w":
            pane, _, channel = name[2:].partition(".")
            try:
                found.setdefault(channel, {})[int(pane)] = decode_visits(words, int(pane) * length)
            except (ValueError, KeyError):
                continue
    return found


def leaving(fields: Mapping[str, str]) -> Additions:
    """Return the additions that take a customer out of the sums.

    Args:
        fields: of the hash as stored.

    Returns:
        What is to be added.
    """
    return exchanging(fields, {})


def exchanging(before: Mapping[str, str], after: Mapping[str, str]) -> Additions:
    """Return the additions that put a customer in the sums in the place of what was stored.

    Args:
        before: fields of the hash as stored.
        after: as they will be stored.

    Returns:
        What is to be added.
    """
    return join([less(share_of(before)), share_of(after)])
