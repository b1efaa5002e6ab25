"""The pages on families of feeds: each format stands on one, and what `source try` is shown to print it prints."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from scoring.mapping.presets import preset_names
from streams.cli.main import engagement
from streams.policy_file.document import parse_policy
from tests.unit.docs.reading import DOCS, Document, names_in

PAGES = [Document(path) for path in sorted((DOCS / "howto" / "feeds").glob("*.md"))]
EACH = pytest.mark.parametrize("page", PAGES, ids=[page.path.stem for page in PAGES])
#: As wide as the pages are.
COLUMNS = "116"


def tried(page: Document, folder: Path) -> str:
    """Try the records of a page with its policy, by the command that it shows."""
    (policy,), (records,), (command,) = page.blocks("toml"), page.blocks("jsonl"), page.blocks("sh")
    _, source, try_, file, *options = command.split()
    (folder / file).write_text(records, encoding="utf-8")
    (folder / "policy.toml").write_text(policy, encoding="utf-8")
    paths = {name: str(folder / name) for name in (file, "policy.toml")}
    arguments = [paths.get(word, word) for word in (source, try_, file, *options)]
    result = CliRunner().invoke(engagement, arguments, env={"COLUMNS": COLUMNS})
    assert result.exit_code == 0, result.output
    return "".join(f"{line.rstrip()}\n" for line in result.stdout.splitlines())


def test_every_format_stands_on_one_page() -> None:
    named = [name for page in PAGES for table in page.tables() for row in table[1:] for name in names_in(row[0])]
    assert sorted(named) == sorted(preset_names())


@EACH
def test_the_policy_of_a_page_is_a_policy(page: Document) -> None:
    (text,) = page.blocks("toml")
    assert parse_policy(text).sources


@EACH
def test_a_page_shows_what_becomes_of_its_records(page: Document, tmp_path: Path) -> None:
    (shown,) = page.blocks("text")
    assert tried(page, tmp_path) == shown


def test_the_pages_show_events_links_what_is_left_out_and_dead_letters() -> None:
    shown = "".join(text for page in PAGES for text in page.blocks("text"))
    assert all(word in shown for word in ("a link", "left out", "dead letter", "email.complaint", "survey.nps"))
