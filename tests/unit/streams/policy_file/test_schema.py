"""The JSON Schema of policy files: it takes what is read, and refuses what is refused for its form."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from scoring.errors import PolicyError
from streams.cli.policy import policy
from streams.policies.shipped import shipped_policies, shipped_policy
from streams.policy_file.builtin import BUILTIN_POLICY
from streams.policy_file.document import parse_policy
from streams.policy_file.schema import SCHEMA_FILE, SCHEMA_LINE, policy_schema
from tests.unit.docs.reading import DEPLOY, PAGES, ROOT

SCHEMA = policy_schema()
CHECK = Draft202012Validator(SCHEMA)
FILES = [
    *sorted((ROOT / "streams" / "policies").glob("*.toml")),
    *sorted((DEPLOY / "policies").glob("*.toml")),
    *sorted((ROOT / "scoring" / "mapping" / "presets").glob("*.toml")),
]


def problems(text: str) -> list[str]:
    """Return what the schema does not take."""
    return [f"{error.json_path}: {error.message}" for error in CHECK.iter_errors(tomllib.loads(text))]


def examples() -> Iterator[tuple[str, str]]:
    """Give the examples of policies in the pages, whole or in part."""
    for page in PAGES:
        for number, block in enumerate(page.blocks("toml")):
            if not re.search(r"^\[?(endpoints|limits)\b|signature|write_key_file", block, re.MULTILINE):
                yield f"{page.path.name}-{number}", block


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_file_that_comes_with_the_package_is_taken_and_names_the_schema(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    first, _, _ = text.partition("\n")

    assert problems(text) == []
    assert (path.parent / first.removeprefix("#:schema ")).resolve() == ROOT / "streams" / "policies" / SCHEMA_FILE


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in examples()])
def test_an_example_of_the_pages_is_taken(text: str) -> None:
    # An example may leave the weights to the policy that it is a part of.
    assert [problem for problem in problems(text) if "'weights' is a required property" not in problem] == []


def test_what_is_copied_names_the_schema_beside_it() -> None:
    assert f"#:schema ./{SCHEMA_FILE}\n" == SCHEMA_LINE
    for text in (BUILTIN_POLICY, *map(shipped_policy, shipped_policies())):
        assert text.startswith(SCHEMA_LINE)


def test_the_command_prints_the_schema_that_lies_beside_the_policies() -> None:
    printed = CliRunner().invoke(policy, ["schema"])

    assert printed.exit_code == 0
    assert json.loads(printed.stdout) == SCHEMA
    assert printed.stdout == (ROOT / "streams" / "policies" / SCHEMA_FILE).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "text",
    [
        "windows = 1",
        "version = 3",
        "window = 3",
        '[window]\nlength = "soon"',
        "[window]\nlength = 30",
        '[bands]\nengaged = "41"',
        "[alerts]\nrearm_margin = -1",
        '[alerts]\ndrops = "engaged"',
        "[alerts]\nabsence = 3",
        '[alerts.absence]\nmembers_within = "often"',
        "[dead_letters]\nstop_above = 1.5",
        "[dead_letters]\nat_least = 1.5",
        '[identities]\ntopic = "a b"',
        "[channels.Calls]\nweights = { a = 1 }",
        "[channels.calls]\ntopic = 'calls'",
        "[channels.calls]\nweights = { a = true }",
        "[channels.calls]\nweights = { a = 1 }\ncap = { a = 0 }",
        "[channels.calls]\nweights = { a = 1 }\nsessions = 30",
        "[channels.calls]\nweights = { a = 1 }\npages = 'a'",
        "[channels.calls]\nweights = { a = 1 }\nretracts = { a = [] }",
        "[channels.calls]\nweights = { a = 1 }\ngateway = { a = { within = '1s' } }",
        "[channels.calls]\nweights = { a = 1 }\ndurations = { n = { from = 'a', to = 'a' } }",
        "[channels.calls]\nweights = { a = 1 }\npoints = { a = { property = 'b', points = 1, per = 0 } }",
        "[channels.calls]\nweights = { a = 1 }\n[[channels.calls.types]]\ntype = 'a'",
        '[measures.m]\nkind = "median"',
        '[measures.m]\nkind = "count"',
        '[measures.m]\nkind = "panes"\nof = ["a"]\ntimes = 3',
        "[targets.churn]",
        '[targets.churn]\nat_least = "3"',
        "[profiles]\nfield = 'a'",
        '[segments.a.window]\nlength = "3d"',
        "[scores.a]\nalerts = true",
        "[scores.a.channels.email]\ncap = { open = 1 }",
        '[sources.web]\nformat = "segmint"',
        "[sources.web]\ncustomer = 5",
        '[sources.web]\ncolour = "red"',
        "[sources.web]\nevents = []",
        "[[sources.web.links]]\nid = 'a'",
    ],
)
def test_what_is_refused_for_its_form_is_not_taken(text: str) -> None:
    assert problems(text)
    with pytest.raises(PolicyError):
        parse_policy(text)


def test_every_key_is_told_about_and_defaults_are_those_of_a_file() -> None:
    def tables(schema: Any) -> Iterator[tuple[str, dict[str, Any]]]:
        yield from schema["properties"].items()
        for definition in schema.get("$defs", {}).values():
            yield from tables(definition)

    assert not [name for name, schema in tables(SCHEMA) if not schema.get("description")]
    assert SCHEMA["$defs"]["Window"]["properties"]["length"]["default"] == "30d"
    assert SCHEMA["$defs"]["Alerts"]["properties"]["drops"]["enum"] == ["disengaged", "at_risk"]
