"""`engagement policy compare --replay`: which alerts would come or go."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from streams.cli.main import engagement
from tests.unit.scoring.customers import POLICY


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Give a folder with two policies and a history: anna posts six times, eve five times, and both go quiet."""
    (tmp_path / "old.toml").write_text(POLICY)
    (tmp_path / "new.toml").write_text(POLICY.replace('"by-hand"', '"dearer"').replace("engaged = 10", "engaged = 11"))
    events = [("anna", 6), ("eve", 5)]
    lines = [line(name, "post", "2024-01-01T09:00:00Z") for name, posts in events for _ in range(posts)]
    lines += [line("bob", "post", "2024-01-09T09:00:00Z")]
    (tmp_path / "social.jsonl").write_text("\n".join(lines) + "\n")
    return tmp_path


def line(customer: str, kind: str, time: str) -> str:
    return json.dumps({"customer_id": customer, "type": kind, "timestamp": time})


def compare(folder: Path, *arguments: str) -> Result:
    policies = [str(folder / name) for name in ("old.toml", "new.toml")]
    replay = ["--replay", str(folder / "social.jsonl")]
    return CliRunner().invoke(engagement, ["policy", "compare", *policies, *replay, *arguments], env={"COLUMNS": "120"})


def test_the_alerts_that_would_go_are_named(files: Path) -> None:
    result = compare(files)

    assert result.exit_code == 0, result.output
    rows = [row.split() for row in result.stdout.splitlines()]
    assert ["churn_risk", "2", "1", "1", "0", "0", "1"] in rows
    assert ["2024-01-04", "00:00:00", "UTC", "churn_risk", "eve"] in rows
    assert "3 customers in the history" in result.stdout
    assert "would come, the latest first:" not in result.stdout
    assert "would go, the latest first:" in result.stdout


def test_for_machines_every_alert_is_named(files: Path) -> None:
    document = json.loads(compare(files, "--json").stdout)

    alert = {"occurred_at": "2024-01-04T00:00:00Z", "kind": "churn_risk"}
    assert document == {
        "same": [{**alert, "customer_id": "anna"}],
        "moved": [],
        "come": [],
        "go": [{**alert, "customer_id": "eve"}],
    }


def test_an_alert_at_another_time_neither_comes_nor_goes(files: Path) -> None:
    text = (files / "old.toml").read_text().replace('length = "3d"', 'length = "4d"').replace('"by-hand"', '"longer"')
    (files / "new.toml").write_text(text)
    document = json.loads(compare(files, "--json").stdout)

    assert (document["same"], document["come"], document["go"]) == ([], [], [])
    assert [(alert["occurred_at"], alert["new_occurred_at"]) for alert in document["moved"]] == [
        ("2024-01-04T00:00:00Z", "2024-01-05T00:00:00Z")
    ] * 2


def test_lines_that_are_no_events_are_counted(files: Path) -> None:
    with (files / "social.jsonl").open("a") as events:
        events.write('{"type": "post"}\n{"type"\n')

    assert "2 lines left out" in compare(files).stdout


def test_a_policy_that_is_wrong_is_refused(files: Path) -> None:
    (files / "new.toml").write_text("engaged = 1")
    result = compare(files)

    assert result.exit_code == 2
    assert "engaged: unknown key" in result.output


def test_silent_feeds_hold_alerts_back_here_as_well(files: Path) -> None:
    text = (files / "old.toml").read_text().replace('topic = "social"', 'topic = "social"\nsilence_after = "1d"')
    (files / "new.toml").write_text(text.replace('"by-hand"', '"watching"'))
    document = json.loads(compare(files, "--json").stdout)

    assert [alert["occurred_at"] for alert in document["go"]] == ["2024-01-04T00:00:00Z"] * 2
    assert [alert["customer_id"] for alert in document["go"]] == ["anna", "eve"]


def test_segments_have_alerts_by_their_own_rules_and_named_scores_do_not_count(files: Path) -> None:
    named = "[scores.loud]\nalerts = true\n[scores.loud.channels.social]\nweights = { post = 50 }\n"
    segments = "[segments.small.bands]\nengaged = 3\n" + named
    for name in ("old.toml", "new.toml"):
        path = files / name
        path.write_text(path.read_text() + (segments if name == "new.toml" else ""))
    profiles = [{"customer_id": "eve", "segment": "small"}, {"customer_id": "eve", "segment": 3}]
    (files / "profiles.jsonl").write_text("".join(json.dumps(profile) + "\n" for profile in profiles))
    alert = {"occurred_at": "2024-01-04T00:00:00Z", "kind": "churn_risk"}

    document = json.loads(compare(files, "--json", "--replay", str(files / "profiles.jsonl")).stdout)
    assert document["same"] == [{**alert, "customer_id": "anna"}, {**alert, "customer_id": "eve"}]
    assert (document["come"], document["go"]) == ([], [])
    assert [entry["customer_id"] for entry in json.loads(compare(files, "--json").stdout)["go"]] == ["eve"]


def test_absences_have_a_row_where_there_are_some(files: Path) -> None:
    assert "absent" not in compare(files).stdout
    absence = "[alerts.absence]\nmargin = 0.5\nleast_members = 1\n"
    text = (files / "new.toml").read_text()
    (files / "new.toml").write_text(text.replace("[clock]", absence + "[clock]"))
    with (files / "social.jsonl").open("a") as events:
        # With cleo there is somebody by whose days the others are away.
        events.writelines(line("cleo", "post", f"2024-01-{day:02}T09:00:00Z") + "\n" for day in range(1, 10))
    rows = [row.split() for row in compare(files).stdout.splitlines()]

    assert ["absent", "0", "2", "0", "0", "2", "0"] in rows
    assert not [row for row in rows if row[:1] == ["returned"]]
