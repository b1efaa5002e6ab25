"""What a shadow policy may differ in from the policy beside which it is judged."""

from __future__ import annotations

import pytest

from scoring.policy.change import fixed_differences, policy_digest
from scoring.policy.shadow import absence_problem, shadow_problems, with_shadow, without_shadow
from streams.policy_file.document import parse_policy
from tests.unit.scoring.customers import POLICY, policy_with

OWN = ('"by-hand"', '"tried"')
PROPERTIES = POLICY.replace("view = 3 }", 'view = 3 }\nretracts = { complain = ["buy"] }\nretracts_key = "order_id"', 1)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("buy = 4.5", "buy = 9"),
        ("view = 3 }", "view = 1 }"),
        ("engaged = 10", "engaged = 12"),
        ('cooldown = "12h"', 'cooldown = "1h"'),
        ("quit = -30", "quit = -30, refund = -2"),
        ('lateness = "0s"', 'lateness = "9s"'),
    ],
)
def test_what_does_not_decide_the_counts_may_differ(old: str, new: str) -> None:
    assert shadow_problems(policy_with(), policy_with(OWN, (old, new))) == []


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (('length = "3d"', 'length = "4d"'), "window.length"),
        (('pane = "1d"', 'pane = "12h"'), "window.pane"),
        (('topic = "social"', 'topic = "other"'), "channels.social.topic"),
        (("cap = { view = 3 }", 'cap = { view = 3 }\nmachine = { view = "bot" }'), "channels.web.machine"),
        (
            ("cap = { view = 3 }", 'cap = { view = 3 }\nsessions = "30m"\nsession_types = ["view"]'),
            "channels.web.sessions",
        ),
        (
            (
                "cap = { view = 3 }",
                'cap = { view = 3 }\npoints = { buy = { property = "amount", points = 1, per = 10 } }',
            ),
            "the properties of web.buy",
        ),
    ],
)
def test_what_decides_the_counts_may_not(change: tuple[str, str], key: str) -> None:
    [problem] = shadow_problems(policy_with(), policy_with(OWN, change))
    assert problem.startswith("it cannot be judged on the same counts, as these differ: ")
    assert key in problem.partition(": ")[2].split(", ")


def test_the_half_life_may_not_differ_as_no_live_system_follows_another() -> None:
    [problem] = shadow_problems(policy_with(), policy_with(OWN, ('trend = "1d"', 'trend = "1d"\nhalf_life = "1d"')))
    assert problem == "it could not be put in force while workers run, as these differ: window.half_life"


ABSENCE = ('cooldown = "12h"', 'cooldown = "12h"\nabsence = { margin = 3 }')


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (("margin = 3", "margin = 1, share = 2, memory = '9d', at_most = 9, growth = 1"), ""),
        (("absence = { margin = 3 }", "absence = false"), ""),
        (("buy = 4.5", "buy = 9"), ""),
        (("margin = 3", "members_within = '9d'"), "alerts.absence.members_within"),
        (("margin = 3", "least_members = 9"), "alerts.absence.least_members"),
        (("buy = 4.5", "buy = 0"), "the types that bring points"),
        (("impression = 0", "impression = 1"), "the types that bring points"),
    ],
)
def test_a_shadow_raises_absences_where_the_clocks_are_its_own_too(change: tuple[str, str], key: str) -> None:
    policy, shadow = policy_with(ABSENCE), policy_with(OWN, ABSENCE, change)
    problem = absence_problem(policy, shadow)
    assert problem.partition("differ: ")[2] == key
    assert with_shadow(policy, shadow).shadow_absence == (None if key else shadow.absence)


def test_a_shadow_raises_no_absences_where_the_policy_counts_no_members() -> None:
    policy, shadow = policy_with(), policy_with(OWN, ABSENCE)
    assert absence_problem(policy, shadow).endswith("differ: alerts.absence")
    assert with_shadow(policy, shadow).shadow_absence is None
    assert shadow_problems(policy, shadow) == []


def test_what_only_the_policy_asks_for_is_no_hindrance() -> None:
    amounts = policy_with(
        ("cap = { view = 3 }", 'cap = { view = 3 }\npoints = { buy = { property = "amount", points = 1, per = 10 } }')
    )
    assert shadow_problems(amounts, policy_with(OWN)) == []


def test_the_shadow_needs_a_version_and_a_name_of_its_own() -> None:
    [problem] = shadow_problems(policy_with(), policy_with(("buy = 4.5", "buy = 9")))
    assert "'by-hand' is that of the policy itself" in problem
    named = parse_policy(POLICY + "[scores.shadow.channels.web]\nweights = { buy = 1 }\n")
    [problem] = shadow_problems(named, policy_with(OWN))
    assert "has a score of the name 'shadow'" in problem


def test_the_digest_tells_a_policy_with_a_shadow_from_one_without() -> None:
    both = with_shadow(policy_with(), policy_with(OWN))
    assert policy_digest(both) != policy_digest(policy_with())
    assert policy_digest(both) != policy_digest(with_shadow(policy_with(), policy_with(OWN, ("buy = 4.5", "buy = 9"))))
    assert without_shadow(both) == policy_with()
    assert (both.text, both.shadow, policy_with().shadow) == (POLICY, policy_with(OWN), None)
    assert fixed_differences(policy_with(), policy_with(), both) == []


def test_an_event_that_the_shadow_signals_is_told_from_others() -> None:
    signal = '[signals.angry]\non = ["web.complain"]\n'
    both = with_shadow(policy_with(), parse_policy(POLICY.replace(*OWN) + signal))
    assert len(both.signalled) == 1
    assert policy_with().signalled == frozenset()
