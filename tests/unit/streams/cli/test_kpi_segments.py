"""The figures of segments side by side, for `engagement kpi --segments`."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from scoring.events.event import Event
from scoring.instants import DAY
from scoring.judging.moment import Moment
from scoring.judging.walk import advance
from scoring.policy.policy import Policy
from scoring.rules.details import PROFILE, Detail
from streams.cli.kpi_segments import segment_figures
from streams.policy_file.document import parse_policy
from streams.store.memory.store import MemoryStore
from streams.upkeep.figure_report import PERIOD, figures_of
from streams.views.segment_table import segment_table
from tests.contract.records import engaged, write_all
from tests.unit.scoring.customers import POLICY, at

NOON = at("02 12:00")
LAST = NOON // DAY
SEGMENTED = parse_policy(
    f"""{POLICY}
[profiles]
segment = "plan"
[measures.posts]
kind = "count"
of = ["social.post"]
over = "2d"
[kpi]
by_channel = true
by_band = true
"""
)


async def three_customers(policy: Policy) -> MemoryStore:
    """Store two customers with the plan pro and one with free."""
    store = MemoryStore(policy)
    who = {"anna": ("pro", 3, "01 09:00"), "ben": ("free", 1, "01 09:00"), "cleo": ("pro", 12, "02 09:00")}
    for name, (plan, posts, when) in who.items():
        record = engaged(posts, when)[1]
        await write_all(store, {name: record})
        [record] = await store.load([name])
        advance(policy, record.state, [Event(NOON, PROFILE, "", Detail((), "", plan))], Moment(NOON))
        await write_all(store, {name: record})
    return store


async def side_by_side(store: Any, policy: Policy) -> dict[str, dict[str, str]]:
    """Read the figures of the month that ends with the last day."""
    return await segment_figures(store, policy, LAST - PERIOD + 1, LAST, NOON)


async def test_each_segment_has_the_figures_of_its_own_customers() -> None:
    store = await three_customers(SEGMENTED)
    found = await side_by_side(store, SEGMENTED)
    assert list(found) == ["free", "pro"]
    told = {name: [each[name] for each in found.values()] for name in found["pro"]}
    assert (told["customers"], told["daily_active"], told["monthly_active"]) == (["1", "2"], ["0", "1"], ["1", "2"])
    assert (told["measure:posts"], told["measure:posts:average"]) == (["1", "15"], ["1", "7.5"])
    assert told["channel:social:points"] == ["0", "24"]


async def test_they_are_those_that_are_published() -> None:
    store = await three_customers(SEGMENTED)
    found = await side_by_side(store, SEGMENTED)
    for segment, figures in found.items():
        published = await figures_of(SEGMENTED, store, segment, NOON)
        assert figures == {name: value for name, value in published.items() if name[:5] != "flow:"}


async def test_the_table_has_the_largest_segment_first_and_says_where_nothing_is() -> None:
    figures = await side_by_side(await three_customers(SEGMENTED), SEGMENTED)
    output = io.StringIO()
    Console(file=output, width=100, color_system=None).print(segment_table(figures))
    lines = [line.split() for line in output.getvalue().splitlines()]
    assert lines[0] == ["by", "segment", "pro", "free"]
    assert ["posts", "15", "1"] in lines
    assert ["retention", "-", "-"] in lines
    assert not [line for line in lines if line[:1] == ["day"] or line[0].startswith("band:")]


async def test_of_many_segments_the_table_has_eight() -> None:
    figures = {f"s{number:02}": {"customers": str(number)} for number in range(1, 11)}
    output = io.StringIO()
    Console(file=output, width=200, color_system=None).print(segment_table(figures))
    assert output.getvalue().splitlines()[0].split()[2:] == [f"s{number:02}" for number in range(10, 2, -1)]
