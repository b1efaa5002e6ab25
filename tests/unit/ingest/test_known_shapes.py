"""Every shape that is known by name reads made-up records of its feed to the last field."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scoring.mapping.presets import preset_names
from tests.unit.ingest.shapes import FEEDS, compare, expected, read_feed

NAMES = sorted(path.name.removesuffix(".expected.jsonl") for path in FEEDS.glob("*.expected.jsonl"))
#: Shapes with tests of their own below: what they share with another one is tested there.
WITHOUT_FILE = {"engagement", "jitsu", "mailgun", "snowplow", "snowplow_tsv", "zendesk"}
#: A folder with more such files, for those who have them.
MORE = os.environ.get("ENGAGEMENT_TEST_FEEDS", "")
MORE_NAMES = (
    sorted(path.name.removesuffix(".expected.jsonl") for path in Path(MORE).glob("*.expected.jsonl")) if MORE else []
)


@pytest.mark.parametrize("name", NAMES)
def test_the_records_of_a_feed_become_what_they_should(name: str) -> None:
    compare(read_feed(FEEDS, name), expected(FEEDS, name))


@pytest.mark.skipif(not MORE_NAMES, reason="ENGAGEMENT_TEST_FEEDS names no folder of more feeds")
@pytest.mark.parametrize("name", MORE_NAMES)
def test_more_records_of_a_feed_become_what_they_should(name: str) -> None:
    compare(read_feed(Path(MORE), name), expected(Path(MORE), name))


def test_every_known_shape_has_a_file_or_tests_of_its_own() -> None:
    assert set(preset_names()) == set(NAMES) | WITHOUT_FILE
