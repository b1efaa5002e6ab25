"""How `make docs` builds the pages: from the root of the repository, so that links to other files are checked, too."""

from pygments.lexers.data import JsonLexer
from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

project = "engagement streams"
extensions = ["myst_parser"]
root_doc = "docs/index"
include_patterns = ["docs/**", "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "deploy/RUNBOOK.md"]
myst_heading_anchors = 4
html_theme = "alabaster"
html_theme_options = {"page_width": "1100px", "sidebar_width": "260px"}

_PARTS = {
    "Begin": "docs/quickstart",
    "How to": "docs/howto/",
    "Reference": "docs/reference/",
    "Explanation": "docs/explanation/",
    "Words and decisions": ("docs/glossary", "docs/decisions/"),
    "The repository": ("README", "CONTRIBUTING", "CHANGELOG", "deploy/"),
}


def add_contents(app: Sphinx, page: str, source: list[str]) -> None:
    """Give the index what makes the menu; the file itself stays plain Markdown."""
    if page != root_doc:
        return
    for caption, starts in _PARTS.items():
        pages = [f"/{name}" for name in sorted(app.env.found_docs) if name.startswith(starts)]
        if pages:
            source[0] += "\n".join(["\n\n```{toctree}", ":hidden:", f":caption: {caption}", "", *pages, "```"])


def setup(app: Sphinx) -> None:
    """Have `add_contents` called for each page that is read; know Redis's configuration and lines of JSON."""
    app.connect("source-read", add_contents)
    app.add_lexer("conf", TextLexer)
    app.add_lexer("jsonl", JsonLexer)
