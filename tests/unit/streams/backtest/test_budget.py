"""Alerts of absence that keep to a budget."""

from __future__ import annotations

import tomllib
from pathlib import Path

from click.testing import CliRunner

from scoring.backtest.alarms import AlarmReport
from scoring.policy.file.document import parse_policy
from scoring.rules.absence import WHOLE_DAY, AbsenceRule
from streams.backtest.fitting.budget import Fitted, with_absence
from streams.cli.main import engagement
from tests.unit.streams.backtest.population import POLICY, made_up


def test_the_rule_and_its_forecast_are_written_into_the_policy() -> None:
    report = AlarmReport(customer_days=3652.5)
    report.hits.add(12, 6, 3.0)
    rule = AbsenceRule(share=WHOLE_DAY // 2, margin=3_400_000)
    text = with_absence(f"# Mine.\n{POLICY}", Fitted(rule, report, {}, [4.0, 9.5]), 10)

    assert parse_policy(text).absence == rule
    assert tomllib.loads(text)["channels"] == tomllib.loads(POLICY)["channels"]
    by_month = "4.0 in the quietest month, 9.5 in the busiest"
    assert text.splitlines()[:3] == [
        "# Mine.",
        f"# Alerts of absence, forecast: 10.0 of 10 per 100 customers a month; {by_month}.",
        "# Right: 50.0% of them, by lot 25.0%; the customers were learned from.",
    ]


def test_where_nothing_beats_a_lot_no_rule_is_chosen(tmp_path: Path) -> None:
    # Everybody is active each day up to the last one, so no absence comes before the churn.
    policy, events, outcomes = made_up(tmp_path)
    words = ["policy", "fit", str(events), str(outcomes), "--policy", str(policy)]
    result = CliRunner().invoke(engagement, [*words, "--keep-weights", "--alerts", "10 per 100 a month"])
    assert result.exit_code == 1
    assert "no rule of absence beats a lot at this budget" in result.stderr
    assert result.stdout == ""
