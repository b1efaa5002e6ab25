"""The names of unknown types: counted within bounds, and the type that was probably meant."""

from __future__ import annotations

import pytest

from scoring.events.unknown_names import LONGEST_NAME, MOST_NAMES, UnknownNames, nearest

KNOWN = ["page_view", "purchase", "add_to_cart", "open", "click"]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("Purchase", "purchase"),
        ("PAGE-VIEW", "page_view"),
        ("pageView", "page_view"),
        ("add to cart", "add_to_cart"),
        ("opend", "open"),
        ("purchased", "purchase"),
        ("invoice", ""),
        ("", ""),
        ("☃", ""),
    ],
)
def test_the_type_that_was_probably_meant_is_found(name: str, meant: str) -> None:
    assert nearest(name, KNOWN) == meant


def test_counts_are_given_once() -> None:
    names = UnknownNames()
    for _ in range(3):
        names.note("web", "View")
    names.note("email", "View")
    assert names.take() == {("web", "View"): 3, ("email", "View"): 1}
    assert names.take() == {}


def test_endless_and_long_names_take_bounded_room() -> None:
    names = UnknownNames()
    for number in range(10 * MOST_NAMES):
        names.note("web", f"{number}".zfill(1_000)[::-1])
    names.note("email", "View")
    taken = names.take()
    assert len(taken) == MOST_NAMES + 2
    assert taken["web", ""] == 9 * MOST_NAMES
    assert max(len(kind) for _, kind in taken) == LONGEST_NAME
    assert sum(taken.values()) == 10 * MOST_NAMES + 1
