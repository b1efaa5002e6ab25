"""Targets in a policy file: what is wrong with them, and how figures are judged by them."""

from __future__ import annotations

import pytest

from scoring.errors import PolicyError
from scoring.figures.kpi import Sums
from scoring.policy.change import policy_digest
from scoring.rules.targets import FIGURES, Target
from streams.policy_file.document import parse_policy
from streams.upkeep.figure_report import published

CHANNEL = '[channels.email]\nweights = { open = 1 }\n[measures.opens]\nkind = "count"\nof = ["email.open"]\n'
REGULARITY = '[measures.how_often]\nkind = "regularity"\nof = ["email.open"]\n'


def problems(text: str) -> list[str]:
    """List what is wrong with a policy."""
    with pytest.raises(PolicyError) as error:
        parse_policy(CHANNEL + text)
    return list(error.value.problems)


def test_the_figures_are_those_that_are_published() -> None:
    sums = Sums({})
    assert {*published(sums.figures(9, 9)[0], sums.period(1, 9))} - {"day"} == set(FIGURES)


def test_a_target_of_a_measure_is_that_of_its_figure() -> None:
    policy = parse_policy(CHANNEL + "[targets.opens]\nat_least = 3\n[targets.churn]\nbenchmark = 2.5\n")
    assert policy.targets == (Target("measure:opens", at_least=3), Target("churn", benchmark=2.5))
    assert policy_digest(policy) != policy_digest(parse_policy(CHANNEL))


def test_segments_and_named_scores_may_stand_beside_targets() -> None:
    more = "[targets.opens]\nat_least = 3\n[segments.vip.bands]\nengaged = 5\n"
    more += "[scores.mail.channels.email]\nweights = { open = 2 }\n"
    policy = parse_policy(CHANNEL + more)
    assert (len(policy.by_segment), len(policy.scores), len(policy.targets)) == (1, 1, 1)


def test_all_problems_come_at_once() -> None:
    found = problems(
        REGULARITY
        + """[measures.churn]
kind = "count"
of = ["email.open"]
[targets.churn]
at_least = 3
[targets.how_often]
at_least = 3
[targets.opens]
[targets.retention]
at_least = "70"
at_most = nan
below = 3
[targets.lost]
at_least = 5
at_most = 3
warn_below = 6
"""
    )
    assert sorted(found) == [
        "targets.churn: is the name of a figure and of a measure; rename the measure",
        "targets.how_often: the measure is a word, and has no bounds",
        "targets.lost.at_least: is more than at_most",
        "targets.lost.warn_below: is more than at_least",
        "targets.lost.warn_below: is more than at_most",
        "targets.opens: must be a table with one or more of at_least, at_most, warn_below, warn_above, benchmark",
        "targets.retention.at_least: '70' is not a number",
        "targets.retention.at_most: nan is not a number",
        "targets.retention.below: unknown key; allowed here: at_least, at_most, warn_below, warn_above, benchmark",
    ]
    [unknown] = problems("[targets.retenshun]\nat_least = 3\n")
    assert unknown.startswith(
        "targets.retenshun: there is neither a figure nor a measure of this name; there are customers,"
    )
    assert unknown.endswith(", opens")


def test_a_measure_without_a_value_of_all_customers_combined_has_no_target() -> None:
    measures = """sessions = "30m"
[measures.days]
kind = "panes"
of = ["email.open"]
[measures.worth]
kind = "count"
of = ["email.open"]
per = "365d"
projected = "5d"
[measures.visit]
kind = "session_duration"
channel = "email"
"""
    text = CHANNEL.replace("[measures.opens]", f"{measures}[measures.opens]")
    wanted = "".join(f"[targets.{name}]\nat_least = 3\n" for name in ("days", "worth", "visit"))
    with pytest.raises(PolicyError) as error:
        parse_policy(text + wanted)
    combined = "the measure has no value of all customers combined"
    assert list(error.value.problems) == [
        f"targets.days: {combined}, only of each",
        f"targets.worth: {combined}, only of each",
        f"targets.visit: {combined} without kpi.by_day",
    ]
    by_day = parse_policy(f"{text}[targets.visit]\nat_least = 3\n[kpi]\nby_day = true\n")
    assert by_day.targets == (Target("measure:visit", at_least=3),)


@pytest.mark.parametrize(
    ("value", "verdict"),
    [(70, "met"), (69.99, "missed"), (50, "missed"), (49.99, "warning"), (90, "met"), (90.5, "missed")],
)
def test_a_figure_meets_its_target_misses_it_or_is_worth_a_warning(value: float, verdict: str) -> None:
    assert Target("retention", at_least=70, at_most=90, warn_below=50).verdict(value) == verdict


def test_a_benchmark_judges_nothing_and_a_warning_alone_can_be_met() -> None:
    assert Target("churn", benchmark=3).verdict(9) == ""
    assert Target("churn", warn_above=3).verdict(3) == "met"
    assert Target("churn", warn_above=3).verdict(3.1) == "warning"
