"""Policies whose measures, funnels and moves rest on properties, objects and sessions, and lives under them.

Beside them the score as it fades, where events take others back in other panes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import strategies as st

from scoring.instants import DAY, MINUTE
from tests.property import lives, test_half_life, test_signals, test_types
from tests.property.lives import Happening, World

_GRID = 8
_TYPES = ("web.view", "web.buy", "web.big", "web.quiet", "social.post", "social.block")
_OF_SESSIONS = ("sessions", "session_time", "session_duration", "pages_per_session", "time_on_page", "bounce_rate")


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Draw a policy with rules by property and points for numbers, and often objects and gateways."""
    world = draw(test_types.worlds(retracts=draw(st.booleans())))
    web, social = [f'sessions = "{draw(st.sampled_from([60, 480, 1800, 7201]))}s"', 'pages = ["view", "buy"]'], []
    text = world.text
    if draw(st.booleans()):
        within = min(world.pane * draw(st.integers(1, 12)) // _GRID, DAY) // 1_000_000
        web.append(f'gateway = {{ view = {{ after = "buy", within = "{within}s", key = "object_id" }} }}')
        web.append('durations = { answer = { from = "buy", to = ["view", "leave"], key = "object_id" } }')
        text = text.replace("weights = { ", "weights = { gateway_view = 0.5, ", 1)
        social.append('retracts = { block = "post" }')
    for name, lines in (("web", web), ("social", social)):
        text = text.replace(f"[channels.{name}]\n", "\n".join([f"[channels.{name}]", *lines, ""]))
    points = draw(st.integers(-2, 3).filter(bool))
    return replace(
        world, text=f'{text}\n[channels.social.points]\npost = {{ property = "amount", points = {points}, per = 3 }}\n'
    )


@st.composite
def life_under(draw: st.DrawFn, world: World, *, unique: bool = True) -> list[Happening]:
    """Draw a life whose events have properties, about two objects or none, at times close to each other."""
    life = draw(test_types.lives_with_properties(world))
    if not unique:
        ticks = draw(st.lists(st.integers(0, _GRID * (2 * world.panes + 3)), min_size=len(life), max_size=len(life)))
        life = [
            each._replace(time=lives.START + tick * world.pane // _GRID)
            for each, tick in zip(life, sorted(ticks), strict=True)
        ]
    elif draw(st.booleans()):
        # Sessions are shorter than an eighth of a pane: some of what happened happens soon after what came before.
        near = [each.time for each in life[:1]]
        for each in life[1:]:
            near.append(near[-1] + MINUTE if draw(st.booleans()) and near[-1] + MINUTE < each.time else each.time)
        life = [each._replace(time=time) for each, time in zip(life, near, strict=True)]
    return life


@st.composite
def measures(draw: st.DrawFn, world: World, name: str) -> str:
    """Draw the table of a measure of any kind that is a number."""
    over = draw(st.integers(1, world.panes)) * world.pane // MINUTE
    types = [each for each in _TYPES if each != "web.quiet"]
    some = draw(st.permutations(types))
    of, to = (str(each).replace("'", '"') for each in (some[:2], [*some[1:3], "web"]))
    kinds = [
        f'"count"\nof = {of}',
        f'"panes"\nof = {of}',
        f'"sum"\nof = {of}\nproperty = "amount"',
        f'"average"\nof = {of}\nproperty = "amount"',
        f'"balance"\nof = {of}\nproperty = "amount"\nhigh = 5\nlow = 2',
        f'"ratio"\nof = {of}\nto = {to}',
        f'"ratio"\nof = {of}\nto = ["social.post"]\nproperty = "amount"',
        f'"share"\nof = {of}\nto = {to}',
        '"difference"\nof = ["web.buy"]\nless = ["web.leave"]',
        *(f'"{kind}"\nchannel = "web"' for kind in _OF_SESSIONS),
    ]
    if "gateway =" in world.text:
        kinds.append('"duration"\nchannel = "web"\nduration = "answer"')
    if "gateway =" not in world.text and "retracts =" not in world.text:
        step = f"{draw(st.integers(2, 5)) * world.pane // MINUTE // 2}m"
        young = f'per = "{over}m"\nprojected = "{step}"'
        # Half of them, as a step of theirs often begins where nothing else changes.
        kinds += [f'"count"\nof = {of}\n{young}', f'"sum"\nof = {of}\nproperty = "amount"\n{young}'] * 8
    return f'[measures.{name}]\nkind = {draw(st.sampled_from(kinds))}\nover = "{over}m"'


@st.composite
def bounded(draw: st.DrawFn, world: World, number: int, cooldowns: Sequence[int] = (0, 0, 3, 12)) -> str:
    """Draw a measure and a signal on it, `x` and `y` with a number; cooldowns are in eighths of a pane."""
    least = draw(st.sampled_from([-3, 0, 0.5, 1, 1.5, 2, 3, 10, 50, 60]))
    bounds = {"at_least": least, "at_most": least + draw(st.sampled_from([0, 1, 40]))}
    names = draw(st.sampled_from([["at_least"], ["at_most"], list(bounds)]))
    cooldown = draw(st.sampled_from(cooldowns)) * world.pane // _GRID // 1_000_000
    keys = "\n".join(f"{name} = {bounds[name]}" for name in names)
    signal = f'[signals.y{number}]\nmeasure = "x{number}"\n{keys}\ncooldown = "{cooldown}s"'
    return f"{draw(measures(world, f'x{number}'))}\n{signal}"


@st.composite
def signals(draw: st.DrawFn, world: World) -> str:
    """Draw signals on such measures, and some of other kinds."""
    tables = [draw(test_signals.rules(world))] if draw(st.booleans()) else []
    return "\n".join(tables + [draw(bounded(world, number)) for number in range(draw(st.integers(1, 4)))])


def half_lives(world: World) -> st.SearchStrategy[int]:
    """Draw a half-life; as often none."""
    return st.one_of(st.just(0), test_half_life.half_lives(world))
