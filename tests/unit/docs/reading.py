"""Reads Markdown as far as the tests need it: tables, blocks of code, links."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
DEPLOY = ROOT / "deploy"
DOCS = ROOT / "docs"

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_CELLS = re.compile(r"(?<!\\)\|")

Row = list[str]


class Document:
    """One Markdown file: `prose` is its text without the blocks of code, `words` the same without line breaks."""

    def __init__(self, path: Path) -> None:
        """Read it.

        Args:
            path: of the file.
        """
        self.path = path
        self.text = path.read_text(encoding="utf-8")
        self.prose = _BLOCK.sub("", self.text)
        self.words = " ".join(self.prose.split())

    def blocks(self, language: str) -> list[str]:
        """List the blocks of code in a language, '' for those without one."""
        return [body for found, body in _BLOCK.findall(self.text) if found == language]

    def table(self, *header: str) -> list[Row]:
        """Give the rows of the one table with these headings."""
        return _the_one([table for table in self.tables() if table[0] == list(header)], header)

    def tables(self) -> list[list[Row]]:
        """List all tables, each with its headings as the first row."""
        tables: list[list[Row]] = []
        inside = False
        for line in self.prose.splitlines():
            if not line.startswith("|"):
                inside = False
            elif not set(line) <= set("|- :"):
                if not inside:
                    tables.append([])
                tables[-1].append([cell.strip() for cell in _CELLS.split(line)[1:-1]])
                inside = True
        return tables

    def links(self) -> list[str]:
        """List where the links go."""
        return re.findall(r"\]\(([^)]+)\)", self.prose)

    def anchors(self) -> set[str]:
        """List the names under which the headings can be linked to."""
        headings = re.findall(r"^#+ (.+)$", self.prose, re.MULTILINE)
        return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


class Manual:
    """The README and all pages in docs/, as one: a table, a sentence or an example is found wherever it stands."""

    def __init__(self, pages: list[Document]) -> None:
        """Take the pages.

        Args:
            pages: in the order in which their blocks are listed.
        """
        self.pages = pages
        self.words = " ".join(page.words for page in pages)

    def blocks(self, language: str) -> list[str]:
        """List the blocks of code in a language; what the README repeats of a page is listed once."""
        return list(dict.fromkeys(block for page in self.pages for block in page.blocks(language)))

    def table(self, *header: str) -> list[Row]:
        """Give the rows of the one table with these headings."""
        return _the_one([table for page in self.pages for table in page.tables() if table[0] == list(header)], header)


def _the_one(tables: list[list[Row]], header: tuple[str, ...]) -> list[Row]:
    assert len(tables) == 1, f"there are {len(tables)} tables with the headings {header}"
    return tables[0][1:]


def page(name: str) -> Document:
    """Read the page in docs/ that has this name, such as `howto/send-events`."""
    return Document(DOCS / f"{name}.md")


def names_in(cell: str) -> list[str]:
    """List what stands in backticks in a cell."""
    return re.findall(r"`([^`]+)`", cell)


README = Document(ROOT / "README.md")
PAGES = [Document(path) for path in sorted(DOCS.rglob("*.md"))]
MANUAL = Manual([README, *PAGES])
