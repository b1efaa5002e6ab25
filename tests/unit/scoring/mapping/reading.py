"""Sources out of the text of a policy file, and what they make of a value."""

from __future__ import annotations

import tomllib
from types import SimpleNamespace
from typing import Any

import orjson

from scoring.mapping.mapping import Mapping
from scoring.mapping.outcomes import Outcome
from scoring.mapping.source import Source
from streams.policy_file.sources import read_source

CHANNELS = ("clickstream", "email")
LATEST = 4_000_000_000_000_000
FIELDS = {"channel": "clickstream", "customer": "who", "type": "what", "time": "when"}
#: A right event under `FIELDS`.
EVENT: dict[str, Any] = {"who": "maria", "what": "click", "when": 1_790_000_000}


def problems_of(text: str, **fields: Any) -> list[str]:
    """Return what is wrong with a source that is the text and fields."""
    problems: list[str] = []
    read_source("web", {**tomllib.loads(text), **fields}, CHANNELS, problems)
    return problems


def source(text: str = "", **fields: Any) -> Source:
    """Read a source that is right: the fields above, the text, and further fields."""
    problems: list[str] = []
    found = read_source("web", {**FIELDS, **tomllib.loads(text), **fields}, CHANNELS, problems)
    assert problems == []
    assert found is not None
    return found


def read(value: Any, text: str = "", *, latest: int = LATEST, **fields: Any) -> list[Outcome]:
    """Read one value by a source; `kafka` among the fields is its record."""
    kafka = fields.pop("kafka", SimpleNamespace(key=None, headers=(), timestamp=None))
    return Mapping(source(text, **fields), orjson.loads).read(value, kafka, latest)


def said(outcomes: list[Outcome]) -> list[Any]:
    """Return of each event who did it, of the others what they are, each with its part."""
    return [(each.part, getattr(each, "customer", None) or getattr(each, "reason", None) or "-") for each in outcomes]
