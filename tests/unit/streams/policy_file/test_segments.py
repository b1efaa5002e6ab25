"""The part of a policy file about segments: what it means, and what is wrong with it."""

from __future__ import annotations

import pytest

from scoring.errors import PolicyError
from scoring.instants import DAY, HOUR
from scoring.points import POINT
from scoring.policy.change import fixed_differences, policy_digest
from scoring.policy.channels import NO_CAP
from scoring.policy.policy import Policy
from scoring.rules.segments import Profiles
from streams.policy_file.document import builtin_policy, parse_policy
from tests.unit.scoring.customers import POLICY


def problems(text: str) -> list[str]:
    """Give what is wrong with a policy."""
    with pytest.raises(PolicyError) as error:
        parse_policy(text)
    return list(error.value.problems)


def test_a_policy_asks_for_profiles_or_there_are_none() -> None:
    assert builtin_policy().profiles is None
    assert parse_policy("[profiles]").profiles == Profiles("profiles", "segment")
    assert parse_policy('[profiles]\ntopic = "crm"\nsegment = "plan"').profiles == Profiles("crm", "plan")


def test_segments_with_rules_need_profiles() -> None:
    assert parse_policy("[segments.large]").profiles == Profiles()


def test_a_segment_has_what_it_says_and_all_else_from_the_policy() -> None:
    text = """
[segments.large.window]
half_life = "9d"
[segments.large.alerts]
cooldown = "3h"
[segments.large.bands]
engaged = 15
[segments.large.channels.web]
weights = { view = 7 }
cap = { buy = 2 }
"""
    policy = parse_policy(POLICY + text)
    large = policy.of("large")

    assert (large.half_life, large.cooldown, large.rearm_margin) == (9 * DAY, 3 * HOUR, policy.rearm_margin)
    kinds = {kind.name: (kind.weight, kind.cap) for channel in large.channels for kind in channel.types}
    assert kinds["view"] == (7 * POINT, 3)
    assert kinds["buy"] == (4_500_000, 2)
    assert kinds["quit"] == (-30 * POINT, NO_CAP)
    assert (large.version, large.types.keys()) == (policy.version, policy.types.keys())
    assert policy.of("small") is policy


def test_bands_that_are_out_of_order_in_a_segment_alone_are_refused() -> None:
    assert problems(POLICY + "[segments.large.bands]\nengaged = 25") == [
        "segments.large.bands: out of order; the lower bounds must rise: disengaged < engaged < highly_engaged < power"
    ]


