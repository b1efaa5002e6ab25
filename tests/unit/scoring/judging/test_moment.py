"""The moment as of which is judged: what a later one keeps."""

from __future__ import annotations

from scoring.feeds.feeds import Feeds
from scoring.judging.moment import Moment
from scoring.rules.absence import SegmentClock
from tests.unit.scoring.customers import policy_with

FULL = Moment(
    100, 150, Feeds(policy_with(), {}), {"": SegmentClock(0, [0])}, arrived=120, least={("web", 0): 7}, erasures=3
)


def facts(moment: Moment) -> dict[str, object]:
    """Give all that a moment says but its times."""
    return {name: getattr(moment, name) for name in ("feeds", "clocks", "arrived", "least", "erasures")}


def test_a_later_moment_keeps_all_else_that_is_known() -> None:
    later = FULL.not_before(130)

    assert (later.now, later.horizon) == (130, 150)
    assert facts(later) == facts(FULL)
    assert all(facts(FULL).values())


def test_a_moment_that_is_late_enough_is_the_same_one() -> None:
    assert FULL.not_before(100) is FULL
    assert FULL.not_before(99) is FULL


def test_the_horizon_is_never_before_the_time() -> None:
    assert Moment(100).horizon == Moment(100, 50).horizon == 100
    assert FULL.at(200).horizon == 200
