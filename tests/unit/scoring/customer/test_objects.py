"""What is remembered of objects, and how much of it."""

from __future__ import annotations

import pytest

from scoring.customer.objects import MOST_ACTIONS, MOST_OBJECTS, Objects
from scoring.instants import DAY, SECOND
from scoring.policy.channels import type_code
from scoring.rules.pairing import Action
from tests.unit.scoring.rules.test_pairing import LIKE, PAIRED, UNLIKE, anna, counts, events

LIKED = type_code("feed", "like")


def remembered(*times: int, objects: int = 1) -> Objects:
    """Give some objects, each with an action at each of the times."""
    found = Objects()
    for number in range(objects):
        found.keep(f"{number:010}", [Action(time, LIKED) for time in times])
    return found


@pytest.mark.parametrize(
    "history",
    [
        [Action(0, LIKED)],
        [Action(1, LIKED), Action(2**55, LIKED, (("$abc", -5), ("^def", 2**100)))],
        [Action(time, LIKED) for time in (3, 3, 4)],
    ],
)
def test_a_history_comes_back_as_it_was_kept(history: list[Action]) -> None:
    objects = Objects()
    assert objects.keep("a", history[::-1]) == 0
    assert Objects(objects.histories).history("a") == history
    assert objects.history("b") == []
    assert objects.touched == {"a"}


def test_four_actions_on_an_object_stay_compact() -> None:
    objects = remembered(*[at * SECOND for at in (1, 2, 3, 2**30)])
    assert max(map(len, objects.histories.values())) <= 64


def test_actions_are_forgotten_with_their_time() -> None:
    objects = remembered(1 * DAY, 2 * DAY, 3 * DAY, objects=2)
    objects.keep("new", [Action(9 * DAY, LIKED)])
    objects.touched.clear()
    objects.forget(DAY)
    assert objects.touched == set()
    objects.forget(2 * DAY)
    assert [action.time for action in objects.history("0000000000")] == [2 * DAY, 3 * DAY]
    objects.forget(3 * DAY + 1)
    assert list(objects.histories) == ["new"]
    assert objects.touched == {"0000000000", "0000000001"}


def test_of_too_many_actions_on_an_object_the_oldest_is_forgotten() -> None:
    objects = remembered(*range(MOST_ACTIONS))
    history = [*objects.history("0000000000"), Action(MOST_ACTIONS, LIKED)]
    assert objects.keep("0000000000", history) == 1
    assert objects.history("0000000000") == history[1:]


def test_of_too_many_objects_those_untouched_for_the_longest_time_are_forgotten() -> None:
    objects = Objects()
    for number in range(MOST_OBJECTS):
        assert objects.keep(f"{number:010}", [Action(0, LIKED), Action(MOST_OBJECTS - number, LIKED)]) == 0
    forgotten = objects.keep("new", [Action(2 * MOST_OBJECTS, LIKED)])
    assert forgotten == 2 * (MOST_OBJECTS + 1 - len(objects.histories))
    assert MOST_OBJECTS // 2 < len(objects.histories) < MOST_OBJECTS
    assert {"0000000000", "new"} < set(objects.histories)
    assert f"{MOST_OBJECTS - 1:010}" not in objects.histories
    assert f"{MOST_OBJECTS - 1:010}" in objects.touched


def test_what_had_to_be_forgotten_is_counted_and_keeps_what_it_counts() -> None:
    rows = [("feed.like", "01 09:00", f"photo {number}") for number in range(MOST_OBJECTS + 1)]
    customer = anna(*rows[:-1])
    outcome = customer.judge("03 00:00", *events(rows[-1], UNLIKE, LIKE))
    assert outcome.crowded > 0
    assert counts(customer, "01") == {"like": len(rows)}
    assert len(customer.state.objects.histories) <= MOST_OBJECTS
    assert PAIRED.paired[LIKED].key == "object_id"
