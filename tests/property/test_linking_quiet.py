"""Quiet hours across a link: they hold what would have been told, and drop only what has ended before they do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from scoring.customer.signals import Signal
from scoring.customer.state import CustomerState
from scoring.instants import DAY, HOUR
from scoring.judging.linking import merge
from scoring.judging.moment import Moment
from scoring.judging.walk import advance
from scoring.policy.policy import BANDS, Policy
from streams.policy_file.document import parse_policy
from tests.property import lives
from tests.property.lives import START, Happening, World
from tests.property.references import Reader

_GRID = 8


class Told(NamedTuple):
    """A signal as it was told: what it is called and about, when it was, and what it closes."""

    name: str
    about: str
    occurred_at: int
    ended: bool
    closes: tuple[int, ...]


class Story(NamedTuple):
    """A policy, a life, which of it came under the other id, when that is linked, and the quiet hours."""

    world: World
    tables: str
    life: Sequence[Happening]
    other: set[int]
    at: int
    quiet: tuple[int, int]


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """Draw events that wait for another, or for a band, and a link in between."""
    world = draw(lives.worlds())
    life = [
        each._replace(object=draw(st.sampled_from(["", "a", "b"]))) for each in draw(lives.lives(world, unique=True))
    ]
    waits = {
        "wait": 'without = ["web.buy", "web.leave"]',
        "band": f'without_band = "{draw(st.sampled_from(BANDS[2:]))}"',
    }
    waits["each"] = f'{waits["wait"]}\nobject = "object_id"'
    tables = '[signals.on]\non = ["web.buy", "social.post"]\n'
    for name, without in waits.items():
        within = draw(st.integers(1, _GRID * world.panes)) * world.pane // _GRID // 1_000_000
        tables += f'[signals.{name}]\nafter = ["web.view"]\n{without}\nwithin = "{within}s"\n'
    other = draw(st.sets(st.integers(0, len(life) - 1)))
    at = START + draw(st.integers(0, _GRID * (2 * world.panes + 3))) * world.pane // _GRID
    start = draw(st.integers(0, 23))
    return Story(world, tables, life, other, at, (start, (start + draw(st.integers(1, 23))) % 24))


def lived(policy: Policy, story: Story) -> list[Told]:
    """Judge two ids up to the link, the other one seldom, and then the customer whose they both are."""
    reader, (one, other) = Reader(policy), (CustomerState(), CustomerState())
    raised: list[object] = []
    for number, each in enumerate(story.life):
        if each.time <= story.at:
            state = other if number in story.other else one
            raised += advance(policy, state, reader.read([each]), Moment(each.time)).transitions
    both = merge(policy, ("one", one), ("other", other), Moment(story.at))
    raised += [*both.linked, *both.own]
    for each in story.life:
        if each.time > story.at:
            raised += advance(policy, one, reader.read([each]), Moment(each.time)).transitions
    last = max(story.at, *[each.time for each in story.life])
    raised += advance(policy, one, (), Moment(last + 2 * story.world.panes * story.world.pane + 2 * DAY)).transitions
    signals = [each for each in raised if isinstance(each, Signal)]
    waited = {rule.name: rule.without_band for rule in policy.signals if rule.name == "band"}
    for signal in signals:
        assert signal.name != "band" or signal.ended or signal.band < waited["band"]
    return sorted(
        Told(
            each.name,
            each.about,
            each.occurred_at,
            each.ended,
            tuple(sorted([report.occurred_at for report in each.earlier])) if each.ended else (),
        )
        for each in signals
    )


def held_back(told: Sequence[Told], quiet: tuple[int, int]) -> Iterator[Told]:
    """Give what is told where quiet hours hold: not what has ended before they do."""
    untold = set()
    for end in told:
        for raised in end.closes:
            until = _quiet_until(raised, *quiet)
            # At one time a boundary goes first, then the end of quiet hours, then an event; which it was is not known.
            assume(end.occurred_at != until)
            if end.occurred_at < until:
                untold.add((end.name, end.about, raised))
    for each in told:
        closes = tuple([raised for raised in each.closes if (each.name, each.about, raised) not in untold])
        if closes if each.ended else (each.name, each.about, each.occurred_at) not in untold:
            yield each._replace(closes=closes)


def _quiet_until(time: int, start: int, end: int) -> int:
    """Give the end of the quiet hours in which a time lies, 0 where it lies in none."""
    hour, day = time % DAY // HOUR, time // DAY * DAY
    inside = start <= hour < end if start < end else hour >= start or hour < end
    return (day + end * HOUR + (DAY if hour >= end else 0)) if inside else 0


@given(stories())
@settings(max_examples=200, deadline=None)
def test_quiet_hours_hold_across_a_link_what_would_have_been_told(story: Story) -> None:
    text = f"{story.world.with_long_memory}\n[identities]\n{story.tables}"
    hours = 'quiet = "{:02}:00-{:02}:00"'.format(*story.quiet)
    plain = lived(parse_policy(text), story)
    quiet = lived(parse_policy(re.sub(r"(\[signals\.\w+\])", rf"\1\n{hours}", text)), story)

    expected = sorted(held_back(plain, story.quiet))
    event(f"some is never told: {len(expected) < len(plain)}")
    assert quiet == expected
