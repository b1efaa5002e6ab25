"""What runs before a commit and in the forge are the commands of the Makefile."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any

import yaml

from tests.unit.docs.reading import ROOT

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
HOOKS = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
WORKFLOW = yaml.safe_load((ROOT / ".github" / "workflows" / "check.yml").read_text(encoding="utf-8"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def steps() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, job in WORKFLOW["jobs"].items():
        for step in job["steps"]:
            yield name, step


def test_what_the_forge_runs_are_targets_of_the_makefile_and_the_script_of_the_whole() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*## ", MAKEFILE, re.MULTILINE))
    run = [step["run"].split() for _, step in steps() if "run" in step]

    assert {words[1] for words in run if words[0] == "make"} <= targets
    assert [words[0] for words in run if words[0] != "make"] == [".ci/run"]


def test_the_forge_tries_every_python_from_the_oldest_allowed_to_the_newest_that_the_makefile_knows() -> None:
    tried = WORKFLOW["jobs"]["unit"]["strategy"]["matrix"]["python"]
    named = re.findall(r"python(3\.\d+)", re.findall(r"^PYTHONS := (.*)", MAKEFILE, re.MULTILINE)[0])

    assert sorted(tried) == sorted(named)
    assert PROJECT["requires-python"] == f">={tried[0]}"


def test_every_action_of_the_forge_has_a_version() -> None:
    used = [step["uses"] for _, step in steps() if "uses" in step]

    assert used
    assert all(re.fullmatch(r"actions/[\w-]+@v\d+", action) for action in used)


def test_before_a_commit_the_linter_and_the_formatter_of_the_environment_run() -> None:
    entries = [hook["entry"].split() for repo in HOOKS["repos"] for hook in repo["hooks"]]

    assert [words[:2] for words in entries] == [[".venv/bin/ruff", "check"], [".venv/bin/ruff", "format"]]
    assert {repo["repo"] for repo in HOOKS["repos"]} == {"local"}
