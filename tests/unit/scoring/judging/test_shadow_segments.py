"""A shadow policy with segments and signals of its own, judged beside one that has others."""

from __future__ import annotations

from scoring.customer.signals import Signal
from scoring.events.event import Event
from scoring.judging.alerts import Alert, BandChange
from scoring.policy.policy import Policy
from scoring.policy.shadow import shadow_problems, with_shadow
from scoring.rules.details import PROFILE, Detail
from streams.policy_file.document import parse_policy
from tests.unit.scoring.customers import POLICY, Customer, at, clock

PROFILES = '[profiles]\ntopic = "profiles"\n'
#: By the shadow, customers of the segment `large` need 20 points to be engaged.
LARGE = "[segments.large.bands]\nengaged = 20\nhighly_engaged = 25\n"


def beside(live: str, shadow: str) -> Policy:
    """Judge by one addition to the policy, and by another one beside it."""
    policy, other = parse_policy(POLICY + live), parse_policy(POLICY.replace('"by-hand"', '"tried"') + shadow)
    assert shadow_problems(policy, other) == []
    return with_shadow(policy, other)


def profile(segment: str, time: str) -> Event:
    """Return the segment of the customer."""
    return Event(at(time), PROFILE, "", Detail((), "", segment))


def raised(anna: Customer) -> list[tuple[str, str, str, str]]:
    """Give what the shadow has raised: kind or signal, time, band by its number, segment."""
    return [
        (each.kind if isinstance(each, Alert) else each.name, clock(each.occurred_at), str(each.band), each.segment)
        for each in anna.transitions
        if not isinstance(each, BandChange) and each.score_name == "shadow"
    ]


def test_by_the_segments_of_the_shadow_a_customer_is_in_another_band() -> None:
    anna = Customer(beside(PROFILES, PROFILES + LARGE))
    anna.judge("01 09:00", profile("large", "01 08:00"), *[anna.event("post", "01 09:00")] * 8)
    view = (anna.state.named or {})["shadow"]

    assert (anna.band, anna.score, view.score, view.band) == ("engaged", 16, anna.state.score, 1)
    anna.do("buy", "02 09:00")
    assert view.band == 2
    anna.judge("05 00:00")
    # By the segment's bounds, the fall comes as the posts leave; by the policy without them, too.
    assert raised(anna) == [("churn_risk", "04 00:00", "1", "large")]
    assert [(kind, time) for kind, time, _ in anna.story] == [("churn_risk", "04 00:00")] * 2


def test_a_change_of_segment_moves_the_customer_by_the_shadow_and_raises_nothing() -> None:
    anna = Customer(beside(PROFILES, PROFILES + LARGE))
    anna.do("post", "01 09:00", 6)
    anna.judge("01 10:00", profile("large", "01 10:00"))
    view = (anna.state.named or {})["shadow"]

    assert (anna.band, view.band, view.armed) == ("engaged", 1, False)
    anna.judge("05 00:00")
    assert raised(anna) == []


def test_a_signal_that_waits_goes_on_from_one_batch_to_the_next() -> None:
    cart = '[signals.cart]\nafter = ["web.view"]\nwithout = ["web.buy"]\nwithin = "2h"\n'
    anna = Customer(beside("", cart))
    anna.do("view", "01 09:00")
    assert (anna.due, anna.state.due_crosses) == ("01 11:00", True)
    anna.judge("01 10:00")
    anna.judge("01 11:00")

    assert raised(anna) == [("cart", "01 11:00", "1", "")]
    assert anna.state.signals is None
    [signal] = [each for each in anna.transitions if isinstance(each, Signal)]
    assert signal.score_name == "shadow"
