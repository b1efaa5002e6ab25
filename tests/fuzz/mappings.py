"""Random sources on random records, by their fields and as a whole, against the second reading of the rules."""

from __future__ import annotations

import copy
import json
from collections import Counter
from typing import Any

import orjson
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st

from streams.cli.source_lines import WrittenRecord
from streams.ingest.source_reading import SourceReader
from tests.property.mappings import LATEST, likely, line, records, several, source_of, tables
from tests.reference.mappings import Table, read_record

_TOGETHER = 10


def run(sources: int, seed: int, *, shrink: bool = True) -> Counter[str]:
    """Read some records by each of many sources.

    Args:
        sources: how many.
        seed: the same draws the same.
        shrink: whether an example that shows a difference is made as small as may be.

    Returns:
        How many parts came to which end.

    Raises:
        AssertionError: if the product and the second reading do not agree, with an example.
    """
    ends: Counter[str] = Counter()

    @seeded(seed)
    @settings(
        max_examples=sources,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink) if shrink else (Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(likely | tables | several, st.lists(records, min_size=1, max_size=_TOGETHER))
    def read(table: Table, drawn: list[Any]) -> None:
        reader = SourceReader(source_of(table))
        for record in drawn:
            ends.update(compare(reader, table, record))

    read()
    return ends


def compare(reader: SourceReader, table: Table, record: Any) -> list[str]:
    """Compare what a record becomes, from its bytes, with what it should.

    Args:
        reader: of the source.
        table: the source as it is written.
        record: what its value decodes to.

    Returns:
        The end of each part.
    """
    written = WrittenRecord(None, orjson.dumps(record))
    found = [line(outcome) for outcome in reader.read(written, LATEST)]
    wanted = read_record({"types": {}, **table}, copy.deepcopy(record))
    assert json.dumps(found, sort_keys=True) == json.dumps(wanted, sort_keys=True), (table, record)
    return [
        end.get("dead_letter") or next(name for name in ("skipped", "link", "customer_id") if name in end)
        for end in found
    ]
