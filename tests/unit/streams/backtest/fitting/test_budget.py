"""Alerts that keep to a budget."""

from __future__ import annotations

import csv
import json
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from click.testing import CliRunner

from scoring.backtest.alarms import AlarmReport, Hits
from scoring.instants import DAY
from scoring.points import POINT
from scoring.policy.policy import AT_RISK, DISENGAGED
from scoring.rules.absence import WHOLE_DAY, AbsenceRule
from streams.backtest.fitting.budget import Drops, Fitted, Spending, chosen, with_alerts
from streams.backtest.replaying import replay
from streams.cli import policy_fit
from streams.cli.main import engagement
from streams.policy_file.document import parse_policy
from tests.unit.streams.backtest.population import LEAVES, POLICY, START, made_up

_RULE = AbsenceRule(share=WHOLE_DAY // 2, margin=3_400_000)


def fitted(drops: Drops) -> Fitted:
    """Give rules that bring ten alerts per 100 customers a month."""
    report = AlarmReport(56 * DAY, dated=1, customer_days=3652.5)
    report.hits.add(12, 6, 3.0)
    held_out = Hits()
    held_out.add(10, 2, 1.0)
    return Fitted(_RULE, drops, held_out, report, [4.0, 9.5])


def test_the_rules_and_their_forecast_are_written_into_the_policy() -> None:
    text = with_alerts(f"# Mine.\n{POLICY}", "mine-2", fitted(Drops(5 * POINT, DISENGAGED, 14 * DAY)), 10)

    policy = parse_policy(text)
    assert (policy.version, policy.absence) == ("mine-2", _RULE)
    assert (policy.engaged_from, policy.drops_into, policy.cooldown) == (5 * POINT, DISENGAGED, 14 * DAY)
    assert tomllib.loads(text)["channels"] == tomllib.loads(POLICY)["channels"]
    by_month = "4.0 in the quietest month, 9.5 in the busiest"
    assert text.splitlines()[:4] == [
        "# Mine.",
        f"# All alerts, forecast: 10.0 of 10 per 100 customers a month; {by_month}.",
        "# Right within 56d: 20.0% of them, by lot 10.0%, error 0.0%, on customers who were not chosen by.",
        "# Right at any time: 50.0%, by lot 25.0%, on all of them.",
    ]


def test_without_a_part_of_the_budget_drops_are_those_into_at_risk_and_the_bands_stay() -> None:
    policy = parse_policy(with_alerts(POLICY, "mine-2", fitted(Drops(5 * POINT, AT_RISK, 5 * DAY)), 10))

    assert policy.drops_into == AT_RISK
    assert policy.bounds == parse_policy(POLICY).bounds


def score_work_alone(policy: Path) -> None:
    """Score 27 points or more after nine days of work, and less from the second day with less of it on."""
    text = policy.read_text().replace("noise = 1", "noise = 0").replace("power = 40", "power = 60")
    policy.write_text(
        text.replace("highly_engaged = 20", "highly_engaged = 40").replace("\nengaged = 10", "\nengaged = 26")
    )


def fit(folder: Path, budget: str) -> dict[str, Any]:
    """Fit alerts to the made-up population; give the new policy, and what validate says of its alerts."""
    policy, events, outcomes = made_up(folder)
    score_work_alone(policy)
    new, runner, files = folder / "new.toml", CliRunner(), [str(events), str(outcomes)]
    words = ["--keep-weights", "--alerts", budget, "--output", str(new), "--policy", str(policy)]
    result = runner.invoke(engagement, ["policy", "fit", *files, *words])
    assert result.exit_code == 0, result.stderr
    result = runner.invoke(engagement, ["validate", *files, "--policy", str(new), "--json"])
    return {**tomllib.loads(new.read_text()), "rows": {row["rule"]: row for row in json.loads(result.stdout)["alerts"]}}


def test_where_no_absence_comes_before_the_churn_drops_have_the_budget(tmp_path: Path) -> None:
    # Everybody is active each day up to the last one, but who leaves works less from four days before.
    found = fit(tmp_path, "100 per 100 a month")

    assert found["alerts"]["drops"] == "disengaged"
    alerts = found["rows"]["policy"]
    assert (alerts["alerts"], alerts["precision"], alerts["recall"]) == (30, 1.0, 1.0)
    assert alerts["per_100_a_month"] <= 100


def hits_of(right: int) -> Hits:
    """Give 100 alerts of as many customers, of which a lot would have had ten."""
    found = Hits()
    for number in range(100):
        found.add(1, number < right, 0.1)
    return found


@pytest.mark.parametrize(("right", "share"), [(23, 1.0), (27, 0.5)])
def test_another_share_is_chosen_only_if_it_is_better_by_more_than_its_error(right: int, share: float) -> None:
    # Of 100 alerts with 23 or 27 right ones the error is 4.
    assert chosen({Spending(0.5): hits_of(right), Spending(1.0): hits_of(20)}, Spending(1.0)) == Spending(share)


@pytest.mark.parametrize("replays", [1, 2])
def test_the_report_is_that_of_the_policy_as_written_and_only_other_drops_need_another_replay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, replays: int
) -> None:
    policy, events, outcomes = made_up(tmp_path)
    if replays == 1:
        # Who leaves does nothing any more from four days before, so absences find them all.
        last = (START + timedelta(days=LEAVES - 4)).isoformat()
        leave = {row["customer_id"] for row in csv.DictReader(outcomes.read_text().splitlines()) if row["churned_at"]}
        lines = [json.loads(line) for line in events.read_text().splitlines()]
        kept = [line for line in lines if line["customer_id"] not in leave or line["timestamp"] < last]
        events.write_text("".join(json.dumps(line) + "\n" for line in kept))
        policy.write_text(policy.read_text().replace("[alerts]", '[alerts]\ndrops = "at_risk"'))
    else:
        score_work_alone(policy)
    new, files = tmp_path / "new.toml", [str(events), str(outcomes), "--processes", "2"]
    words = ["--keep-weights", "--alerts", "100 per 100 a month", "--output", str(new), "--policy", str(policy)]
    counted = Mock(wraps=replay)
    monkeypatch.setattr(policy_fit, "replay", counted)
    result = CliRunner().invoke(engagement, ["policy", "fit", *files, *words, "--name", "mine-2"])
    assert result.exit_code == 0, result.stderr
    assert counted.call_count == replays

    told = CliRunner().invoke(engagement, ["validate", *files, "--policy", str(new)])
    assert "policy mine-2" in told.stdout
    _, tables = told.stdout.split("\n", 1)
    assert tables in result.stderr


def test_where_nothing_beats_a_lot_no_rule_is_chosen(tmp_path: Path) -> None:
    # Nothing distinguishes those who leave.
    policy, events, outcomes = made_up(tmp_path, decline=0)
    words = ["policy", "fit", str(events), str(outcomes), "--policy", str(policy)]
    result = CliRunner().invoke(engagement, [*words, "--keep-weights", "--alerts", "10 per 100 a month"])
    assert result.exit_code == 1
    assert "nothing beats a lot at this budget" in result.stderr
    assert result.stdout == ""
