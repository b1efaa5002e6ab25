"""Silent feeds beside linked ids: what waits under either id goes on, and is told once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from hypothesis import event, given, settings
from hypothesis import strategies as st

from scoring.customer.signals import Signal
from scoring.customer.state import CustomerState
from scoring.instants import MINUTE
from scoring.judging.alerts import Alert, BandChange, Transition
from scoring.judging.linking import merge
from scoring.judging.moment import Moment
from scoring.judging.walk import advance
from scoring.policy.policy import BANDS
from streams.policy_file.document import parse_policy
from tests.property.lives import START, Happening, Step, World
from tests.property.references import Reader
from tests.property.silences import Told, by_definition_linked
from tests.property.test_signals_silences import weights_of_twin
from tests.property.test_silences import Draw, Story, known, stored_and_loaded
from tests.reference.feeds import Feed

_GRID = 8
_KINDS = [
    ("web", "view"),
    ("web", "buy"),
    ("web", "leave"),
    ("social", "post"),
    ("social", "block"),
    ("web", "unheard"),
]


class Linked(NamedTuple):
    """A life beside feeds, what of it came under the other id, and when that is linked; nothing does so afterwards."""

    story: Story
    life: list[Happening]
    other: set[int]
    at: int
    until: int


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Draw a policy by which one event or two make a customer engaged."""
    minutes, panes = draw(st.sampled_from([8, 1440])), draw(st.integers(1, 3))
    engaged = draw(st.integers(1, 6))
    cooldown = draw(st.sampled_from([0, 0, 8, 24])) * minutes // _GRID * 60 + 7
    warning = draw(st.sampled_from([0, 0, 4, _GRID * panes - 1])) * minutes // _GRID
    text = f"""
version = "drawn"
[window]
length = "{minutes * panes}m"
pane = "{minutes}m"
trend = "0m"
[bands]
disengaged = 0
engaged = {engaged}
highly_engaged = {engaged + 5}
power = 30
[alerts]
rearm_margin = {draw(st.integers(0, 3))}
cooldown = "{cooldown}s"
warn_before = "{warning}m"
[clock]
lateness = "0s"
[channels.web]
topic = "web"
weights = {{ view = 2, buy = 5, leave = -4 }}
[channels.social]
topic = "social"
weights = {{ post = 5, block = -3 }}
"""
    return World(text, minutes * MINUTE, panes)


