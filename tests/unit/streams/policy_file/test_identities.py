"""The section of a policy that says where links come from."""

from __future__ import annotations

import pytest

from scoring.errors import PolicyError
from scoring.policy.change import fixed_differences, policy_digest
from streams.policy_file.document import builtin_policy, parse_policy


def test_there_are_no_links_without_the_section() -> None:
    assert builtin_policy().identities == ""
    assert parse_policy("[identities]\n").identities == "identities"
    assert parse_policy('[identities]\ntopic = "who.is-who"\n').identities == "who.is-who"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("identities = 3", "identities: must be a table, [identities]"),
        ('[identities]\ntopics = "x"', "identities.topics: unknown key; allowed here: topic"),
        ("[identities]\ntopic = 3", "identities.topic: 3 is not a topic name (letters, digits, '.', '_', '-')"),
        ('[identities]\ntopic = "email"', "identities.topic: 'email' is already the topic of channels.email"),
        (
            '[identities]\ntopic = "who"\n[profiles]\ntopic = "who"',
            "profiles.topic: 'who' is already the topic of identities",
        ),
    ],
)
def test_what_is_wrong_is_named(text: str, problem: str) -> None:
    with pytest.raises(PolicyError) as refused:
        parse_policy(text)
    assert refused.value.problems == (problem,)


def test_it_cannot_change_live_and_tells_policies_apart() -> None:
    without, linking = parse_policy('version = "a"'), parse_policy('version = "a"\n[identities]\n')

    assert fixed_differences(without, without, linking) == ["identities.topic"]
    assert policy_digest(without) != policy_digest(linking)
