"""The decisions: pages, their index, and the code that rests on them name each other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.docs.reading import ROOT, Document

FOLDER = ROOT / "docs" / "decisions"
INDEX = Document(FOLDER / "index.md")
PAGES = {int(path.name[:4]): Document(path) for path in sorted(FOLDER.glob("[0-9]*.md"))}
WHERE_CITED = [
    *(path for top in ("scoring", "streams", "tests", "deploy", "docs") for path in sorted((ROOT / top).rglob("*"))),
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "pyproject.toml", "setup.py", "Makefile")),
]
CITATION = re.compile(r"\bdecisions? (\d+(?:(?:, | and |, and )\d+)*)")


def cited_in(path: Path) -> set[int]:
    """Give the numbers that a file names, whether a line breaks within a citation or not."""
    text = re.sub(r"\s*\n(?:\s*(?:--|#))?\s*", " ", path.read_text(encoding="utf-8"))
    return {int(number) for numbers in CITATION.findall(text) for number in re.findall(r"\d+", numbers)}


def files_under(page: Document) -> list[str]:
    """Give the files that rest on a decision, as its page lists them."""
    _, _, rest = page.text.partition("\nRests on it:\n")
    return re.findall(r"^- `([^`]+)`$", rest, re.MULTILINE)


def texts() -> Iterator[Path]:
    yield from (path for path in WHERE_CITED if path.suffix in {".py", ".lua", ".md", ".toml", ".yml", ".yaml"})


def test_every_number_that_is_cited_has_a_page() -> None:
    cited = {path: cited_in(path) for path in texts()}

    assert sum(map(len, cited.values())) > len(PAGES)
    assert not {path: numbers - PAGES.keys() for path, numbers in cited.items() if numbers - PAGES.keys()}


@pytest.mark.parametrize("number", PAGES)
def test_a_page_names_files_that_exist_and_name_it(number: int) -> None:
    named = files_under(PAGES[number])

    assert named
    assert named == sorted(set(named))
    assert not [name for name in named if not (ROOT / name).is_file() or number not in cited_in(ROOT / name)]


def test_code_names_no_decision_whose_page_does_not_name_it() -> None:
    for path in texts():
        if path.suffix in {".py", ".lua"} and ROOT / "tests" not in path.parents:
            name = str(path.relative_to(ROOT))
            assert not [number for number in cited_in(path) if name not in files_under(PAGES[number])], name


def test_the_index_has_every_page_with_its_sentence_and_the_rooms_of_its_files() -> None:
    def rooms(page: Document) -> str:
        folders = [name.rpartition("/") for name in files_under(page)]
        return ", ".join(dict.fromkeys(f"`{folder}/`" if folder else f"`{name}`" for folder, _, name in folders))

    expected = []
    for number, page in PAGES.items():
        title, *_ = page.text.splitlines()
        sentence = title.removeprefix(f"# {number}. ")
        expected.append([str(number), f"[{sentence}]({page.path.name})", rooms(page)])

    assert INDEX.table("number", "decision", "rooms") == expected


@pytest.mark.parametrize("page", PAGES.values(), ids=[page.path.stem for page in PAGES.values()])
def test_a_link_to_a_decision_is_called_by_its_number(page: Document) -> None:
    for called, number in re.findall(r"\[decisions? (\d+)\]\((\d+)-", page.text):
        assert int(called) == int(number)