@st.composite
def linked(draw: st.DrawFn) -> Linked:
    """Draw a life under two ids, either of which may have nothing before the link: most of it a window before that."""
    world = draw(worlds())
    window = _GRID * world.panes
    early = draw(st.lists(st.integers(0, 2 * _GRID), min_size=1, max_size=8))
    link = max(early) // _GRID * _GRID + window + draw(st.integers(0, 2 * _GRID))
    late = draw(st.one_of(st.just([]), st.lists(st.integers(_GRID, link + 2 * window), max_size=6)))
    life = [
        Happening(START + tick * world.pane // _GRID, *draw(st.sampled_from(_KINDS)), str(number))
        for number, tick in enumerate(sorted({*early, *late}))
    ]
    feeds, text = {}, world.text
    for channel in draw(st.sampled_from([("web",), ("social",), ("web", "social"), ("web", "social")])):
        others = draw(st.lists(st.integers(link, link + 2 * window), max_size=4))
        times = [START + tick * world.pane // _GRID for tick in others]
        silent_after = draw(st.integers(1, _GRID)) * world.pane // _GRID
        feeds[channel] = Feed(silent_after, sorted([*times, *[each.time for each in life if each.channel == channel]]))
        line = f'[channels.{channel}]\nsilence_after = "{silent_after // 1_000_000}s"'
        text = text.replace(f"[channels.{channel}]", line)
    numbers = range(len(life))
    social = {number for number in numbers if life[number].channel == "social"}
    some = st.sets(st.sampled_from(numbers))
    other = draw(
        st.one_of(st.just(social), st.builds(set[int].union, st.just(social), some), some, st.just({*numbers}))
    )
    at = START + link * world.pane // _GRID
    until = max(at, *[each.time for each in life]) + 2 * world.panes * world.pane
    return Linked(Story(world, text, (), feeds), life, other, at, until)


def lived(draw: Draw, case: Linked, text: str) -> tuple[list[Transition], list[Transition]]:
    """Judge both ids up to the link and the customer after it, stored in between; give what is told under each."""
    policy = parse_policy(text)
    reader, states = Reader(policy), [CustomerState(), CustomerState()]
    told: tuple[list[Transition], list[Transition]] = ([], [])

    def moment(now: int) -> Moment:
        return Moment(now, now, known(draw, policy, case.story.feeds, now))

    steps = [Step([each], each.time) for each in case.life] + [Step([], case.until)]
    for number, (batch, now) in enumerate(steps):
        if now > case.at and (number == 0 or steps[number - 1].now <= case.at):
            for index, state in enumerate(states):
                told[index].extend(advance(policy, state, (), moment(case.at)).transitions)
                if state.held is not None:
                    event("a feed holds a drop" if state.held.get("waits") else "the cooldown holds a drop")
            if all(state.held is not None and state.held.get("waits") for state in states):
                event("feeds hold drops under both ids")
            raised = merge(policy, ("one", states[0]), ("other", states[1]), moment(case.at))
            told[0].extend(raised.own)
            told[1].extend(raised.linked)
        which = now <= case.at and number in case.other
        told[which].extend(advance(policy, states[which], reader.read(batch), moment(now)).transitions)
        states = [stored_and_loaded(policy, state) for state in states]
    return told


def parts_of(case: Linked) -> list[list[Happening]]:
    """Give what comes under the customer's id, and under the other one."""
    parts: list[list[Happening]] = [[], []]
    for number, each in enumerate(case.life):
        parts[number in case.other and each.time <= case.at].append(each)
    return parts


def summary(transitions: Sequence[Transition]) -> Told:
    """Write alerts and band changes as the definition does."""
    alerts = [(each.kind, each.occurred_at) for each in transitions if isinstance(each, Alert)]
    changes = [(BANDS[each.band], each.occurred_at) for each in transitions if isinstance(each, BandChange)]
    return Told(alerts, changes)


@given(linked(), st.data())
@settings(max_examples=200, deadline=None)
def test_a_drop_that_waits_under_either_id_goes_on(case: Linked, data: st.DataObject) -> None:
    text = f'{case.story.text}\n[identities]\n[events]\nremember_ids = "10000d"\n'
    expected = by_definition_linked(case.story.world.text, parts_of(case), case.story.feeds, case.at, case.until)
    own, other = lived(data.draw, case, text)
    assert summary(other) == expected[1]
    assert summary(own) == expected[0]


@given(linked(), st.data())
@settings(max_examples=200, deadline=None)
def test_a_signal_that_waits_under_either_id_is_told_once(case: Linked, data: st.DataObject) -> None:
    tables = ""
    for band in ("engaged", "highly_engaged"):
        cooldown = data.draw(st.sampled_from([0, 0, 3, 24])) * case.story.world.pane // _GRID // 1_000_000
        tables += f'[signals.{band}]\nleaves = "{band}"\ncooldown = "{cooldown}s"\n'
    text = f'{case.story.text}\n[identities]\n[events]\nremember_ids = "10000d"\n{tables}'
    own, other = lived(data.draw, case, text)
    open_: dict[str, list[int]] = {"engaged": [], "highly_engaged": []}
    for of_the_link, told in ((False, other), (True, own)):
        for each in told:
            if not isinstance(each, Signal):
                continue
            if not each.ended:
                assert not (of_the_link and each.occurred_at > case.at and open_[each.name]), each
                open_[each.name].append(each.occurred_at)
            elif of_the_link and each.occurred_at > case.at:
                assert sorted(report.occurred_at for report in each.earlier) == sorted(open_[each.name])
                open_[each.name] = []
            else:
                closed = [report.occurred_at for report in each.earlier]
                open_[each.name] = [time for time in open_[each.name] if time not in closed]


@given(linked(), st.data())
@settings(max_examples=200, deadline=None)
def test_a_named_score_like_the_policy_in_force_goes_on_as_it_does(case: Linked, data: st.DataObject) -> None:
    twin = weights_of_twin(case.story.world.text)
    text = f'{case.story.text}\n[identities]\n[events]\nremember_ids = "10000d"\n[scores.twin]\nalerts = true\n{twin}'
    for transitions in lived(data.draw, case, text):
        told: dict[str, list[Alert]] = {"": [], "twin": []}
        for each in transitions:
            if isinstance(each, Alert):
                told[each.score_name].append(each)
        assert [(each.kind, each.occurred_at) for each in told["twin"]] == [
            (each.kind, each.occurred_at) for each in told[""]
        ]
