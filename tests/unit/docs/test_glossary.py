"""The glossary: sorted, complete, and about words that the project uses."""

from __future__ import annotations

import re

from tests.unit.docs.reading import ROOT, Document

ROWS = Document(ROOT / "docs" / "glossary.md").table("word", "meaning here", "the field's term")
WORDS = [row[0] for row in ROWS]
#: Those that a reader of the code meets first, and cannot guess.
NEEDED = """
ahead, armed, bundle, crossing, dead letter, due, episode, fence, fence group, gain, held drop, hold, horizon, judge,
least, mark, moment, outlook, pane, part, record, refresh, round, settle, share, source, spell, stretch, tally, told,
walk
"""


def test_the_words_are_sorted_and_each_stands_once() -> None:
    assert sorted(set(WORDS), key=str.lower) == WORDS


def test_every_word_that_cannot_be_guessed_is_there() -> None:
    assert {" ".join(word.split()) for word in NEEDED.split(",")} <= set(WORDS)


def test_every_word_has_a_meaning_and_a_term_of_the_field() -> None:
    assert not [row for row in ROWS if len(row) != len(("word", "meaning", "term")) or not all(row)]


def test_every_word_is_one_that_the_code_uses() -> None:
    sources = [path for top in ("scoring", "streams") for path in (ROOT / top).rglob("*.py")]
    code = " ".join(re.sub(r"[_#\n ]+", " ", path.read_text(encoding="utf-8")) for path in sources).lower()

    assert not [word for word in WORDS if any(part not in code for part in word.split())]
