"""Early warnings, drops, signals and absences in one policy: beside silent feeds each is told as if it were alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from hypothesis import event, given, settings
from hypothesis import strategies as st

from scoring.customer.signals import Signal
from scoring.customer.state import CustomerState
from scoring.instants import DAY
from scoring.judging.alerts import Alert, Transition
from scoring.judging.moment import Moment
from scoring.judging.walk import advance
from scoring.policy.policy import Policy
from scoring.rules.absence import WHOLE_DAY, AbsenceRule, SegmentClock
from streams.policy_file.document import parse_policy
from tests.property import lives
from tests.property.lives import START
from tests.property.references import Reader, raw_events
from tests.property.silences import by_definition
from tests.property.test_signals import rules
from tests.property.test_silences import Draw, Story, known, stored_and_loaded, watched
from tests.reference import brute_force
from tests.reference.signals import Told, signals

_RULES = st.builds(
    AbsenceRule,
    share=st.sampled_from([0, 500_000, WHOLE_DAY]),
    margin=st.sampled_from([1, 500_000, WHOLE_DAY, 2 * WHOLE_DAY]),
    memory=st.integers(1, 30),
)


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """Draw a life in days, beside feeds."""
    world = draw(lives.worlds(pane=DAY))
    return draw(watched(world, draw(lives.lives(world, unique=True))))


def lived(draw: Draw, story: Story, policy: Policy, clock: SegmentClock) -> Iterator[Transition]:
    """Judge a life as the product does, each step from what was stored after the one before."""
    state, judged = CustomerState(), set[int]()
    for batch, now in story.steps:
        judged |= {happening.time for happening in batch}
        feeds = known(draw, policy, story.feeds, now, judged)
        moment = Moment(now, now, feeds, {"": clock.until(now // DAY)})
        outcome = advance(policy, state, Reader(policy).read(batch), moment)
        if state.held is not None and state.held.get("waits") and state.absence is not None and state.absence.reports:
            event("a drop waits within an absence")
        yield from outcome.transitions
        state = stored_and_loaded(policy, state)


@given(stories(), _RULES, st.data())
@settings(max_examples=100, deadline=None)
def test_what_silence_brings_is_told_by_each_as_if_it_were_alone(
    story: Story, rule: AbsenceRule, data: st.DataObject
) -> None:
    first, length = START // DAY, 60
    passed = data.draw(st.lists(st.sampled_from([0, 300_000, WHOLE_DAY]), min_size=length, max_size=length))
    clock = SegmentClock(first, [sum(passed[:day]) for day in range(length + 1)])
    tables = f'\n[events]\nremember_ids = "10000d"\n{data.draw(rules(story.world))}'
    told = list(lived(data.draw, story, replace(parse_policy(f"{story.text}{tables}"), absence=rule), clock))

    life = sorted([each for batch, _ in story.steps for each in batch], key=lambda each: each.time)
    until = story.steps[-1].now
    alerts = [each for each in told if isinstance(each, Alert)]
    of_absence = [each for each in alerts if each.kind in ("absent", "returned")]
    found = [(each.kind, each.occurred_at) for each in alerts if each not in of_absence]
    assert found == by_definition(story.world.text, life, story.feeds, until).alerts

    plain = replace(story, feeds={})
    alone = lived(data.draw, plain, replace(parse_policy(story.world.with_long_memory), absence=rule), clock)
    wanted = [each for each in alone if isinstance(each, Alert) and each.kind in ("absent", "returned")]
    assert of_absence == wanted

    ends = [(each, tuple([report.occurred_at for report in each.earlier])) for each in told if isinstance(each, Signal)]
    raised = sorted([Told(each.name, each.occurred_at, each.ended, at if each.ended else ()) for each, at in ends])
    policy = brute_force.parse_policy(story.world.text)
    assert raised == signals(raw_events(life), f"{story.world.text}{tables}", policy, until, feeds=story.feeds)
