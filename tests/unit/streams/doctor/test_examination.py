"""The checks one after another: what fails holds up only what needs it, and nothing hangs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from streams.cli import doctor
from streams.cli.main import engagement
from streams.doctor.checks import CHECKS
from streams.doctor.configuration import Configuration, read, settings_findings
from streams.doctor.examination import Check, examine
from streams.doctor.finding import Finding, Level, Untold, doubtful, right, wrong
from streams.errors import StoreUnavailable

Run = Callable[[Configuration], Awaitable[Sequence[Finding]]]


def saying(*findings: Finding) -> Run:
    """Make a check that finds this."""

    async def run(_: Configuration) -> Sequence[Finding]:
        return findings

    return run


def raising(error: BaseException) -> Run:
    """Make a check that fails."""

    async def run(_: Configuration) -> Sequence[Finding]:
        raise error

    return run


async def found(*checks: Check, seconds: float = 5.0) -> dict[str, list[str]]:
    """Run checks; give what each said."""
    return {
        name: [f"{finding.level}: {finding.says}" for finding in findings]
        async for name, findings in examine(checks, read({}), seconds)
    }


async def test_what_fails_holds_up_what_needs_it_and_that_in_turn_what_needs_that() -> None:
    assert await found(
        Check("kafka", saying(wrong("is away"))),
        Check("topics", saying(right("are there")), ("kafka",)),
        Check("retention", saying(right("is long")), ("topics",)),
        Check("redis", saying(doubtful("is slow", "Wait"))),
        Check("rights", saying(right("are given")), ("redis",)),
    ) == {
        "kafka": ["wrong: is away"],
        "topics": ["not checked: cannot be looked at before this is right: kafka"],
        "retention": ["not checked: cannot be looked at before this is right: topics"],
        "redis": ["doubtful: is slow"],
        "rights": ["right: are given"],
    }


async def test_errors_of_the_outside_are_findings_and_a_bug_is_none() -> None:
    assert await found(
        Check("store", raising(StoreUnavailable("Redis is gone"))),
        Check("file", raising(FileNotFoundError("no such certificate"))),
        Check("old broker", raising(Untold("it does not tell"))),
        Check("client", raising(asyncio.CancelledError())),
    ) == {
        "store": ["wrong: Redis is gone"],
        "file": ["wrong: no such certificate"],
        "old broker": ["not checked: it does not tell"],
        "client": ["wrong: a client has given up without a reason"],
    }
    with pytest.raises(ZeroDivisionError):
        await found(Check("bug", raising(ZeroDivisionError())))


async def test_a_check_that_hangs_even_while_it_is_given_up_does_not_hold_the_others() -> None:
    released = asyncio.Event()

    async def hangs(_: Configuration) -> Sequence[Finding]:
        try:
            await asyncio.sleep(60)
        finally:
            await released.wait()
        return []

    began = time.monotonic()
    said = await found(Check("hanging", hangs), Check("next", saying(right("runs"))), seconds=0.05)
    assert time.monotonic() - began < 10
    assert said == {"hanging": ["wrong: no answer within 0.05 s"], "next": ["right: runs"]}
    released.set()
    await asyncio.sleep(0)


def test_each_check_stands_after_those_that_it_needs() -> None:
    before: set[str] = set()
    for check in CHECKS:
        assert before.issuperset(check.needs), check.name
        assert check.name not in before
        before.add(check.name)


def test_problems_of_settings_and_policy_are_told_apart(tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_text("windows = 1")
    only_policy = read({"ENGAGEMENT_POLICY": str(file), "ENGAGEMENT_NAMESPACE": "mine"})
    assert only_policy.settings.namespace == "mine"
    assert (only_policy.problems, len(only_policy.policy_problems)) == ([], 1)
    both = read({"ENGAGEMENT_POLICY": str(file), "ENGAGEMENT_CLOCK": "sundial"})
    assert (both.found, len(both.problems), len(both.policy_problems)) == (None, 1, 1)


def test_a_password_in_a_url_is_not_shown() -> None:
    configuration = read({"ENGAGEMENT_REDIS_URL": "redis://user:pa55word@localhost"})
    assert "pa55word" not in str(settings_findings(configuration))


@pytest.mark.parametrize(
    ("finding", "verdict", "status", "strict"),
    [
        (right("fine"), "right", 0, 0),
        (Finding(Level.NOT_CHECKED, "unseen"), "right", 0, 0),
        (doubtful("hm", "Look"), "doubtful", 0, 1),
        (wrong("broken", "Mend it"), "wrong", 1, 1),
    ],
)
def test_status_and_document_say_the_worst_that_was_found(
    monkeypatch: pytest.MonkeyPatch, finding: Finding, verdict: str, status: int, strict: int
) -> None:
    monkeypatch.setattr(doctor, "CHECKS", (Check("one", saying(right("fine"))), Check("other", saying(finding))))
    done = CliRunner().invoke(engagement, ["doctor", "--json"])
    document = orjson.loads(done.stdout)
    assert (done.exit_code, document["verdict"]) == (status, verdict)
    assert document["findings"] == [
        {"check": "one", "level": "right", "says": "fine", "remedy": ""},
        {"check": "other", "level": finding.level, "says": finding.says, "remedy": finding.remedy},
    ]
    assert CliRunner().invoke(engagement, ["doctor", "--strict"]).exit_code == strict


def test_a_line_tells_level_check_finding_and_remedy_and_cannot_move_the_cursor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(doctor, "CHECKS", (Check("one", saying(wrong("a\x1b[2Jb.", "Mend it"))),))
    said = CliRunner().invoke(engagement, ["doctor"]).stdout
    assert said.split(maxsplit=2) == ["wrong", "one", "a\\x1b[2Jb. Mend it\n"]
