"""Ids that become one customer: no message names, as its episode or as closed, one that was not published before."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from hypothesis import event, given, settings
from hypothesis import strategies as st

from scoring.customer.state import CustomerState
from scoring.events.event import Event
from scoring.instants import DAY
from scoring.judging.alerts import BandChange, Transition, message
from scoring.judging.linking import merge
from scoring.judging.moment import Moment
from scoring.judging.walk import advance
from scoring.policy.policy import Policy
from scoring.policy.shadow import shadow_problems, with_shadow
from scoring.rules.absence import AbsenceRule, SegmentClock
from streams.policy_file.document import parse_policy
from streams.store.fields.customer_reading import decode
from streams.store.fields.customer_writing import encode
from streams.store.protocol import CustomerRecord
from tests.property import lives
from tests.property.lives import START, Happening, World
from tests.property.references import Reader
from tests.property.test_signals import rules

_GRID = 8
_ABSENT = AbsenceRule(margin=1, members_within=3, memory=5, least_members=1)
_NAMES = ("anna", "cookie", "phone")


class Story(NamedTuple):
    """A policy, a life, by which id each of it was done, when each id is linked, and when each is looked at."""

    policy: Policy
    life: Sequence[Happening]
    names: Sequence[str]
    links: Sequence[tuple[int, str]]
    looks: Sequence[tuple[int, str]]
    clock: SegmentClock

    @property
    def until(self) -> int:
        """The time of the last look."""
        return max([time for time, _ in (*self.links, *self.looks)] + [each.time for each in self.life])


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """Draw a life under several ids, looked at seldom, so that much comes to pass unseen before a link."""
    world = draw(lives.worlds(pane=draw(st.sampled_from([0, DAY]))))
    text = f"{world.with_long_memory}\n[identities]\n{_signals(draw, world)}"
    policy = parse_policy(text)
    if draw(st.booleans()):
        shadow = parse_policy(f"{text.replace('drawn', 'tried')}")
        assert shadow_problems(policy, shadow) == []
        policy = with_shadow(policy, shadow)
    if world.pane == DAY:
        policy = replace(policy, absence=_ABSENT)
    life = [
        each._replace(object=draw(st.sampled_from(["", "a"])))
        for each in draw(
            st.sampled_from([lives.lives(world), lives.lives(world, unique=True)]).flatmap(lambda one: one)
        )
    ]
    tick = st.integers(0, _GRID * (3 * world.panes + 3)).map(lambda number: START + number * world.pane // _GRID)
    readings = [0]
    for passed in draw(st.lists(st.sampled_from([0, 500_000, 1_000_000]), min_size=25, max_size=25)):
        readings.append(readings[-1] + passed)
    return Story(
        policy,
        life,
        [draw(st.sampled_from(_NAMES)) for _ in life],
        [(draw(tick), name) for name in _NAMES[1:]],
        draw(st.lists(st.tuples(tick, st.sampled_from(_NAMES)), max_size=8)),
        SegmentClock(START // DAY, readings),
    )


def _signals(draw: st.DrawFn, world: World) -> str:
    """Draw signals, one of which often waits for an answer, and quiet hours, which often hold several of one signal."""
    within = draw(st.integers(1, 4)) * world.pane // _GRID // 1_000_000
    cart = f'[signals.cart]\nafter = ["web.view", "social.post"]\nwithout = ["web.buy"]\nwithin = "{within}s"\n'
    hours = draw(st.sampled_from([0, 12, 22, 23]))
    start = draw(st.integers(0, 23))
    quiet = f'quiet = "{start:02}:00-{(start + hours) % 24:02}:00"' if hours else ""
    return re.sub(r"(\[signals\.\w+\])", rf"\1\n{quiet}", cart + draw(rules(world)))


class Service:
    """Judges ids, links them, and publishes what is raised."""

    def __init__(self, policy: Policy, clock: SegmentClock) -> None:
        """Begin with nobody."""
        self._policy, self._clock, self._reader = policy, clock, Reader(policy)
        self._states = {name: CustomerState() for name in _NAMES}
        self._owners = {name: name for name in _NAMES}
        self.published: list[str] = []

    def take(self, name: str, now: int, happenings: Iterable[Happening] = ()) -> None:
        """Judge whose id it is by now, with what was done under the id."""
        owner = self._owners[name]
        events: Sequence[Event] = self._reader.read(happenings)
        state = self._stored(owner)
        self._publish(owner, advance(self._policy, state, events, self._moment(now)).transitions)

    def link(self, name: str, now: int) -> None:
        """Make an id that of the first customer."""
        mine, theirs = (_NAMES[0], self._stored(_NAMES[0])), (name, self._stored(name))
        raised = merge(self._policy, mine, theirs, self._moment(now))
        self._owners[name] = _NAMES[0]
        self._publish(name, raised.linked)
        self._publish(_NAMES[0], raised.own)

    def _moment(self, now: int) -> Moment:
        return Moment(now, clocks={"": self._clock.until(now // DAY)})

    def _stored(self, name: str) -> CustomerState:
        """Write a state and read it back, as between two rounds."""
        words = encode(self._policy, CustomerRecord(self._states[name]), "v")[0]
        self._states[name] = decode(self._policy, dict(zip(words[::2], words[1::2], strict=True))).state
        return self._states[name]

    def _publish(self, name: str, transitions: Iterable[Transition]) -> None:
        for each in transitions:
            if isinstance(each, BandChange):
                continue
            body = message(name, each, each.occurred_at, "v")
            own = body.get("alert_id") or body["signal_id"]
            if body.get("closes"):
                event("closes one of another id" if self._owners[_NAMES[1]] == name == _NAMES[0] else "closes")
            assert set(body.get("closes", ())) <= set(self.published), body
            assert body.get("episode_id", own) in {own, *self.published}, body
            self.published.append(own)


@given(stories())
@settings(max_examples=200, deadline=None)
def test_what_a_message_closes_or_goes_on_with_was_published_before(story: Story) -> None:
    service = Service(story.policy, story.clock)
    deeds = [(each.time, 0, name, each) for each, name in zip(story.life, story.names, strict=True)]
    steps = [
        *deeds,
        *[(at, 1, name, None) for at, name in story.links],
        *[(at, 2, name, None) for at, name in story.looks],
    ]
    for at, kind, name, happening in sorted(steps, key=lambda step: step[:3]):
        if kind == 1:
            service.link(name, at)
        else:
            service.take(name, at, [happening] if happening is not None else ())
    for end in range(1, 3):
        service.take(_NAMES[0], story.until + end * 10 * DAY)
