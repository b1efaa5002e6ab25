"""The funnels of a policy file, and the signals on their steps."""

from __future__ import annotations

import pytest

from scoring.errors import PolicyError
from scoring.policy.change import policy_digest
from scoring.policy.channels import type_code
from scoring.rules.funnels import Funnel
from scoring.rules.signals import FUNNEL
from streams.policy_file.document import parse_policy
from tests.unit.scoring.customers import POLICY

CHECKOUT = '[funnels.checkout]\nsteps = ["web.view", ["web.buy", "social.post"]]\nwithin = "2d"'
WITHIN = (
    "funnels.checkout.within: must be a whole number of panes of 1d, at most 3d: the window, and what window and trend "
    "have beyond a day"
)
WRITTEN = "a type is written CHANNEL.TYPE, and 0 will do"


def test_a_funnel_is_read_with_the_codes_and_the_words_of_its_steps() -> None:
    policy = parse_policy(f'{POLICY}\n{CHECKOUT}\n[signals.bought]\nfunnel = "checkout"\nstep = 2')
    buy, post = type_code("web", "buy"), type_code("social", "post")
    steps = ((type_code("web", "view"),), tuple(sorted([buy, post])))
    assert policy.figures.funnels == (Funnel("checkout", steps, 2, ("web.view", "web.buy or social.post")),)
    [rule] = policy.signals
    assert (rule.kind, rule.funnel, rule.step) == (FUNNEL, "checkout", 2)
    assert len({policy_digest(policy), policy_digest(parse_policy(POLICY))}) == 2


def test_a_policy_without_funnels_counts_nothing_for_them() -> None:
    assert not parse_policy(POLICY).tallied
    assert parse_policy(f"{POLICY}\n{CHECKOUT}").tallied


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ("[funnels]\nf = 3", "funnels.f: must be a table, [funnels.f]"),
        (
            CHECKOUT.replace("checkout", "Check"),
            "funnels.Check: a funnel's name is 1 to 32 characters out of a-z 0-9 _, a letter first",
        ),
        (
            CHECKOUT.replace('"web.view", ', ""),
            "funnels.checkout.steps: must be 2 to 10 steps, each a type or a list of types",
        ),
        (
            CHECKOUT.replace("social.post", "social.nothing"),
            f"funnels.checkout.steps: there is no weight for 'social.nothing'; {WRITTEN}",
        ),
        (CHECKOUT.replace("social.post", "web.view"), "funnels.checkout.steps: 'web.view' stands in two steps"),
        (
            CHECKOUT.replace("2d", "4d"),
            WITHIN,
        ),
        (
            CHECKOUT.replace('\nwithin = "2d"', ""),
            "funnels.checkout.within: is missing: the time for all steps: whole panes, at most the window",
        ),
        (
            f'{CHECKOUT}\n[signals.a]\nfunnel = "way"\nstep = 2',
            "signals.a.funnel: there is no funnel 'way'; there are checkout",
        ),
        (f'{CHECKOUT}\n[signals.a]\nfunnel = "checkout"\nstep = 3', "signals.a.step: the funnel has 2 steps"),
        (
            f'{CHECKOUT}\n[signals.a]\nfunnel = "checkout"\nstep = 1',
            "signals.a.step: 1 is not the number of a step, 2 to 10",
        ),
    ],
)
def test_what_is_wrong_with_a_funnel_is_told(table: str, problem: str) -> None:
    with pytest.raises(PolicyError) as caught:
        parse_policy(f"{POLICY}\n{table}")
    assert list(caught.value.problems) == [problem]


def test_funnels_are_told_by_the_day_and_need_panes_that_divide_it() -> None:
    with pytest.raises(PolicyError) as caught:
        parse_policy(f"{POLICY}\n{CHECKOUT}".replace('length = "3d"\npane = "1d"', 'length = "4d"\npane = "2d"'))
    assert caught.value.problems[0] == (
        "funnels: are counted by day; they need panes that divide a day, and a window of 1d or more"
    )
