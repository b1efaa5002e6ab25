"""Whose an id is, from the links alone: the first link of an id holds, unless it closes a circle."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

Link = tuple[str, str]


def links_that_hold(links: Iterable[Link]) -> dict[str, str]:
    """Choose the links that count, as they were sent: by id, the customer that it names."""
    held: dict[str, str] = {}
    for name, customer in links:
        if name not in held and customer_of(customer, held) != name:
            held[name] = customer
    return held


def customer_of(name: str, held: Mapping[str, str]) -> str:
    """Follow the links from an id to the customer at their end."""
    while name in held:
        name = held[name]
    return name
