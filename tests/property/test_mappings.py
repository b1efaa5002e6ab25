"""Random sources on random records say the same as a second, slow reading of the rules."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings

from tests.property.mappings import compare, likely, records, several, tables
from tests.reference.mappings import Table


@settings(max_examples=300, deadline=None)
@given(likely | tables, records)
def test_a_random_source_reads_a_random_record_as_the_rules_say(table: Table, record: Any) -> None:
    compare(table, record)


@settings(max_examples=150, deadline=None)
@given(several, records)
def test_several_readings_say_the_same_too(table: Table, record: Any) -> None:
    compare(table, record)
