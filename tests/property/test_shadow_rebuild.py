"""A rebuild with a shadow policy finds nothing wrong with a customer, whenever the shadow began, or another one did."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.customer.state import NONE, CustomerState
from scoring.judging.moment import Moment
from scoring.judging.walk import advance
from scoring.policy.policy import Policy
from scoring.policy.shadow import with_shadow
from streams.rebuild.customer_comparison import Comparison
from streams.settings.settings import Settings
from streams.store.fields.customer_writing import encode, index_changes
from streams.store.protocol import CustomerRecord
from streams.store.redis.replacing import View
from tests.property.lives import Step
from tests.property.references import Reader
from tests.property.test_shadow import Drawn, drawn


def lived(policies: Sequence[Policy], steps: Sequence[Step]) -> View:
    """Live through the steps, each by its policy, and give the customer as stored."""
    state = CustomerState()
    for policy, (batch, now) in zip(policies, steps, strict=True):
        advance(policy, state, Reader(policy).read(batch), Moment(now))
    if state.judged == NONE and not state.ahead:
        return View({}, {}, None, None)
    record = CustomerRecord(state)
    _, band, since, schedule = index_changes(record)
    words, _ = encode(policies[-1], record, "v")
    times = {"c": None, "r": None} | ({schedule[0]: int(schedule[1:])} if schedule not in ("", "-") else {})
    bands = {band: since} if band else {}
    return View(dict(zip(words[::2], words[1::2], strict=True)), bands, times["c"], times["r"])


@given(drawn(), st.data())
@settings(max_examples=80, deadline=None)
def test_a_rebuild_agrees_whenever_the_shadow_began(world: Drawn, data: st.DataObject) -> None:
    policy, before = world.policies
    first, second = sorted(data.draw(st.integers(0, len(world.steps) - 1)) for _ in range(2))
    both = with_shadow(policy, world.shadow)
    shadows = [policy] * first + [with_shadow(policy, before)] * (second - first) + [both] * (len(world.steps) - second)
    events = [happening for batch, _ in world.steps for happening in batch]

    live = lived(shadows, world.steps)
    rebuilt = lived([both], [Step(events, world.steps[-1].now)])
    comparison = Comparison(Settings(both, clock="stream"), world.steps[-1].now, whole_history=True)
    assert comparison.differences(live, rebuilt) == []
