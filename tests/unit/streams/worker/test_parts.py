"""The parts of a worker: none that goes by the policy misses a change of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass

import pytest

from streams.policies.in_force import Follower
from tests.unit.streams.bench import LINKING, Bench

PROFILES = '[profiles]\nsegment = "segment"\n'


def everything(part: object) -> Iterator[object]:
    """Give a part, and all that it is made of as far as dataclasses and mappings say."""
    yield part
    inner = [getattr(part, each.name) for each in fields(part)] if is_dataclass(part) else []
    for one in [*inner, *(part.values() if isinstance(part, Mapping) else ())]:
        yield from everything(one)


@pytest.fixture
def bench() -> Bench:
    """Give a worker with events, links and profiles."""
    return Bench(text=LINKING + PROFILES)


def test_all_parts_that_go_by_the_policy_follow_a_change(bench: Bench) -> None:
    parts = [part for part in everything(bench.parts) if isinstance(part, Follower) and part is not bench.store]
    told = bench.policies._followers

    assert {type(part).__name__ for part in parts} > {"Scorer", "FeedWatch", "Linker", "Decoder", "ProfileDecoder"}
    assert {id(part) for part in parts} == {id(part) for part in told}
    assert len(told) == len(parts)
