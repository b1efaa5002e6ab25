"""What writes add to the sums over customers, and how that is told to the function library."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from scoring.activity import Activity, contribution, decode_spans, named
from streams.store.protocol import CustomerRecord

#: Sums by their name, '' for those over all customers; each with what is to be added, by field.
Additions = dict[str, dict[str, int]]


def gains_of(records: Iterable[CustomerRecord]) -> Additions:
    """Add up what customers gain by a write.

    Args:
        records: about to be written.

    Returns:
        What is to be added; usually nothing.
    """
    total: dict[int, int] = {}
    for record in records:
        gains = record.state.activity.gains
        if gains:
            for key, count in gains.items():
                total[key] = total.get(key, 0) + count
    fields = {field: count for field, count in named(total).items() if count} if total else {}
    return {"": fields} if fields else {}


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


def leaving(activity: Activity) -> Additions:
    """Tell how to take a customer out of the sums.

    Args:
        activity: as stored.

    Returns:
        What is to be added.
    """
    return exchanging(activity, Activity())


def exchanging(before: Activity, after: Activity) -> Additions:
    """Tell how to put a customer in the sums in the place of what was stored.

    Args:
        before: as stored.
        after: as it will be stored.

    Returns:
        What is to be added.
    """
    found: Additions = {}
    _add(found, "", contribution(before), -1)
    _add(found, "", contribution(after))
    return found


def join(all_additions: Iterable[Additions]) -> Additions:
    """Add up additions.

    Args:
        all_additions: by name and field.

    Returns:
        Their sum.
    """
    found: Additions = {}
    for additions in all_additions:
        for name, fields in additions.items():
            _add(found, name, fields)
    return {name: fields for name, fields in found.items() if fields}


def words_of(additions: Additions) -> list[str | int]:
    """Write additions as the function `add_sums` of the library takes them.

    Args:
        additions: by name and field.

    Returns:
        The words.
    """
    words: list[str | int] = [len(additions)]
    for name, fields in additions.items():
        words += (name, len(fields))
        for field, count in fields.items():
            words += (field, count)
    return words


def _add(found: Additions, name: str, fields: Mapping[str, int], sign: int = 1) -> None:
    sums = found.setdefault(name, {})
    for field, count in fields.items():
        total = sums.get(field, 0) + sign * count
        if total:
            sums[field] = total
        else:
            del sums[field]
