"""What one customer adds to the sums of sessions over all customers.

A session counts in the pane in which it begins, with all of it. The sums have these fields, `channel` being its
stored code:

| field | content |
| --- | --- |
| `v<pane>.<channel>n` | sessions |
| `v<pane>.<channel>s` | seconds from the first to the last event of each |
| `v<pane>.<channel>p` | pages |
| `v<pane>.<channel>b` | sessions with a single page |
| `v<pane>.<channel>m` | how often a page was left for another one of the same session |

Rests on decisions 9 and 100.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from scoring.rules.sessions import SessionTotals, Visit, add_up

#: Visits by pane, in the order of their time.
Visits = Mapping[int, Sequence[Visit]]


def session_fields(channel: str, visits: Visits, pause: int, start: int) -> dict[str, int]:
    """Return what the sessions of some panes add.

    Args:
        channel: its stored code.
        visits: of panes next to which there are none that join them.
        pause: what ends a session, in seconds.
        start: the first pane whose sessions are added; of an earlier one it is not known where they began.

    Returns:
        By field.
    """
    fields: dict[str, int] = {}
    begun: dict[int, list[list[Visit]]] = {}
    last: Visit | None = None
    for pane in sorted(visits):
        for visit in visits[pane]:
            if last is None or visit.first - last.last >= pause:
                session: list[Visit] = []
                begun.setdefault(pane, []).append(session)
            session.append(visit)
            last = visit
    for pane, sessions in begun.items():
        if pane >= start:
            totals = [add_up(each, pause) for each in sessions]
            for letter, amount in zip("nspbm", _joined(totals), strict=True):
                fields[f"v{pane}.{channel}{letter}"] = amount
    return {field: amount for field, amount in fields.items() if amount}


def _joined(totals: Sequence[SessionTotals]) -> tuple[int, ...]:
    return (
        len(totals),
        sum([each.seconds for each in totals]),
        sum([each.pages for each in totals]),
        sum([each.bounces for each in totals]),
        sum([each.moves for each in totals]),
    )


def joined_with(changed: Sequence[int], now: Visits, before: Visits, pause: int) -> list[int]:
    """Find the panes whose sessions may be others than before.

    Args:
        changed: panes with other visits than before, in order.
        now: the visits.
        before: as they were.
        pause: what ends a session, in seconds.

    Returns:
        The changed panes, and those whose visits join theirs, now or before; in order.
    """
    panes = sorted({*[pane for pane, visits in now.items() if visits], *[pane for pane in before if before[pane]]})
    found = set(changed)
    for order in (panes, panes[::-1]):
        nearest = {False: -1, True: -1}
        for pane in order:
            for was, visits in ((False, now), (True, before)):
                if not visits.get(pane):
                    continue
                other = nearest[was]
                if other in found and _near(visits[min(other, pane)], visits[max(other, pane)], pause):
                    found.add(pane)
                nearest[was] = pane
    return sorted(found)


def _near(earlier: Sequence[Visit], later: Sequence[Visit], pause: int) -> bool:
    return later[0].first - earlier[-1].last < pause
