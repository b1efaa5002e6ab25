"""Why a customer's score is what it is, on the screen and for machines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from scoring.customer.state import CustomerState
from scoring.instants import DAY, format_instant
from scoring.judging.explanation import Boundary, Part, change, coming
from scoring.judging.score import contributions
from scoring.points import POINT, text
from scoring.policy.policy import BANDS, ENGAGED, Policy
from streams.views.tables import plain_table
from streams.views.wording import counted, moment, printable, signed

_SHOWN_BOUNDARIES, _SHOWN_PARTS = 5, 3
_LISTED_BOUNDARIES = 100


@dataclass(frozen=True, slots=True)
class Period:
    """The period whose change is explained: the time of the score, and the one that it is compared with; microseconds.

    Events are told by the pane in which they happened, so only the end of a pane can be compared with.
    """

    at: int
    since: int


def period_until(policy: Policy, state: CustomerState, now: int, length: int | None = None) -> Period:
    """Return the period whose change is explained.

    Args:
        policy: in force.
        state: the customer's.
        now: microseconds.
        length: of the period that is asked for, in microseconds; by default the trend of the policy.

    Returns:
        Up to now, if nothing is due that could have changed the score by now, else up to when the customer was judged.
        It begins with the last moment of the pane in which the period that is asked for begins, or where that pane is
        the present one, of the pane before.
    """
    holds = not state.due or state.due > now
    at = max(now, state.judged) if holds else state.judged
    present = at // policy.pane
    then = (at - (policy.trend if length is None else length)) // policy.pane
    if length is not None:
        then = min(then, present - 1)
    return Period(at, min((then + 1) * policy.pane - 1, at))


def explanation_document(policy: Policy, state: CustomerState, period: Period) -> dict[str, Any]:
    """Write for machines what a score is made of, what has changed it, and what will; points are exact.

    Args:
        policy: in force.
        state: derived.
        period: of the change.

    Returns:
        `panes`, `change` and `coming`.
    """
    parts = change(policy, state, period.at, period.since)
    points = sum(part.points for part in parts)
    return {
        "panes": [
            {
                "pane": format_instant(part.pane * policy.pane),
                "channel": part.channel,
                "type": part.type,
                "count": part.count,
                "counted": part.counted,
                "points": part.points / POINT,
                "capped": part.capped / POINT,
                "leaves_at": format_instant(part.leaves_at),
            }
            for part in contributions(policy, state, period.at // policy.pane)
        ],
        "change": {
            "since": format_instant(period.since),
            "from": (state.score - points) / POINT,
            "to": state.score / POINT,
            "points": points / POINT,
            "parts": _documents(policy, parts),
        },
        "coming": [
            {
                "at": format_instant(boundary.at),
                "score": boundary.score / POINT,
                "parts": _documents(policy, boundary.parts),
            }
            for boundary in islice(coming(policy, state, period.at), _LISTED_BOUNDARIES)
        ],
    }


def _documents(policy: Policy, parts: Sequence[Part]) -> list[dict[str, Any]]:
    return [
        {
            "cause": part.cause,
            "pane": format_instant(part.pane * policy.pane),
            "channel": part.channel,
            "type": part.type,
            "count": part.count,
            "points": part.points / POINT,
        }
        for part in parts
    ]


def by_type(parts: Iterable[Part]) -> list[Part]:
    """Add up parts over the panes.

    Args:
        parts: of one change.

    Returns:
        One for each cause, channel and type, the largest first; the pane is that of the first.
    """
    sums: dict[tuple[str, str, str], Part] = {}
    for part in parts:
        key = (part.cause, part.channel, part.type)
        old = sums.get(key)
        count, points = (old.count, old.points) if old else (0, 0)
        pane = old.pane if old else part.pane
        sums[key] = Part(*key, pane, round(count + part.count, 6), points + part.points)
    return sorted(sums.values(), key=lambda part: (-abs(part.points), part.cause, part.channel, part.type))


def change_text(policy: Policy, state: CustomerState, period: Period) -> RenderableType:
    """Write for a person what has changed a score, cause by cause.

    Args:
        policy: in force.
        state: derived.
        period: of the change.

    Returns:
        For rich to print.
    """
    parts = change(policy, state, period.at, period.since)
    points = sum(part.points for part in parts)
    title = Text(f"{signed(points)} since {moment(period.since)}: {text(state.score - points)} → {text(state.score)}")
    if not parts:
        return title
    table = plain_table(header=False)
    table.add_column(style="dim")
    table.add_column()
    table.add_column(overflow="fold")
    table.add_column(justify="right")
    table.add_column(justify="right")
    for part in by_type(parts):
        table.add_row(part.cause, part.channel, Text(printable(part.type)), f"x{part.count:,}", signed(part.points))
    return Group(title, table)


def coming_text(policy: Policy, state: CustomerState, period: Period) -> RenderableType:
    """Write for a person what will change a score if nothing more comes.

    Args:
        policy: in force.
        state: derived.
        period: its end is when the score holds.

    Returns:
        For rich to print.
    """
    boundaries = list(coming(policy, state, period.at))
    if not boundaries:
        return Text("Nothing will change the score by itself.")
    table = plain_table()
    table.add_column("coming", no_wrap=True)
    table.add_column("points", justify="right")
    table.add_column("score", justify="right")
    table.add_column("what leaves", overflow="fold")
    score = state.score
    for boundary in boundaries[:_SHOWN_BOUNDARIES]:
        falls = boundary.score < policy.engaged_from <= score
        table.add_row(
            _boundary_moment(policy, boundary.at),
            signed(boundary.score - score),
            Text(text(boundary.score), style="yellow" if falls else ""),
            _leaving(boundary, falls=falls),
        )
        score = boundary.score
    more = len(boundaries) - _SHOWN_BOUNDARIES
    if more <= 0:
        return table
    last = (
        f"… and {counted(more, 'boundary', 'boundaries')} more, the last {_boundary_moment(policy, boundaries[-1].at)}"
    )
    return Group(table, Text(last, style="dim"))


def _boundary_moment(policy: Policy, at: int) -> str:
    date, clock, _ = moment(at).split(" ")
    return date if policy.pane % DAY == 0 else f"{date} {clock}"


def _leaving(boundary: Boundary, *, falls: bool) -> Text:
    parts = by_type(boundary.parts)
    words = [
        f"{part.channel} {printable(part.type)}{f' x{part.count:,}' if part.count > 1 else ''} {signed(part.points)}"
        for part in parts[:_SHOWN_PARTS]
    ]
    if len(parts) > _SHOWN_PARTS:
        words.append(f"and {len(parts) - _SHOWN_PARTS} more")
    told = ("faded: " if parts[0].cause == "faded" else "") + ", ".join(words)
    return Text(f"out of {BANDS[ENGAGED]}: {told}" if falls else told)


def panes_text(policy: Policy, state: CustomerState, period: Period) -> RenderableType:
    """Write for a person what each pane adds to a score, what the cap cut off, and when it leaves.

    Args:
        policy: in force.
        state: derived.
        period: its end is when the score holds.

    Returns:
        For rich to print.
    """
    table = plain_table()
    for heading in ("pane", "channel"):
        table.add_column(heading, no_wrap=True)
    table.add_column("type", overflow="fold")
    for heading in ("count", "points", "capped"):
        table.add_column(heading, justify="right")
    table.add_column("leaves", no_wrap=True)
    for part in contributions(policy, state, period.at // policy.pane):
        table.add_row(
            _boundary_moment(policy, part.pane * policy.pane),
            part.channel,
            Text(printable(part.type)),
            f"{part.count:,}",
            signed(part.points),
            signed(part.capped) if part.counted != part.count else "",
            _boundary_moment(policy, part.leaves_at),
        )
    return table
