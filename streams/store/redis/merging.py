"""Puts the days that the log has in the place of those that are stored, and keeps what is older."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from scoring.customer.activity import Activity, encode_span
from scoring.customer.churn import flip, list_days
from scoring.instants import DAY, parse_timestamp
from scoring.policy.policy import BANDS
from streams.store.fields.customer_writing import stands_for
from streams.store.fields.signal_fields import kept_signals
from streams.store.sums.churn_sums import ENDED, ended_in
from streams.store.sums.gains import Additions
from streams.store.sums.shares import activity_in, exchanging


@dataclass(frozen=True, slots=True)
class Merged:
    """What a customer has after being replaced: fields to set and to remove, and what the sums gain.

    `version` is that of what is replaced.
    """

    version: str
    fields: dict[str, str]
    removed: list[str]
    gains: Additions


def merge_days(live: Mapping[str, str], rebuilt: Mapping[str, str], since: int | None) -> Merged:
    """Return what of the activity a customer has who is replaced.

    Args:
        live: the fields as stored.
        rebuilt: those computed anew; none if the log holds nothing of the customer.
        since: number of the first day of which the log has everything; None where it has all days.

    Returns:
        Before that day what was stored, from it on what the log says. Of the bands all changes that were stored, and
        one into the band of now; all by the log where it has all. What stands of signals stays where the log has
        not all, or the policy has not had the signals all the time.
    """
    before, after = activity_in(live), activity_in(rebuilt)
    if rebuilt and since is not None and not stands_for(rebuilt):
        after = _joined(before, after, since)
        if "band" in rebuilt:
            after.enter(max(parse_timestamp(rebuilt["band_since"]), 0) // DAY, BANDS.index(rebuilt["band"]))
    fields = kept_signals(live, whole=since is None) if rebuilt and not stands_for(rebuilt) else {}
    fields |= {f"_a{span}": encode_span(after, span) for span in {*after.days, *after.changes}}
    fields |= _ended(live, rebuilt, since)
    removed = [name for name in rebuilt if name.startswith(("_a", ENDED)) and name not in fields]
    becomes = {name: words for name, words in {**rebuilt, **fields}.items() if name not in removed}
    return Merged(live.get("_v", ""), fields, removed, exchanging(live, becomes))


def _ended(live: Mapping[str, str], rebuilt: Mapping[str, str], since: int | None) -> dict[str, str]:
    """Write the days on which the relation ended: those stored before a day, and those of the log from it on."""
    before = list_days(ended_in(live)) if rebuilt and since is not None else []
    ended: dict[int, int] = {}
    for day in [day for day in before if day < (since or 0)]:
        flip(ended, day)
    for day in [day for day in list_days(ended_in(rebuilt)) if day >= (since or 0)]:
        flip(ended, day)
    return {f"{ENDED}{span}": f"{bits:x}" for span, bits in ended.items()}


def _joined(before: Activity, after: Activity, since: int) -> Activity:
    joined = Activity(changes=dict(before.changes))
    for day in [day for day in before.list_days() if day < since] + [day for day in after.list_days() if day >= since]:
        joined.add(day)
    return joined
