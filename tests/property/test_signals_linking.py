"""Signals of two ids that become one customer: what waits or is open under either goes on, and is told once."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.customer.signals import Signal
from scoring.customer.state import CustomerState
from scoring.judging.linking import merge
from scoring.judging.moment import Moment
from scoring.judging.walk import advance
from streams.policy_file.document import parse_policy
from tests.property import lives
from tests.property.lives import START, Happening, World
from tests.property.references import Reader, raw_events
from tests.reference import brute_force
from tests.reference.brute_force import Event, duration
from tests.reference.signals import Told, signals

_GRID = 8


@st.composite
def stories(draw: st.DrawFn) -> tuple[World, str, list[Happening], set[int], int]:
    """Draw a policy with events that wait, a life, which of it came under the other id, and the time of the link."""
    world = draw(lives.worlds())
    life = [
        happening._replace(object=draw(st.sampled_from(["", "a", "b"])))
        for happening in draw(lives.lives(world, unique=True))
    ]
    tables = '[signals.on]\non = ["web.buy", "social.post"]\n'
    for name, about in (("wait", ""), ("each", 'object = "object_id"\n')):
        within = draw(st.integers(1, _GRID * world.panes)) * world.pane // _GRID // 1_000_000
        tables += f'[signals.{name}]\nafter = ["web.view"]\nwithout = ["web.buy", "web.leave"]\nwithin = "{within}s"\n'
        tables += about
    other = draw(st.sets(st.integers(0, len(life) - 1)))
    at = START + draw(st.integers(0, _GRID * (2 * world.panes + 3))) * world.pane // _GRID
    return world, tables, life, other, at


def lived(
    text: str, parts: Sequence[Sequence[Happening]], rest: Sequence[Happening], at: int, until: int
) -> list[Told]:
    """Judge two ids up to the link, and then the customer whose they both are."""
    policy = parse_policy(text)
    reader, states = Reader(policy), [CustomerState() for _ in parts]
    told: list[object] = []
    for state, part in zip(states, parts, strict=True):
        for each in part:
            told += advance(policy, state, reader.read([each]), Moment(each.time)).transitions
        told += advance(policy, state, (), Moment(at)).transitions
    one, other = states
    told += merge(policy, ("one", one), ("other", other), Moment(at)).own
    for each in rest:
        told += advance(policy, one, reader.read([each]), Moment(each.time)).transitions
    told += advance(policy, one, (), Moment(until)).transitions
    return sorted(
        [
            Told(each.name, each.occurred_at, each.ended, _closed(each) if each.ended else ())
            for each in told
            if isinstance(each, Signal)
        ]
    )


def _closed(signal: Signal) -> tuple[int, ...]:
    return tuple(sorted([report.occurred_at for report in signal.earlier]))


def _is(event: Event, names: list[str]) -> bool:
    return f"{event.channel}.{event.type}" in names


def _runs(starts: Sequence[int], answers: Sequence[int], within: int) -> Iterator[tuple[int, bool]]:
    """Give the waits one after the other: when each began, and whether it was answered."""
    begun = -1
    for start in starts:
        if start >= begun:
            answered = [time for time in answers if start <= time < start + within]
            begun = min(answered) + 1 if answered else start + within
            yield start, bool(answered)


def after_the_link(
    name: str, table: dict[str, Any], parts: Sequence[Sequence[Event]], rest: Sequence[Event], at: int, until: int
) -> Iterator[Told]:
    """Return what becomes of one object, or of all, after the link."""
    within, open_reports, pending = duration(table["within"]), [], []
    answered_at = max([event.time for part in parts for event in part if _is(event, table["without"])], default=-1)
    for part in parts:
        answers = [event.time for event in part if _is(event, table["without"])]
        for start, answered in _runs([event.time for event in part if _is(event, table["after"])], answers, within):
            if not answered and start + within > at:
                pending += [start] if start > answered_at else []
            elif not answered and not any(start + within <= time for time in answers):
                open_reports.append(start + within)
    starts = [*sorted(pending)[:1], *[event.time for event in rest if _is(event, table["after"])]]
    answers = [event.time for event in rest if _is(event, table["without"])]
    raised = [start + within for start, answered in _runs(starts, answers, within) if not answered]
    for time in raised:
        if time <= until:
            yield Told(name, time)
    waiting = [*open_reports, *raised]
    for time in answers:
        closes = tuple(sorted([each for each in waiting if each <= time]))
        if closes:
            yield Told(name, time, ended=True, closes=closes)
            waiting = [each for each in waiting if each > time]


@given(stories())
@settings(max_examples=200, deadline=None)
def test_what_waits_or_is_open_under_either_id_goes_on(
    story: tuple[World, str, list[Happening], set[int], int],
) -> None:
    world, tables, life, other, at = story
    text = f"{world.with_long_memory}[identities]\n{tables}"
    until = max(at, *[each.time for each in life]) + 2 * world.panes * world.pane
    known = [(number in other, each) for number, each in enumerate(life) if each.time <= at]
    parts = [[each for of_other, each in known if of_other == which] for which in (False, True)]
    rest = [each for each in life if each.time > at]

    policy, found = brute_force.parse_policy(world.text), tomllib.loads(tables)["signals"]
    raw, raw_rest = [raw_events(part) for part in parts], raw_events(rest)
    expected = [told for part in raw for told in signals(part, tables, policy, at)]
    expected += signals(raw_rest, '[signals.on]\non = ["web.buy", "social.post"]', policy, until)
    for name, about in (("wait", [None]), ("each", ["", "a", "b"])):
        for thing in about:
            mine = [[each for each in part if thing is None or each.object == thing] for part in [*raw, raw_rest]]
            expected += after_the_link(name, found[name], mine[:2], mine[2], at, until)
    assert lived(text, parts, rest, at, until) == sorted(expected)
