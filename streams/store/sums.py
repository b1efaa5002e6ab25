"""What writes add to the sums over customers, and how that is told to the function library."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from scoring.activity import Activity, contribution, decode_spans, named
from scoring.policy import Policy
from scoring.state import NONE
from scoring.tally import NEWEST, parse_tally, tally_panes
from scoring.tally_gains import TallyGains
from streams.store.protocol import CustomerRecord

#: Sums by their name, '' for those of `scoring.activity`; each with what is to be added, by field.
Additions = dict[str, dict[str, int]]
#: The name of the sums of `scoring.tally`.
MEASURES = "measures"


def gains_of(policy: Policy, records: Iterable[CustomerRecord]) -> Additions:
    """Add up what customers gain by a write.

    Args:
        policy: in force.
        records: about to be written.

    Returns:
        What is to be added; usually nothing.
    """
    total: dict[int, int] = {}
    measured: TallyGains | None = None
    tallied = policy.tallied
    for record in records:
        gains = record.state.activity.gains
        if gains:
            for key, count in gains.items():
                total[key] = total.get(key, 0) + count
        if tallied or record.tally:
            if measured is None:
                measured = TallyGains()
            _gain_measures(policy, record, measured)
    fields = {field: count for field, count in named(total).items() if count} if total else {}
    found = {"": fields} if fields else {}
    if measured is not None:
        fields = measured.named()
        if fields:
            found[MEASURES] = fields
    return found


def _gain_measures(policy: Policy, record: CustomerRecord, measured: TallyGains) -> None:
    state, tally = record.state, policy.tally
    kept_from = state.pane - policy.kept_panes + 1
    if record.tally != tally.text:
        measured.move(parse_tally(record.tally), tally, state.panes, state.tallied or {}, kept_from)
    elif state.tallied:
        measured.add(tally, state.panes, state.tallied, kept_from)


def share_of(fields: Mapping[str, str]) -> Additions:
    """Tell what a customer adds to the sums altogether.

    Args:
        fields: of the hash as stored; what somebody has made unreadable there is left out.

    Returns:
        By name and field.
    """
    return _without_nothing({"": contribution(activity_in(fields)), MEASURES: _tallied_in(fields)})


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
    return {entry[:4]: int(entry[4:]) for entry in words.split(",")}


def _tallied_in(fields: Mapping[str, str]) -> dict[str, int]:
    panes: dict[int, dict[str, int]] = {}
    try:
        tally = parse_tally(tally_in(fields))
    except ValueError:
        return {}
    if tally.text:
        for name, words in fields.items():
            if name[:2] == "_p":
                try:
                    panes[int(name[2:])] = counts_in(words)
                except ValueError:
                    continue
    return tally_panes(tally, panes)


def leaving(fields: Mapping[str, str]) -> Additions:
    """Tell how to take a customer out of the sums.

    Args:
        fields: of the hash as stored.

    Returns:
        What is to be added.
    """
    return exchanging(fields, {})


def exchanging(before: Mapping[str, str], after: Mapping[str, str]) -> Additions:
    """Tell how to put a customer in the sums in the place of what was stored.

    Args:
        before: fields of the hash as stored.
        after: as they will be stored.

    Returns:
        What is to be added.
    """
    return join([less(share_of(before)), share_of(after)])


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
            sums = found.setdefault(name, {})
            for field, count in fields.items():
                add_field(sums, field, count)
    return _without_nothing(found)


def less(additions: Additions) -> Additions:
    """Tell how to take additions back; the newest of something stays, as it was true.

    Args:
        additions: by name and field.

    Returns:
        What is to be added.
    """
    return {
        name: {field: -count for field, count in fields.items() if field[0] != NEWEST}
        for name, fields in additions.items()
    }


def add_field(sums: dict[str, int], field: str, count: int) -> None:
    """Add to one field as the function library does; what becomes 0 is removed.

    Args:
        sums: changed in place.
        field: its name; of the newest of something the largest stays, and 0 removes it.
        count: to be added.
    """
    total = sums.get(field, 0)
    if field[0] == NEWEST:
        total = max(total, count) if count else 0
    else:
        total += count
    if total:
        sums[field] = total
    else:
        sums.pop(field, None)


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


def _without_nothing(additions: Additions) -> Additions:
    return {name: fields for name, fields in additions.items() if fields}
