"""Where a customer stands with the signals of the policy: what is open, what waits, and what was raised last."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from scoring.customer.signals import Standing, Wait
from scoring.customer.state import NONE, CustomerState
from scoring.instants import format_duration, format_instant
from scoring.judging.signals.raising import end_of_wait
from scoring.points import POINT, text
from scoring.policy.policy import BANDS, Policy
from scoring.rules.signals import BAND, EVENT, FUNNEL, MEASURE, NO_BAND, WITHOUT, SignalRule
from streams.views.tables import plain_table
from streams.views.wording import age, moment


def signal_documents(policy: Policy, state: CustomerState) -> list[dict[str, Any]]:
    """Write for machines where a customer stands.

    Args:
        policy: in force.
        state: derived.

    Returns:
        One for each signal of which something is known, in the order of the policy: what it is raised by, since when
        it is open, what waits and when that is due, and when it was raised last, None where that is not remembered.
    """
    return [
        {
            "signal": rule.name,
            "rule": rule_words(policy, rule),
            "open_since": [format_instant(report.occurred_at) for report in standing.reports],
            "waits": [
                {
                    "for": wait.about if rule.holds_for_a_while else type_name(policy, wait.code),
                    "since": format_instant(wait.time),
                    "due_at": None if wait.held else format_instant(end_of_wait(rule, standing, wait)),
                    "held_by_silence": wait.held,
                }
                for wait in standing.waits
            ],
            "quiet_until": [format_instant(end) for end, _ in standing.held],
            "last_raised_at": None if standing.last == NONE else format_instant(standing.last),
        }
        for rule, standing in _known(policy, state)
    ]


def signal_table(policy: Policy, state: CustomerState, now: int) -> Table | None:
    """Write for a person where a customer stands.

    Args:
        policy: in force.
        state: derived.
        now: what ages are counted from, in microseconds.

    Returns:
        A line for all that is open or waits; None where nothing is known.
    """
    table = plain_table()
    table.add_column("signal", no_wrap=True)
    table.add_column("")
    table.add_column("because", overflow="fold", style="dim")
    for rule, standing in _known(policy, state):
        words = rule_words(policy, rule)
        for line in _lines(policy, rule, standing, now):
            table.add_row(rule.name, line, words)
    return table if table.row_count else None


def _known(policy: Policy, state: CustomerState) -> Iterable[tuple[SignalRule, Standing]]:
    standings = state.signals.standings if state.signals is not None else {}
    for rule in policy.signals:
        standing = standings.get(rule.code)
        if standing is not None and (standing.reports or standing.waits or standing.held or standing.last != NONE):
            yield rule, standing


def _lines(policy: Policy, rule: SignalRule, standing: Standing, now: int) -> Iterable[Text]:
    for report in standing.reports:
        yield Text(f"open since {_when(report.occurred_at, now)}", style="yellow")
    # What holds for a while waits once, for all of its channels.
    for wait in standing.waits[:1] if rule.holds_for_a_while else standing.waits:
        due = f"due {_when(end_of_wait(rule, standing, wait), now)}"
        yield Text(_holds(standing.waits, due) if rule.holds_for_a_while else _waits(policy, wait, due))
    for end, _ in standing.held:
        yield Text(f"raised, and quiet until {_when(end, now)}")
    if standing.last != NONE:
        yield Text(f"last raised {_when(standing.last, now)}")


def _waits(policy: Policy, wait: Wait, due: str) -> str:
    since = f"{type_name(policy, wait.code)} of {moment(wait.time)}"
    if wait.held:
        return f"waits since {since}; held, as the feed of an answer is silent"
    return f"{due}, after {since}"


def _holds(waits: Sequence[Wait], due: str) -> str:
    since, channels = f"holds since {moment(waits[0].time)}", " or ".join([wait.about for wait in waits])
    return f"{since}; not raised while {channels} is silent" if waits[0].held else f"{due}, after the cooldown; {since}"


def _when(time: int, now: int) -> str:
    return f"{moment(time)} ({age(time, now)})"


def type_name(policy: Policy, code: str) -> str:
    """Name a type as the policy file does; '' for one that the policy does not have.

    Args:
        policy: in force.
        code: of the type.
    """
    kind = policy.types.get(code)
    return f"{policy.channels[kind.channel].name}.{kind.name}" if kind is not None else ""


def rule_words(policy: Policy, rule: SignalRule) -> str:
    """Say by what a signal is raised.

    Args:
        policy: in force.
        rule: of the signal.

    Returns:
        Such as ``no clickstream.purchase within 1h of clickstream.add_to_cart``, ``reaches power``.
    """
    on = " or ".join([type_name(policy, code) for code in rule.on])
    if rule.kind == EVENT:
        return on
    if rule.kind == WITHOUT:
        answers = [type_name(policy, code) for code in rule.without]
        answers += [BANDS[rule.without_band]] if rule.without_band != NO_BAND else []
        return f"no {' or '.join(answers)} within {format_duration(rule.within)} of {on}"
    if rule.kind == BAND:
        return f"reaches {BANDS[rule.reaches]}" if rule.reaches != NO_BAND else f"leaves {BANDS[rule.leaves]}"
    if rule.kind == FUNNEL:
        return f"takes step {rule.step} of the funnel {rule.funnel}"
    if rule.kind == MEASURE:
        least = [f"{rule.measure} is at least {float(rule.at_least):.15g}"] if rule.at_least is not None else []
        most = [f"{rule.measure} is at most {float(rule.at_most):.15g}"] if rule.at_most is not None else []
        return " and ".join([*least, *most])
    by = f"{100 * rule.share / POINT:g}%" if rule.share else f"{text(rule.points)} points"
    return f"{'rises' if rule.rises else 'falls'} by {by} within {format_duration(rule.within)}"
