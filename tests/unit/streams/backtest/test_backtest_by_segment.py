"""`engagement validate` of a policy with segments and named scores, on histories that tell segments."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import orjson
from click.testing import CliRunner

from streams.cli.main import engagement
from tests.unit.streams.backtest.population import made_up

STRICT = """
[segments.strict.bands]
engaged = 15
[segments.strict.channels.web]
weights = { noise = 0 }
"""
LOUD = "[scores.loud]\nalerts = true\n[scores.loud.channels.web]\nweights = { noise = 90 }\n"
TOLD = "2024-01-25T00:00:00Z"


def validated(folder: Path, policy_text: str, *, profiles: list[dict[str, str]]) -> Any:
    """Validate a policy on the events and some profiles."""
    policy, events, outcomes = made_up(folder, decline=15)
    policy.write_text(policy.read_text() + policy_text)
    told = "".join(json.dumps({"channel": "profiles", **profile}) + "\n" for profile in profiles)
    events.write_text(told + events.read_text())
    words = ["validate", str(events), str(outcomes), "--policy", str(policy), "--day", "10", "--json"]
    return orjson.loads(CliRunner().invoke(engagement, words, catch_exceptions=False).stdout)


def profiles(**more: str) -> list[dict[str, str]]:
    """Put everybody into the segment."""
    return [{"customer_id": f"c{number}", "segment": "strict", **more} for number in range(60)]


def test_customers_are_judged_by_the_rules_of_their_segment(tmp_path: Path) -> None:
    assert validated(tmp_path, STRICT, profiles=[])["alerts"][0]["alerts"] == 0
    score = validated(tmp_path, STRICT, profiles=profiles())["alerts"][0]

    # As if these were the rules of all, see test_validate.
    assert (score["alerts"], score["right"], score["lead_last_days"]) == (30, 30, 8)


def test_profiles_are_no_events_and_move_no_clock(tmp_path: Path) -> None:
    plain = validated(tmp_path, "[profiles]\n", profiles=[])
    assert validated(tmp_path, "[profiles]\n", profiles=profiles(timestamp="2025-06-01T00:00:00Z")) == plain
    assert validated(tmp_path, "[profiles]\n", profiles=profiles()) == plain


def test_a_profile_ends_no_silence(tmp_path: Path) -> None:
    policy, events, outcomes = made_up(tmp_path)
    policy.write_text(policy.read_text() + "[profiles]\n")
    words = [
        "validate",
        str(events),
        str(outcomes),
        "--policy",
        str(policy),
        "--day",
        "20",
        "--silent",
        "10d",
        "--json",
    ]
    before = orjson.loads(CliRunner().invoke(engagement, words, catch_exceptions=False).stdout)
    lines = events.read_text().splitlines(keepends=True)
    place = next(index for index, line in enumerate(lines) if "2024-01-25T" in line)
    lines[place:place] = [json.dumps({"channel": "profiles", **each}) + "\n" for each in profiles(timestamp=TOLD)]
    events.write_text("".join(lines))

    assert orjson.loads(CliRunner().invoke(engagement, words, catch_exceptions=False).stdout) == before
    assert [column["happened"] for column in before["moments"]] == [0, 30]


def test_days_count_from_the_first_event_and_not_from_a_profile(tmp_path: Path) -> None:
    policy, events, outcomes = made_up(tmp_path)
    policy.write_text(policy.read_text() + "[profiles]\n")
    outcomes.write_text("customer_id,churned\n" + "".join(f"c{number},{number % 2}\n" for number in range(60)))
    words = ["validate", str(events), str(outcomes), "--policy", str(policy), "--day", "10", "--json"]
    before = orjson.loads(CliRunner().invoke(engagement, words, catch_exceptions=False).stdout)
    with events.open("a") as lines:
        lines.writelines(json.dumps({"channel": "profiles", **profile}) + "\n" for profile in profiles())

    assert orjson.loads(CliRunner().invoke(engagement, words, catch_exceptions=False).stdout) == before


def test_alerts_of_named_scores_are_none_of_the_score(tmp_path: Path) -> None:
    rules = STRICT.replace("segments.strict.", "scores.quiet.").replace("noise = 0", "work = 1")
    both = LOUD + rules.replace("[scores.quiet.bands]", "[scores.quiet]\nalerts = true\n[scores.quiet.bands]")

    assert validated(tmp_path, both, profiles=[])["alerts"][0]["alerts"] == 0