def test_a_segment_may_give_weights_to_the_built_in_channels() -> None:
    policy = parse_policy("[segments.large.channels.email]\nweights = { open = 4 }")

    assert {kind.name: kind.weight for kind in policy.of("large").channels[1].types}["open"] == 4 * POINT


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("profiles = 3", "profiles: must be a table, [profiles]"),
        ('[profiles]\nfield = "plan"', "profiles.field: unknown key; allowed here: topic, segment"),
        (
            '[profiles]\ntopic = "a b"',
            "profiles.topic: 'a b' is not a topic name (letters, digits, '.', '_', '-')",
        ),
        ('[profiles]\nsegment = ""', "profiles.segment: '' is not the name of a field of 1 to 100 characters"),
        (
            '[profiles]\nsegment = "customer_id"',
            "profiles.segment: 'customer_id' is not the name of a field of 1 to 100 characters",
        ),
        ('[profiles]\ntopic = "email"', "profiles.topic: 'email' is already the topic of channels.email"),
        (
            "[profiles]\n[channels.segment]\nweights = { a = 1 }",
            "channels.segment: the name is taken where there are profiles; choose another",
        ),
        (
            '[profiles]\ntopic = "crm"\n[channels.profiles]\nweights = { a = 1 }',
            "channels.profiles: the name is taken where there are profiles; choose another",
        ),
        ("segments = 3", "segments: must be a table of tables, [segments.NAME]"),
        ("[segments]\nlarge = 3", "segments.large: must be a table, [segments.large]"),
        ('[segments.""]', "segments.: the name is empty"),
        (f"[segments.{'x' * 65}]", f"segments.{'x' * 65}: the segment has 65 bytes, at most 64 are allowed"),
        (
            '[segments.large]\nversion = "b"',
            "segments.large.version: unknown key; allowed here: window, bands, alerts, channels",
        ),
        ("[segments.large]\nbands = 3", "segments.large.bands: must be a table, [segments.large.bands]"),
        (
            '[segments.large.window]\nlength = "9d"',
            "segments.large.window.length: is the same for all segments; of its own one may have half_life",
        ),
        ("[segments.large.channels.fax]", "segments.large.channels.fax: the policy has no such channel"),
        (
            "[segments.large.channels]\nemail = 3",
            "segments.large.channels.email: must be a table, [segments.large.channels.email]",
        ),
        (
            '[segments.large.channels.email]\ntopic = "x"',
            "segments.large.channels.email.topic: is the same for all segments; of its own one may have weights, cap",
        ),
        (
            "[segments.large.channels.email]\nweights = 3",
            "segments.large.channels.email.weights: must be a table such as { open = 1, click = 5 }",
        ),
        (
            "[segments.large.channels.email]\nweights = { fax = 3 }",
            "segments.large.channels.email.weights.fax: the channel has no weight for this type for all customers",
        ),
        ("[segments.large.bands]\nengaged = true", "segments.large.bands.engaged: True is not a number"),
        (
            '[segments.large.alerts]\nwarn_before = "30d"',
            "segments.large.alerts.warn_before: must be less than window.length; no drop is foreseen for longer",
        ),
        (
            "\n".join(f"[segments.s{number}]" for number in range(51)),
            "segments: at most 50 may have rules of their own",
        ),
    ],
)
def test_what_is_wrong_is_named(text: str, problem: str) -> None:
    assert problem in problems(text)


def test_the_digest_tells_policies_apart_by_what_segments_mean() -> None:
    def digest(text: str) -> str:
        return policy_digest(parse_policy(POLICY + text))

    assert digest("") == policy_digest(parse_policy(POLICY))
    a, b = "[segments.a.bands]\nengaged = 5\n", "[segments.b.bands]\nengaged = 6\n"
    assert digest(a + b) == digest(b + a)
    assert len({digest(""), digest("[profiles]"), digest(a), digest(b), digest(a + b)}) == 5


def fixed(before: str, after: str) -> list[str]:
    """Return what cannot change live between two policies with some lines more."""
    old, new = parse_policy(POLICY + before), parse_policy(POLICY + after)
    return fixed_differences(old, old, new)


def test_where_profiles_come_from_and_how_points_fade_cannot_change_live() -> None:
    fading = '[segments.large.window]\nhalf_life = "9d"'

    assert fixed("", "[profiles]") == ["profiles.topic"]
    assert fixed("[profiles]", '[profiles]\ntopic = "crm"') == ["profiles.topic"]
    assert fixed("[profiles]", '[profiles]\nsegment = "plan"') == []
    assert fixed("[profiles]", "[segments.large.bands]\nengaged = 5") == []
    assert fixed("[profiles]", fading) == ["segments.large.window.half_life"]
    assert fixed(fading, "[profiles]") == ["segments.large.window.half_life"]


def of_segments(policy: Policy) -> list[str]:
    """Give the names of the segments whose rules differ."""
    return list(policy.by_segment)


def test_a_segment_that_says_nothing_of_its_own_has_the_rules_of_all() -> None:
    policy = parse_policy("[segments.trial]\n[segments.large.bands]\nengaged = 50\n[segments.same.bands]\nengaged = 41")

    assert of_segments(policy) == ["large"]
    assert [name for name, _ in policy.segments] == ["trial", "large", "same"]
