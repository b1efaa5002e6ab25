"""A history that is judged for a comparison raises the alerts that the brute force finds, chunk by chunk or at once."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.instants import format_instant
from streams.backtest.alert_comparison import History
from streams.policy_file.document import parse_policy
from tests.property import lives
from tests.property.lives import Happening, World
from tests.property.references import CUSTOMER, by_brute_force

Told = tuple[World, list[Happening], int]


@st.composite
def told(draw: st.DrawFn) -> Told:
    """Draw a policy, a life, and how many happenings a chunk has."""
    world = draw(lives.worlds())
    return world, draw(lives.lives(world, unique=True)), draw(st.integers(1, 12))


@given(told())
@settings(max_examples=150, deadline=None)
def test_the_alerts_of_a_history_are_those_of_the_brute_force(drawn: Told) -> None:
    world, life, size = drawn
    history = History(parse_policy(world.with_long_memory))
    for start in range(0, len(life), size):
        history.apply([_line(each) for each in life[start : start + size]], 1 << 60)
    history.finish()

    expected = by_brute_force(world, life, life[-1].time).alerts
    found = [(format_instant(alert.occurred_at), alert.kind) for alert in sorted(history.alerts)]
    # A drop and a deeper one at the same instant are one for the comparison.
    assert found == sorted({(alert["occurred_at"], alert["kind"]) for alert in expected})


def _line(happening: Happening) -> tuple[str, object]:
    value = {
        "customer_id": CUSTOMER,
        "type": happening.type,
        "timestamp": format_instant(happening.time),
        "event_id": happening.event_id,
    }
    return happening.channel, value
