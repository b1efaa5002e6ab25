"""Outcomes of customers of whom there is no event are refused: figures of nobody look like figures."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from streams.cli.main import engagement
from tests.unit.streams.backtest.population import made_up


def run(folder: Path, *command: str, outcomes: str | None = None, events: str | None = None) -> Result:
    policy, log, told = made_up(folder, customers=20)
    if outcomes is not None:
        told.write_text(outcomes)
    if events is not None:
        log.write_text(events)
    words = [*command, str(log), str(told), "--policy", str(policy), "--day", "10"]
    return CliRunner().invoke(engagement, words, env={"COLUMNS": "140"})


OTHERS = "customer_id,churned\nC0,yes\nC1,no\nC2,no\nC3,no\n"


@pytest.mark.parametrize("command", [("validate",), ("policy", "fit"), ("validate", "--processes", "2")])
def test_outcomes_of_other_customers_are_refused_with_what_was_compared(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    result = run(tmp_path, *command, outcomes=OTHERS)
    assert result.exit_code != 0
    assert result.stdout == ""
    assert "has 4 customers, such as 'C0', 'C1', 'C2', and none of them has an event" in result.stderr
    assert "EVENTS are of 'c0', 'c1', 'c2'" in result.stderr


@pytest.mark.parametrize("command", [("validate",), ("policy", "fit")])
def test_a_file_without_events_is_refused_as_such(tmp_path: Path, command: tuple[str, ...]) -> None:
    result = run(tmp_path, *command, events="not,an,event\n")
    assert result.exit_code != 0
    assert "there is no event that could be read" in result.stderr


def test_outcomes_of_nobody_are_refused(tmp_path: Path) -> None:
    result = run(tmp_path, "validate", outcomes="customer_id,churned\n")
    assert result.exit_code != 0
    assert "of nobody" in result.stderr


def test_those_without_any_event_among_others_are_counted(tmp_path: Path) -> None:
    result = run(tmp_path, "validate", outcomes=OTHERS + "c4,yes\nc5,no\n")
    assert result.exit_code == 0
    assert "4 customers of " in result.stderr
    assert "without any event" in result.stderr
