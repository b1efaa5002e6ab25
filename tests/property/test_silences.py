"""However events and what is known of the feeds arrive, drops are held back and told as the definition says."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st

from scoring.customer.state import CustomerState
from scoring.feeds.feeds import Feeds, Stretch, join, stretches_of
from scoring.instants import MINUTE, NEVER
from scoring.judging.alerts import Alert, BandChange, Transition
from scoring.judging.moment import Moment
from scoring.judging.walk import advance
from scoring.notices.feed_notices import Notice, follow
from scoring.notices.feed_notices import Told as Followed
from scoring.policy.policy import BANDS, Policy
from streams.policy_file.document import parse_policy
from streams.store.fields.customer_reading import decode
from streams.store.fields.customer_writing import encode
from streams.store.protocol import CustomerRecord
from tests.property import lives, test_half_life
from tests.property.lives import START, Happening, Step, World
from tests.property.references import Reader
from tests.property.silences import Told, by_definition
from tests.reference import brute_force
from tests.reference.feeds import Feed
from tests.reference.signals import Score

_EIGHTHS = 8


@dataclass(frozen=True)
class Story:
    """A world whose feeds are watched, a life in steps, and the times of all events of each feed."""

    world: World
    text: str
    steps: Sequence[Step]
    feeds: dict[str, Feed]


#: `draw` of a composite strategy, or of `st.data()`.
Draw = Callable[..., Any]


@st.composite
def stories(draw: st.DrawFn, *, in_any_order: bool = False) -> Story:
    """Draw a world, a life, and what others do meanwhile on its channels."""
    world = draw(lives.worlds(ties=draw(st.booleans())))
    return draw(watched(world, draw(lives.lives(world, unique=in_any_order)), in_any_order=in_any_order))


@st.composite
def watched(draw: st.DrawFn, world: World, life: Sequence[Happening], *, in_any_order: bool = True) -> Story:
    """Draw how a life comes, and what others do meanwhile on its channels."""
    steps = draw((lives.in_any_order if in_any_order else lives.in_order)(world, life))
    ticks = _EIGHTHS * (4 * world.panes + 8)
    feeds, text = {}, world.text
    for channel in ("web", "social"):
        if not draw(st.integers(0, 4)):
            continue
        eighths = draw(st.integers(1, 2 * _EIGHTHS))
        others = draw(st.lists(st.integers(-_EIGHTHS, ticks), max_size=6))
        times = [START + tick * world.pane // _EIGHTHS for tick in others]
        own = [happening.time for happening in life if happening.channel == channel]
        feeds[channel] = Feed(eighths * world.pane // _EIGHTHS, sorted(times + own))
        seconds = eighths * world.pane // _EIGHTHS // 1_000_000
        text = text.replace(f"[channels.{channel}]", f'[channels.{channel}]\nsilence_after = "{seconds}s"')
    return Story(world, text, steps, feeds)


def known(draw: Draw, policy: Policy, feeds: dict[str, Feed], now: int, judged: Collection[int] = ()) -> Feeds:
    """Draw what is known of the feeds at a time, told in pieces.

    That is everything up to it, the times of all events that are judged, as they are noted before, and perhaps more.
    """
    activity: dict[str, list[Stretch]] = {}
    for channel, feed in feeds.items():
        later = [time for time in feed.times if time > now and time not in judged]
        more = draw(st.integers(0, len(later)))
        times = sorted([time for time in feed.times if time <= now or time in judged] + later[:more])
        cuts = sorted(draw(st.lists(st.integers(0, len(times)), max_size=3)))
        pieces = [times[a:b] for a, b in zip([0, *cuts], [*cuts, len(times)], strict=True)]
        for piece in draw(st.permutations(pieces)):
            told = stretches_of(draw(st.permutations(piece)), feed.silence_after)
            activity[channel] = join([*activity.get(channel, []), *told], feed.silence_after)
    return Feeds(policy, activity)


def stored_and_loaded(policy: Policy, state: CustomerState, after: Policy | None = None) -> CustomerState:
    """Write a whole state as a store does, and read it back, perhaps by the policy that has come meanwhile."""
    state.touched_panes |= set(state.panes)
    state.seen.touched |= set(state.seen.chunks)
    state.segment_changed = True
    if state.signals is not None:
        state.signals.stored = ""
    fields, _ = encode(policy, CustomerRecord(state), "v")
    return decode(after or policy, dict(zip(fields[::2], fields[1::2], strict=True))).state


def lived(draw: Draw, story: Story, policy: Policy) -> Iterator[tuple[CustomerState, Sequence[Transition]]]:
    """Judge a life as the product does, each step from what was stored after the one before."""
    return lived_under(draw, story, [policy] * len(story.steps), [story.feeds] * len(story.steps))


def lived_under(
    draw: Draw, story: Story, policies: Sequence[Policy], watched_by: Sequence[dict[str, Feed]]
) -> Iterator[tuple[CustomerState, Sequence[Transition]]]:
    """Judge each step of a life by a policy of its own, which watches its feeds."""
    state, before = CustomerState(), policies[0]
    judged: set[int] = set()
    for (batch, now), policy, watched_now in zip(story.steps, policies, watched_by, strict=True):
        judged |= {happening.time for happening in batch}
        feeds = known(draw, policy, watched_now, now, judged)
        state, before = stored_and_loaded(before, state, policy), policy
        outcome = advance(policy, state, Reader(policy).read(batch), Moment(now, now, feeds))
        yield state, outcome.transitions


def by_product(draw: Draw, story: Story) -> Told:
    """Give the alerts and band changes that the product raises."""
    policy, found = parse_policy(story.text), Told()
    for state, transitions in lived(draw, story, policy):
        for each in transitions:
            if isinstance(each, Alert):
                found.alerts.append((each.kind, each.occurred_at))
            elif isinstance(each, BandChange):
                found.changes.append((BANDS[each.band], each.occurred_at))
        if state.held is not None:
            event("a drop waits for a feed" if state.held.get("waits") else "a drop waits for the cooldown")
            boundary = (state.judged // policy.pane + 1) * policy.pane
            assert state.due_crosses
            assert state.judged < state.due <= max(boundary, state.last_alert + policy.of(state.segment).cooldown)
    return found


def assert_told_the_same(draw: Draw, story: Story, score_of: Score = brute_force.score_of) -> None:
    """Compare the definition and the product."""
    life = [happening for step in story.steps for happening in step.batch]
    life.sort(key=lambda happening: happening.time)
    expected = by_definition(story.world.text, life, story.feeds, story.steps[-1].now, score_of)
    found = by_product(draw, story)
    assert found.changes == expected.changes
    assert found.alerts == expected.alerts


@given(stories(), st.data())
@settings(max_examples=500, deadline=None)
def test_a_drop_is_held_while_a_feed_that_brought_points_is_silent(story: Story, data: st.DataObject) -> None:
    assert_told_the_same(data.draw, story)


@given(stories(in_any_order=True), st.data())
@settings(max_examples=500, deadline=None)
def test_any_order_of_arrival_holds_and_tells_the_same(story: Story, data: st.DataObject) -> None:
    assert_told_the_same(data.draw, story)


@given(stories(in_any_order=True), st.data())
@settings(max_examples=150, deadline=None)
def test_points_that_fade_are_held_and_told_as_the_definition_says(story: Story, data: st.DataObject) -> None:
    half_life = data.draw(test_half_life.half_lives(story.world))
    text = test_half_life.with_half_life(story.text, half_life)
    assert_told_the_same(data.draw, replace(story, text=text), test_half_life.fading(half_life))


@given(st.lists(st.integers(0, 60), max_size=30), st.integers(1, 9), st.data())
def test_stretches_tell_of_every_moment_whether_the_feed_was_silent(
    times: list[int], apart: int, data: st.DataObject
) -> None:
    policy = watching(apart)
    feeds = known(data.draw, policy, {"web": Feed(apart, sorted(times))}, NEVER)
    feed = Feed(apart, times)
    for at in range(80):
        assert bool(feeds.silence_at("web", at)) == feed.silent(at), at
        coming = feeds.next_silence("web", at)
        begins = [later for later in range(at + 1, 80) if feed.silent(later) and not feed.silent(later - 1)]
        assert (coming.since if coming and coming.since < 80 else None) == (begins[0] if begins else None)


def watching(silence_after: int) -> Policy:
    """Give a policy that watches a channel, its times in single microseconds."""
    policy = parse_policy('[channels.web]\ntopic = "web"\nweights = { buy = 1 }\nsilence_after = "1s"')
    (channel,) = policy.channels
    channels = (type(channel)(channel.name, channel.topic, channel.types, silence_after),)
    return replace(policy, channels=channels)


@given(st.lists(st.integers(0, 60), max_size=30), st.integers(1, 9), st.integers(0, 70))
def test_the_next_clear_boundary_is_the_first_at_which_the_feed_is_not_silent(
    times: list[int], apart: int, after: int
) -> None:
    feeds = Feeds(watching(apart), {"web": stretches_of(times, apart)})
    feed = Feed(apart, times)
    clear = [at for at in range(0, 100, 5) if at > after and not feed.silent(at)]
    assert feeds.next_clear(["web"], after, pane=5) == (clear[0] if clear else NEVER)


@given(st.lists(st.integers(1, 60), max_size=30), st.integers(1, 9), st.lists(st.integers(0, 90), max_size=8))
def test_each_silence_is_told_once_and_its_end_once_however_often_it_is_looked_at(
    times: list[int], apart: int, looks: list[int]
) -> None:
    policy = watching(apart)
    followed, notices = Followed(0), list[Notice]()
    for until in [*sorted(looks), 90]:
        feeds = Feeds(policy, {"web": stretches_of([time for time in times if time <= until + 3], apart)})
        followed, new = follow(feeds, "web", followed, until)
        notices += new
    feed = Feed(apart, times)
    expected = [
        ("feed_silent" if feed.silent(at) else "feed_back", at)
        for at in range(1, 91)
        if feed.silent(at) != feed.silent(at - 1)
    ]
    assert [(notice.kind, notice.occurred_at) for notice in notices] == expected


def test_the_reference_itself_holds_a_drop() -> None:
    text = """
version = "by-hand"
[window]
length = "24m"
pane = "8m"
trend = "8m"
[bands]
disengaged = 0
engaged = 10
highly_engaged = 20
power = 30
[alerts]
rearm_margin = 0
cooldown = "0s"
[clock]
lateness = "0s"
[channels.web]
topic = "web"
weights = { buy = 10 }
cap = { }
"""
    life = [Happening(START, "web", "buy", "1")]
    feed = Feed(8 * MINUTE, [START, START + 41 * MINUTE])
    told = by_definition(text, life, {"web": feed}, START + 60 * MINUTE)
    assert told.changes == [("engaged", START), ("disengaged", START + 24 * MINUTE)]
    assert told.alerts == [("churn_risk", START + 48 * MINUTE)]
