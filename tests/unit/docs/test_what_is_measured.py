"""The page on what is measured: its blocks are a policy, and each row names tables of it and a test that there is."""

from __future__ import annotations

import re
import tomllib
from functools import reduce

import pytest

from streams.policy_file.document import parse_policy
from tests.unit.docs.reading import DOCS, ROOT, Document, names_in

PAGE = Document(DOCS / "reference" / "what-is-measured.md")
TEXT = "\n".join(PAGE.blocks("toml"))
ROWS = [row for table in PAGE.tables() for row in table[1:]]


def test_the_blocks_of_the_page_are_one_policy() -> None:
    policy = parse_policy(TEXT)
    assert len(policy.channels) == TEXT.count("weights = {") + TEXT.count(".weights]")
    assert len(policy.measures) == TEXT.count("[measures.")


def test_every_measure_and_channel_of_the_policy_stands_in_a_row() -> None:
    named = {name for row in ROWS for name in names_in(row[1])}
    policy = parse_policy(TEXT)
    assert {f"measures.{name}" for name in policy.measure_names} <= named


@pytest.mark.parametrize("row", ROWS, ids=[row[0][:60] for row in ROWS])
def test_a_row_names_tables_of_the_policy_and_a_test_that_there_is(row: list[str]) -> None:
    document = tomllib.loads(TEXT)
    for name in names_in(row[1]):
        assert reduce(lambda table, key: table[key], name.split("."), document)
    file, test = names_in(row[2])
    text = (ROOT / "tests" / "integration" / file).read_text(encoding="utf-8")
    assert re.search(rf"^(?:async )?def {test}\(", text, re.MULTILINE), test
