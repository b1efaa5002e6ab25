"""What a policy says of absences, signals and figures over all customers, in words for people."""

from __future__ import annotations

from collections.abc import Iterator

from scoring.customer.activity_sums import MONTH
from scoring.instants import format_duration
from scoring.policy.policy import Policy
from scoring.rules.absence import WHOLE_DAY
from scoring.rules.figure_rules import FigureRules
from scoring.rules.groupings import Grouping
from scoring.rules.signals import SignalRule
from streams.views.signal_view import rule_words, type_name


def absence_facts(policy: Policy) -> str:
    """Explain when an absence raises an alert.

    Args:
        policy: any.

    Returns:
        In days of the segment's clock.
    """
    rule = policy.absence
    if rule is None:
        return "raise no alert"
    longest = "the longest absence so far" if rule.share == WHOLE_DAY else f"{_days(rule.share)} of the longest one"
    growth = f", {_days(rule.growth)} more with each doubling of the active days" if rule.growth else ""
    return f"{longest}, at most {_days(rule.at_most)} days, and {_days(rule.margin)} days more{growth}"


def signal_facts(policy: Policy) -> dict[str, str]:
    """Explain the signals of a policy.

    Args:
        policy: any.

    Returns:
        Lines by their heading, one for each signal.
    """
    return {f"signal {rule.name}": "; ".join(_signal(policy, rule)) for rule in policy.signals}


def _signal(policy: Policy, rule: SignalRule) -> Iterator[str]:
    yield rule_words(policy, rule) + (f", for each {rule.about}" if rule.about else "")
    yield rule.severity
    if rule.cooldown:
        yield f"cooldown {format_duration(rule.cooldown)}"
    if rule.quiet is not None:
        yield f"quiet {_clock(rule.quiet.start)}-{_clock(rule.quiet.end)} {rule.quiet.timezone}"


def _clock(minutes: int) -> str:
    return "{:02}:{:02}".format(*divmod(minutes, 60))


def figure_facts(policy: Policy) -> dict[str, str]:
    """Explain which figures over all customers there are beyond the usual ones, and who is lost.

    Args:
        policy: any.

    Returns:
        Lines by their heading.
    """
    rules = policy.figures
    facts = {"lost": _lost(policy, rules)}
    asked = {"by day": rules.by_day, "by channel": rules.by_channel, "by band": rules.by_band}
    if found := [name for name, wanted in asked.items() if wanted]:
        facts["figures"] = ", ".join(found)
    for grouping in rules.groupings:
        facts[f"group {grouping.name}"] = _group(grouping)
    for funnel in rules.funnels:
        within = format_duration(funnel.panes * policy.pane)
        facts[f"funnel {funnel.name}"] = f"{', then '.join(funnel.labels)}, within {within}"
    return facts


def _lost(policy: Policy, rules: FigureRules) -> str:
    if rules.churn is None:
        return f"after {MONTH}d of silence"
    after = [f"after {format_duration(rules.churn.after)} of silence"] if rules.churn.after else []
    return " or ".join([*after, *[f"by {type_name(policy, code)}" for code in rules.churn.by]])


def _group(grouping: Grouping) -> str:
    kinds = ", ".join(name for _, name in grouping.types)
    return f"{kinds} by {grouping.property}, the largest {grouping.largest:,}"


def _days(millionths: int) -> str:
    return f"{millionths / WHOLE_DAY:g}"
