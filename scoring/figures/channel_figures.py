"""Figures of each channel: its points and its active customers, by the day.

Rests on decision 100.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from scoring.figures.measure_figures import MeasureSums
from scoring.instants import DAY
from scoring.policy.channels import NO_CAP
from scoring.policy.policy import Policy


@dataclass(frozen=True, slots=True)
class ChannelFigure:
    """The points, in millionths, that the events of a day bring by the weights of now, and the active customers.

    `active` are these by the name of the figure: those of the day, of the week and the month up to and with it, as far
    as the window reaches.
    """

    points: int
    active: Mapping[str, int]


def channel_figures(policy: Policy, sums: MeasureSums, day: int) -> dict[str, ChannelFigure]:
    """Give the figures of the channels of a day.

    Args:
        policy: in force, with figures by channel.
        sums: of measures.
        day: its number.

    Returns:
        By the name of the channel.
    """
    last = ((day + 1) * DAY - 1) // policy.pane
    # With panes of more than a day, the day on which a pane begins has all of it.
    panes = last - -(-day * DAY // policy.pane) + 1
    found = {}
    for channel, counted in zip(policy.channels, policy.counted, strict=True):
        points = 0
        for kind in (*channel.types, *channel.numbers):
            if kind.weight:
                count = sums.capped if kind.cap < NO_CAP else sums.total
                points += kind.uncapped(count(kind.code, panes, last))
        active = {name: sums.held(counted.earning, span, last) for name, span in policy.spans.items()}
        found[channel.name] = ChannelFigure(points, active)
    return found
