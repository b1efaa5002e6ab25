"""`engagement validate` on a population whose answer is known."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import orjson
import pytest
from click.testing import CliRunner, Result

from streams.cli.main import engagement
from tests.unit.streams.backtest.population import made_up


def run(folder: Path, *options: str, decline: int = 4) -> Result:
    policy, events, outcomes = made_up(folder, decline=decline)
    words = ["validate", str(events), str(outcomes), "--policy", str(policy), *options]
    return CliRunner().invoke(engagement, words, env={"COLUMNS": "140"}, catch_exceptions=False)


def document(folder: Path, *options: str, decline: int = 4) -> dict[str, Any]:
    result = run(folder, "--json", *options, decline=decline)
    assert result.exit_code == 0, result.stderr
    found: dict[str, Any] = orjson.loads(result.stdout)
    return found


def test_the_score_tells_who_leaves_and_recency_cannot_as_all_are_active_to_the_end(tmp_path: Path) -> None:
    told = document(tmp_path, "--day", "10", "--day", "20", "--silent", "10d", decline=10)
    before, at_the_end, silent_before, silent = told["moments"]

    assert (before["outcome"], before["moment"], before["customers"], before["happened"]) == (
        "churned",
        "day 10",
        60,
        30,
    )
    # Who left on day 20 cannot be asked on day 20 who will leave.
    assert (at_the_end["customers"], at_the_end["happened"]) == (30, 0)
    assert at_the_end["auc"]["score"] is None
    # On day 10 nobody has changed yet. On day 20 all were active the day before, and the score knows of ten days.
    assert before["auc"]["score"] == pytest.approx(0.5, abs=0.15)
    assert (silent_before["happened"], silent["customers"], silent["happened"]) == (0, 60, 30)
    assert silent["outcome"] == "silent for 10d"
    assert silent["auc"]["score"] > 0.75
    assert silent["auc"]["recency"] == pytest.approx(0.5, abs=0.15)


def test_calibration_counts_every_customer_in_one_band(tmp_path: Path) -> None:
    (column,) = document(tmp_path, "--day", "15")["moments"]
    assert sum(band["customers"] for band in column["bands"].values()) == column["customers"] == 60
    assert sum(band["happened"] for band in column["bands"].values()) == column["happened"] == 30


def test_alerts_tell_of_no_stayer_and_come_before_the_churn_or_not_at_all(tmp_path: Path) -> None:
    # Ten days of silence take the score below the bound; those who leave are gone by then.
    score, drops, everybody, quiet = document(tmp_path, "--day", "10")["alerts"]
    assert (score["customers"], score["churned"], score["alerts"], score["recall"]) == (60, 30, 0, 0)
    assert score["precision"] is None
    assert drops == {**score, "rule": "churn_risk"}
    assert (everybody["alerts"], everybody["precision"], quiet["alerts"]) == (60, 0.5, 0)


def test_alerts_before_the_churn_are_right_and_early(tmp_path: Path) -> None:
    policy, events, outcomes = made_up(tmp_path, decline=15)
    policy.write_text(policy.read_text().replace("noise = 1", "noise = 0").replace("engaged = 10", "engaged = 15", 1))
    words = ["validate", str(events), str(outcomes), "--policy", str(policy), "--json"]
    result = CliRunner().invoke(engagement, words, catch_exceptions=False)
    score = orjson.loads(result.stdout)["alerts"][0]
    # Three a day for five days, then one a day: at the boundary of day 12 there are 3 x 3 + 7 = 16 less 2, below 15.
    assert (score["alerts"], score["right"], score["precision"], score["recall"]) == (30, 30, 1, 1)
    assert (score["by_lot"], score["false_per_100"]) == (0.5, 0)
    assert score["lead_first_days"] == score["lead_last_days"] == 20 - 12
    assert score["within"] == {"days": 56, "precision": 1, "by_lot": 0.5, "by_lot_error": 0, "recall": 1}
    assert (score["told_of"], score["told_of_churned"], score["busiest_1_percent"]) == (30, 1, 1)


def test_strata_are_ranked_apart_and_named(tmp_path: Path) -> None:
    result = run(tmp_path, "--day", "10", "--within", "team")
    assert result.exit_code == 0
    assert "ranked within each team" in result.stdout
    assert "day 10" in result.stdout


def test_a_moment_may_be_a_date_and_several_processes_tell_the_same(tmp_path: Path) -> None:
    once = document(tmp_path, "--at", "2024-01-16", "--silent", "5d")
    assert [column["moment"] for column in once["moments"]] == ["2024-01-16"] * 2
    assert document(tmp_path, "--at", "2024-01-16", "--silent", "5d", "--processes", "3") == once


def test_days_count_from_the_first_event_where_no_start_is_told(tmp_path: Path) -> None:
    policy, events, outcomes = made_up(tmp_path)
    outcomes.write_text("customer_id,churned\n" + "".join(f"c{number},{number % 2}\n" for number in range(60)))
    words = ["validate", str(events), str(outcomes), "--policy", str(policy), "--day", "10", "--json"]
    (column,) = orjson.loads(CliRunner().invoke(engagement, words, catch_exceptions=False).stdout)["moments"]
    assert (column["customers"], column["happened"]) == (60, 30)


def test_the_plots_are_svg_with_their_text(tmp_path: Path) -> None:
    result = run(tmp_path, "--day", "10", "--silent", "5d", "--plots", str(tmp_path / "plots"))
    assert result.exit_code == 0, result.stderr
    drawn = {path.stem: path.read_text() for path in (tmp_path / "plots").iterdir()}
    assert set(drawn) == {
        "auc-churned",
        "bands-churned",
        "auc-silent-for-5d",
        "bands-silent-for-5d",
        "alerts",
        "alerts-by-day",
        "lead-time",
    }
    for text in drawn.values():
        assert ET.fromstring(text).tag.endswith("svg")  # noqa: S314 - our own
    assert "recency" in drawn["auc-churned"]
    assert "highly_engaged" in drawn["bands-churned"]


def test_without_matplotlib_the_command_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    result = run(tmp_path, "--plots", str(tmp_path / "plots"))
    assert result.exit_code == 1
    assert "pip install 'engagement-streams[validate]'" in result.stderr
    assert run(tmp_path).exit_code == 0


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("customer,churned\na,1\n", "has no column customer_id; it has customer, churned"),
        ("customer_id,churned\na,1\na,0\n", "outcomes.csv:3: customer_id 'a' stood in the file before"),
        (
            "customer_id,churned\na,maybe\n",
            "outcomes.csv:2: churned 'maybe' is neither yes (1, true) nor no (0, false)",
        ),
        ("customer_id,churned_at\na,soon\n", "outcomes.csv:2: churned_at"),
        ("customer_id,churned,churned_at\na,no,2024-01-01\n", "churned_at has a time, but churned says no"),
        ("customer_id,churned\n,1\n", "customer_id is empty"),
        ("customer_id\na\n", "says of nobody whether they churned"),
    ],
)
def test_outcomes_that_say_nothing_are_refused(tmp_path: Path, text: str, problem: str) -> None:
    policy, events, outcomes = made_up(tmp_path)
    outcomes.write_text(text)
    result = CliRunner().invoke(engagement, ["validate", str(events), str(outcomes), "--policy", str(policy)])
    assert result.exit_code == 1
    assert problem in result.stderr


def test_lines_that_are_no_events_are_told(tmp_path: Path) -> None:
    policy, events, outcomes = made_up(tmp_path)
    with events.open("a") as file:
        file.write("nonsense\n" + '{"channel": "web", "customer_id": "c1", "timestamp": 1}\n')
    words = ["validate", str(events), str(outcomes), "--policy", str(policy), "--day", "10"]
    result = CliRunner().invoke(engagement, words)
    assert result.exit_code == 0
    assert "2 events bad" in result.stderr
