"""Named scores: each is what the brute force makes of the same life with the weights of that score, alerts included."""

from __future__ import annotations

import asyncio
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.judging.alerts import Alert
from scoring.judging.moment import Moment
from scoring.judging.walk import advance
from streams.policy_file.document import parse_policy
from streams.store.memory.store import MemoryStore
from streams.store.protocol import GroupWrite
from tests.property import lives
from tests.property.lives import Happening, Step, World
from tests.property.references import CUSTOMER, Biography, Reader, by_brute_force, told_of

_NAMES = ("loud", "quiet")


@st.composite
def weighed(draw: st.DrawFn, world: World) -> tuple[str, str]:
    """Draw another weighting: as a named score of a policy, and as a policy of its own."""
    weights = {kind: draw(st.integers(0, 9)) for kind in ("view", "buy")}
    weights["leave"] = draw(st.integers(-9, 0))
    cap = draw(st.integers(1, 3))
    engaged = draw(st.integers(1, 12))
    bands = f"disengaged = 0\nengaged = {engaged}\nhighly_engaged = {engaged + 5}\npower = 90\n"
    inline = "{ " + ", ".join(f"{kind} = {weight}" for kind, weight in weights.items()) + " }"
    web = f"weights = {inline}\ncap = {{ view = {cap} }}\n"
    head, _, rest = world.text.partition("[bands]")
    _, _, rest = rest.partition("[alerts]")
    alerts, _, channels = rest.partition("[channels.web]")
    caps = channels.partition("[channels.social]")[0].partition("cap = {")[2].partition("}")[0].split(",")
    kept = [entry for entry in caps if entry.strip() and entry.split("=")[0].strip() != "view"]
    own = f'topic = "web"\nweights = {inline}\ncap = {{ {", ".join([*map(str.strip, kept), f"view = {cap}"])} }}\n'
    none = 'topic = "social"\nweights = { post = 0, block = 0 }\n'
    alone = f"{head}[bands]\n{bands}[alerts]{alerts}[channels.web]\n{own}[channels.social]\n{none}"
    return f"bands = {{ {', '.join(bands.split(chr(10))[:-1])} }}\n[scores.NAME.channels.web]\n{web}", alone


@st.composite
def told(draw: st.DrawFn) -> tuple[World, list[Happening], list[Step], dict[str, str]]:
    """Draw a world with two named scores, a life, its batches in any order, and the scores as policies of their own."""
    world = draw(lives.worlds())
    text, alone = world.text, {}
    for name in _NAMES:
        named, alone[name] = draw(weighed(world))
        alerts = "true" if name == "loud" else "false"
        text += f"\n[scores.{name}]\nalerts = {alerts}\n" + named.replace("NAME", name)
    life = draw(lives.lives(world, unique=True))
    return World(text, world.pane, world.panes), life, draw(lives.redelivered(world, life)), alone


@given(told())
@settings(max_examples=250, deadline=None)
def test_each_score_is_told_as_if_it_were_alone(
    drawn: tuple[World, list[Happening], list[Step], dict[str, str]],
) -> None:
    world, life, steps, alone = drawn
    plain = World(world.text.partition("\n[scores.")[0], world.pane, world.panes)
    fields, biographies = asyncio.run(_by_steps(world, steps))

    expected = by_brute_force(plain, life, steps[-1].now)
    assert biographies[""].alerts == expected.alerts
    assert biographies[""].changes == expected.changes
    assert Decimal(fields["score"]) == expected.fields["score"]
    for name in _NAMES:
        expected = by_brute_force(World(alone[name], world.pane, world.panes), life, steps[-1].now)
        for field in ("score", "trend"):
            assert Decimal(fields[f"{field}:{name}"]) == expected.fields[field], (field, name)
        assert fields[f"band:{name}"] == expected.fields["band"]
        assert biographies[name].alerts == (expected.alerts if name == "loud" else [])
        assert biographies[name].changes == []


async def _by_steps(world: World, steps: list[Step]) -> tuple[dict[str, str], dict[str, Biography]]:
    policy = parse_policy(world.with_long_memory)
    store, reader = MemoryStore(policy), Reader(policy)
    biographies = {name: Biography() for name in ("", *_NAMES)}
    for batch, now in steps:
        [record] = await store.load([CUSTOMER])
        outcome = advance(policy, record.state, reader.read(batch), Moment(now))
        times = [transition.occurred_at for transition in outcome.transitions]
        assert times == sorted(times)
        for transition in outcome.transitions:
            if isinstance(transition, Alert):
                biographies[transition.score_name].alerts.append(told_of(transition))
            else:
                biographies[""].changes.append(told_of(transition))
        await store.apply([GroupWrite(0, customers={CUSTOMER: record})], now)
    stored = await store.read(CUSTOMER)
    assert stored is not None
    return dict(stored.fields), biographies
