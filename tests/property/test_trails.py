"""The drops that are found on the way of a score are those that a replay by the same rules raises."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import event, example, given, settings
from hypothesis import strategies as st

from scoring.backtest.population import Population
from scoring.backtest.trail import Trail
from scoring.events.event import Event
from scoring.instants import DAY, HOUR
from scoring.points import POINT
from scoring.policy.channels import type_code
from scoring.policy.policy import AT_RISK, DISENGAGED, Policy
from streams.policy_file.document import parse_policy

_POLICY = parse_policy("""
version = "drawn"
[window]
length = "5d"
[alerts]
rearm_margin = 2
[channels.web.weights]
buy = 7
view = 2
quit = -30
""")
_CODES = {kind: type_code("web", kind) for kind in ("buy", "view", "quit")}
_DAYS = st.dictionaries(st.integers(0, 40), st.lists(st.sampled_from(["buy", "view"]), min_size=1, max_size=4))
#: An event that takes points away is the only one of its day: the events of a batch are one step of a trail.
_QUITS = st.sets(st.integers(0, 40), max_size=2)


def replayed(policy: Policy, days: dict[int, list[str]], *, trails: bool) -> tuple[list[int], Trail | None, int]:
    """Replay the days of a customer; give the alerts, the trail, and where the history ends."""
    population = Population(policy, {"anna": [], "ben": []}, trails=trails)
    for day in range(45):
        # Somebody else is there each day, as in a history of many.
        population.add("web", "ben", Event(day * DAY, _CODES["view"], "", None))
        for number, kind in enumerate(days.get(day, ())):
            population.add("web", "anna", Event(day * DAY + (number + 1) * HOUR, _CODES[kind], "", None))
    anna = next(customer for customer in population.finish() if customer.name == "anna")
    return anna.alerts.get("churn_risk", []), anna.trail, population.newest


@given(
    _DAYS,
    _QUITS,
    st.sampled_from([3, 10, 20]),
    st.sampled_from([AT_RISK, DISENGAGED]),
    st.integers(0, 12),
    st.sampled_from([0, 3 * DAY]),
)
@example({0: ["buy", "view", "view"], 6: ["buy", "view", "view"], 7: ["view"]}, set(), 10, DISENGAGED, 0, 0)
@settings(max_examples=150, deadline=None)
def test_a_trail_tells_the_drops_of_any_bound_and_cooldown(
    days: dict[int, list[str]], quits: set[int], bound: int, into: int, cooldown: int, half_life: int
) -> None:
    days = {**days, **{day: ["quit"] for day in quits}}
    judged = replace(_POLICY, half_life=half_life)
    other = replace(
        judged, bounds=(0, bound * POINT, 71 * POINT, 101 * POINT), drops_into=into, cooldown=cooldown * DAY
    )
    _, trail, end = replayed(judged, days, trails=True)
    expected, _, _ = replayed(other, days, trails=False)

    assert trail is not None
    event(f"{min(len(expected), 3)} alerts")
    assert trail.drops(other, end) == expected
