"""The tables of a policy file that hold rules of their own: what is left out there is as for all customers.

Rests on decision 19.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from scoring.policy.channels import Channel
from streams.policy_file.builtin import BUILTIN_POLICY
from streams.policy_file.table import Table, given
from streams.policy_file.words import Caps, Points, Weights

Document = Mapping[str, Any]


class OwnBands(Table):
    """Lower bounds of bands that differ, in points."""

    disengaged: Points | None = given(None, "lower bound; below it a customer is at_risk")
    engaged: Points | None = given(None, "lower bound; below it a customer is churning")
    highly_engaged: Points | None = given(None, "lower bound")
    power: Points | None = given(None, "lower bound")


class OwnChannel(Table):
    """What of a channel differs."""

    weights: Weights = given({}, "points by event type")
    cap: Caps = given({}, "by event type, how many count in one pane")


def check_channels(
    where: str, own: Mapping[str, OwnChannel], channels: Iterable[Channel], unknown_type: str, problems: list[str]
) -> None:
    """Refuse channels and types that the policy does not have.

    Args:
        where: the place of the table in the file.
        own: what it says of channels.
        channels: of the policy.
        unknown_type: the problem with a type that a channel does not weigh.
        problems: what is wrong is added.
    """
    known = {channel.name: {kind.name for kind in channel.types} for channel in channels}
    for name, table in own.items():
        here = f"{where}.channels.{name}"
        if name not in known:
            problems.append(f"{here}: the policy has no such channel")
            continue
        problems += [
            f"{here}.{key}.{kind}: {unknown_type}"
            for key, content in (("weights", table.weights), ("cap", table.cap))
            for kind in content
            if kind not in known[name]
        ]


def channels_with(
    document: Document, own: Document, prepare: Callable[[Document], Document] = lambda table: table
) -> Document:
    """Give the tables of all channels, with what is said of some.

    Args:
        document: of the file; without channels it has the built-in ones.
        own: weights and caps by channel.
        prepare: makes of a channel's table for all customers the one that is added to.

    Returns:
        The tables by channel.
    """
    tables: Document = document.get("channels", tomllib.loads(BUILTIN_POLICY)["channels"])
    return {name: _with(prepare(table), own.get(name, {})) for name, table in tables.items()}


def _with(table: Document, own: Document) -> Document:
    return {**table, **{key: {**table.get(key, {}), **content} for key, content in own.items()}}
