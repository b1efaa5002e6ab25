"""A customer as a person wants to read it, and the same for machines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from scoring.customer.state import NONE, CustomerState
from scoring.instants import DAY, format_duration, format_instant, parse_timestamp
from scoring.judging.score import contributions, cooldown_end
from scoring.points import Number, rounded, text
from scoring.policy.policy import BANDS, ENGAGED, Policy
from streams.store.protocol import CustomerRecord
from streams.views.explanation_view import (
    Period,
    change_text,
    coming_text,
    explanation_document,
    panes_text,
    period_until,
)
from streams.views.signal_view import signal_documents, signal_table
from streams.views.tables import plain_table
from streams.views.wording import age, moment, printable, signed

BAND_STYLES = {
    "at_risk": "bold red",
    "disengaged": "yellow",
    "engaged": "green",
    "highly_engaged": "bold green",
    "power": "bold cyan",
}
_NUMBERS = ("score", "trend")


@dataclass(slots=True)
class Share:
    """What one event type adds to a score; points in millionths, `leaves_at` in microseconds.

    `leaving` are the points that go at `leaves_at`, when the oldest pane with this type leaves the window.
    """

    channel: str
    type: str
    count: Number
    counted: Number
    points: int
    leaving: int
    leaves_at: int


def shares(policy: Policy, state: CustomerState) -> list[Share]:
    """Add up what a score is made of.

    Args:
        policy: in force.
        state: derived.

    Returns:
        One share per channel and type, the one that moves the score most first.
    """
    found: dict[tuple[str, str], Share] = {}
    for part in contributions(policy, state):  # oldest pane first, so the first of a type leaves first
        key = (part.channel, part.type)
        if key not in found:
            found[key] = Share(*key, 0, 0, 0, part.points, part.leaves_at)
        share = found[key]
        share.count = round(share.count + part.count, 6)
        share.counted = round(share.counted + part.counted, 6)
        share.points += part.points
    return sorted(found.values(), key=lambda share: (-abs(share.points), share.channel, share.type))


def customer_document(policy: Policy, customer: str, record: CustomerRecord, period: Period) -> dict[str, Any]:
    """Write a customer for machines.

    Args:
        policy: in force.
        customer: the id.
        record: as read from the store.
        period: of the change that is explained.

    Returns:
        The published fields, points as numbers, with `alert_open`, `warned`, `signals` where the policy has some,
        `made_of` and what explains the score.
    """
    channels = [channel.name for channel in policy.channels]
    numbers = {*_NUMBERS, *channels, *[measure.name for measure in policy.measures if measure.is_number]}
    numbers |= {name for name in record.fields if name.startswith(("score:", "trend:"))}
    order = ["score", "band", "band_since", "previous_band", *channels, "trend", "disengages_at"]
    fields = {name: record.fields[name] for name in [*order, *record.fields] if name in record.fields}
    made_of = [
        {
            "channel": share.channel,
            "type": share.type,
            "count": share.count,
            "counted": share.counted,
            "points": rounded(share.points),
            "next_to_expire": {"points": rounded(share.leaving), "at": format_instant(share.leaves_at)},
        }
        for share in shares(policy, record.state)
    ]
    return {
        "customer_id": customer,
        **{name: float(value) if name in numbers else value for name, value in fields.items() if name[0] != "_"},
        "alert_open": record.state.alert_open,
        "warned": record.state.warned,
        **({"signals": signal_documents(policy, record.state)} if policy.signals else {}),
        "made_of": made_of,
        **explanation_document(policy, record.state, period),
    }


def customer_text(
    policy: Policy, customer: str, record: CustomerRecord, now: int, since: int | None = None, *, panes: bool = False
) -> RenderableType:
    """Write a customer for a person.

    Args:
        policy: in force.
        customer: the id.
        record: as read from the store.
        now: what ages are counted from, in microseconds.
        since: how far back the change is explained, in microseconds; by default the trend of the policy.
        panes: whether to show each pane.

    Returns:
        For rich to print.
    """
    period = period_until(policy, record.state, now, since)
    facts = plain_table(header=False)
    facts.add_column(style="dim")
    facts.add_column(overflow="fold")
    for name, value in _facts(policy, record.fields, record.state, now).items():
        facts.add_row(name, value)
    title = Text(printable(customer), style="bold")
    sections = [facts, _made_of(policy, record.state, now)]
    if policy.measures:
        sections.append(_measures(policy, record.fields))
    signals = signal_table(policy, record.state, now)
    if signals is not None:
        sections.append(signals)
    if panes:
        sections.append(panes_text(policy, record.state, period))
    if period.since < period.at:
        sections.append(change_text(policy, record.state, period))
    sections.append(coming_text(policy, record.state, period))
    between = [part for section in sections for part in (section, Text(""))]
    return Group(title, *between[:-1])


def _facts(policy: Policy, fields: Mapping[str, str], state: CustomerState, now: int) -> dict[str, Text]:
    band = fields.get("band", "")
    before = f", before that {fields['previous_band']}" if fields.get("previous_band") else ""
    points = [f"{channel.name} {fields.get(channel.name, '0')}" for channel in policy.channels]
    return {
        "score": Text.assemble((fields["score"], "bold"), " points, ", (band, BAND_STYLES.get(band, ""))),
        "since": Text(_when(fields["band_since"], now) + before),
        "trend": _trend(policy, fields.get("trend", "0"), period_until(policy, state, now).since),
        "channels": Text(" · ".join(points)),
        **({"segment": Text(printable(state.segment))} if state.segment else {}),
        **_named_scores(fields),
        "will drop": _drop(policy, fields.get("disengages_at", ""), state, now),
        **_absence(fields, state, now),
        "last event": Text(_when(fields["last_event_at"], now) if fields.get("last_event_at") else "none"),
        "alert": _alert(policy, state, now),
        "as of": Text(f"{_when(fields['updated_at'], now)}, policy {printable(fields.get('policy_version', ''))}"),
    }


def _absence(fields: Mapping[str, str], state: CustomerState, now: int) -> dict[str, Text]:
    """Show when an alert of absence is to be expected, or that there is one."""
    standing = state.absence
    if standing is None:
        return {}
    if standing.reports:
        return {"absent": Text(f"reported, since {_when(format_instant((standing.open + 1) * DAY), now)}", style="red")}
    earliest, expected = fields.get("absent_at_earliest"), fields.get("absent_at")
    if not earliest:
        return {}
    likely = f", expected {_when(expected, now)}" if expected else ""
    return {"absent": Text(f"at the earliest {_when(earliest, now)}{likely}, if nothing more comes")}


def _named_scores(fields: Mapping[str, str]) -> dict[str, Text]:
    """Show the named scores, each with its band and trend."""
    found = {}
    for name in [name.removeprefix("score:") for name in sorted(fields) if name.startswith("score:")]:
        band, trend = fields.get(f"band:{name}", ""), fields.get(f"trend:{name}", "0")
        style = BAND_STYLES.get(band, "")
        found[name] = Text.assemble(f"{fields[f'score:{name}']} points, ", (band, style), f", trend {trend}")
    return found


def _when(instant: str, now: int) -> str:
    time = parse_timestamp(instant)
    return f"{moment(time)} ({age(time, now)})"


def _short(time: int, now: int) -> str:
    date, clock, _ = moment(time).split(" ")
    return clock if abs(time - now) < DAY else date


def _trend(policy: Policy, trend: str, since: int) -> Text:
    change = float(trend)
    arrow, style = ("▲", "green") if change > 0 else ("▼", "red") if change < 0 else ("▶", "dim")
    sign = "+" if change > 0 else ""
    return Text.assemble(
        (f"{arrow} {sign}{trend}", style), f" in {format_duration(policy.trend)}, since {moment(since)}"
    )


def _drop(policy: Policy, disengages_at: str, state: CustomerState, now: int) -> Text:
    if disengages_at:
        return Text(f"out of {BANDS[ENGAGED]} at {_when(disengages_at, now)}, if nothing more comes")
    if state.score < policy.engaged_from:
        return Text(f"is below {BANDS[ENGAGED]}, which begins at {text(policy.engaged_from)}")
    return Text("never by itself")


def _alert(policy: Policy, state: CustomerState, now: int) -> Text:
    if state.alert_open:
        return Text(f"churn risk since {moment(state.last_alert)} ({age(state.last_alert, now)})", style="red")
    if state.held is not None and state.held.get("waits"):
        feeds = ", ".join(state.held["feeds"])
        return Text(f"held back, as a feed was silent ({feeds}); judged again {moment(state.due)}", style="yellow")
    if state.held is not None:
        end = cooldown_end(policy, state)
        return Text(f"held back by the cooldown until {moment(end)} ({age(end, now)})", style="yellow")
    last = f"; the last was raised {moment(state.last_alert)}" if state.last_alert != NONE else ""
    warned = "; warned of a coming drop" if state.warned else ""
    if warned and state.last_warning != NONE:
        # An earlier version forgot the time when the cooldown was over.
        warned += f" {moment(state.last_warning)}"
    return Text(f"none open{last}{warned}")


def _measures(policy: Policy, fields: Mapping[str, str]) -> RenderableType:
    """Show each measure of the policy, those without a value too, with the time over which it is taken."""
    table = plain_table()
    table.add_column("measure")
    table.add_column("value", justify="right")
    table.add_column("over")
    for measure in policy.measures:
        over = format_duration(measure.panes * policy.pane)
        table.add_row(measure.name, fields.get(measure.name, "-"), over)
    return table


def _made_of(policy: Policy, state: CustomerState, now: int) -> RenderableType:
    found = shares(policy, state)
    if not found:
        return Text("Nothing in the window scores.")
    table = plain_table()
    table.add_column("channel")
    table.add_column("type", overflow="fold")
    for heading in ("count", "counted", "points"):
        table.add_column(heading, justify="right")
    table.add_column("next to expire")
    for share in found:
        expiry = f"{signed(-share.leaving)} {age(share.leaves_at, now)} ({_short(share.leaves_at, now)})"
        table.add_row(
            share.channel, Text(share.type), f"{share.count:,}", f"{share.counted:,}", signed(share.points), expiry
        )
    return table
