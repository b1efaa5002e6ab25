"""Records of known shapes, what becomes of them, and how both are compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from scoring.mapping.source import Source
from streams.cli.source_lines import read_lines
from streams.ingest.schemas import SchemaFile
from streams.ingest.source_reading import SourceReader
from streams.policy_file.sources import read_source
from streams.views.source_view import as_object

FEEDS = Path(__file__).parent / "feeds"
CHANNELS = ("clickstream", "email", "social", "mobile", "commerce", "support", "survey")
#: Long after every event of the files.
LATEST = 4_000_000_000_000_000
_SHOP = {
    "only_types": True,
    "types": {
        "com.shop.cart.added.v1": "add_to_cart",
        "com.shop.page.viewed.v1": "page_view",
        "com.shop.order.placed.v2": "purchase",
    },
}
#: What a user has to add of his own to a shape, by the name of the file.
OWN: dict[str, dict[str, Any]] = {
    "cloudevents": _SHOP,
    "cloudevents_binary": {**_SHOP, "properties": {"sku": "data.sku", "amount": "data.amount"}},
}

Line = dict[str, Any]


def source_of(name: str, table: dict[str, Any]) -> Source:
    """Read a source that is right."""
    problems: list[str] = []
    found = read_source(name, table, CHANNELS, problems)
    assert problems == []
    assert found is not None
    return found


def read_feed(folder: Path, name: str) -> list[Line]:
    """Read the records of a file by the shape of its name, as `engagement source try --json` prints them."""
    schemas = folder / f"{name}.schemas.json"
    known = SchemaFile.read(schemas) if schemas.exists() else None
    reader = SourceReader(source_of(name, {"format": name, **OWN.get(name, {})}), known)
    lines = read_lines(folder / f"{name}.jsonl")
    return [as_object(number, outcome) for number, record in lines for outcome in reader.read(record, LATEST)]


def expected(folder: Path, name: str) -> list[Line]:
    """Read what should become of them."""
    return [orjson.loads(line) for line in (folder / f"{name}.expected.jsonl").read_bytes().splitlines()]


def comparable(line: Line) -> Line:
    """Leave out what may be said otherwise: how an id is put together, and why something is left out."""
    said = {key: value for key, value in line.items() if key not in ("event_id", "skipped")}
    return said | {"has an id": "event_id" in line, "is left out": "skipped" in line}


def renamed(ids: list[str]) -> list[int]:
    """Give equal ids equal numbers."""
    numbers: dict[str, int] = {}
    return [numbers.setdefault(identity, len(numbers)) for identity in ids]


def compare(found: list[Line], wanted: list[Line]) -> None:
    """Hold what becomes of records against what should."""
    assert [comparable(line) for line in found] == [comparable(line) for line in wanted]
    ids = [[line["event_id"] for line in lines if "event_id" in line] for lines in (found, wanted)]
    assert renamed(ids[0]) == renamed(ids[1])
