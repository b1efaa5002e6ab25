"""Funnels: how far a customer comes, by the panes of the steps."""

from __future__ import annotations

import pytest

from scoring.rules.funnels import Funnel, depth_at, depths
from scoring.rules.tally import funnel_name

STEPS = (("view",), ("cart", "list"), ("buy",))


def panes(**of_type: list[int]) -> dict[int, dict[str, int]]:
    """Give counts by pane, from the panes in which each type happened."""
    found: dict[int, dict[str, int]] = {}
    for kind, some in of_type.items():
        for pane in some:
            found.setdefault(pane, {})[kind] = 1
    return found


@pytest.mark.parametrize(
    ("within", "happened", "passed"),
    [
        (3, panes(view=[1], cart=[2], buy=[3]), {1: 3}),
        (3, panes(view=[1], cart=[2], buy=[4]), {1: 2}),
        (3, panes(view=[1], cart=[3], buy=[2]), {1: 2}),
        (3, panes(view=[2], cart=[1], buy=[3]), {2: 1}),
        (3, panes(view=[1], list=[1], buy=[1]), {1: 3}),
        (3, panes(view=[1, 3], cart=[2, 3], buy=[4]), {1: 2, 3: 3}),
        (9, panes(view=[1], cart=[0, 5], buy=[2, 4, 6]), {1: 3}),
        (1, panes(view=[1], cart=[2]), {1: 1}),
        (3, panes(cart=[1], buy=[2]), {}),
    ],
)
def test_steps_follow_each_other_in_the_same_pane_or_a_later_one_within_the_time_of_the_first(
    within: int, happened: dict[int, dict[str, int]], passed: dict[int, int]
) -> None:
    assert depths(STEPS, within, happened) == passed


def test_what_has_been_taken_back_is_no_step() -> None:
    assert depths(STEPS, 3, {1: {"view": 1, "cart": 0}, 2: {"cart": -1}}) == {1: 1}


def test_at_a_moment_only_what_lies_within_the_time_up_to_it_counts() -> None:
    funnel = Funnel("checkout", STEPS, 3)
    happened = panes(view=[1, 4], cart=[2, 5], buy=[3, 9])
    assert [depth_at(funnel, happened, present) for present in range(1, 8)] == [1, 2, 3, 1, 2, 2, 0]


def test_funnels_of_other_steps_have_other_names() -> None:
    assert funnel_name((("view",), ("cart",), ("buy",)), 3, 7) != funnel_name((("view",), ("buy", "cart")), 3, 7)
    assert funnel_name(STEPS, 3, 7) == funnel_name((("view",), ("list", "cart"), ("buy",)), 3, 7)
