"""Which figures a policy wants: what is read, and what is wrong with it."""

from __future__ import annotations

import pytest

from scoring.errors import PolicyError
from scoring.instants import DAY
from scoring.policy.change import policy_digest
from scoring.rules.figure_rules import NO_RULES, ChurnRule
from streams.policy_file.document import builtin_policy, parse_policy

CHANNEL = "[channels.email]\nweights = { open = 1, click = 5, cancel = 0 }\n"
SESSIONS = '[channels.web]\nweights = { view = 1 }\nsessions = "30m"\n'


def problems(text: str) -> list[str]:
    """List what is wrong with a policy."""
    with pytest.raises(PolicyError) as error:
        parse_policy(CHANNEL + text)
    return list(error.value.problems)


def test_a_policy_that_asks_for_nothing_adds_nothing_up() -> None:
    policy = builtin_policy()
    assert policy.figures == NO_RULES
    assert not policy.tallied
    assert policy.past_from(100 * DAY) is None
    named = 'version = "one"\n' + CHANNEL
    digest = policy_digest(parse_policy(named))
    assert digest == policy_digest(parse_policy(named + "[kpi]\nby_day = false\n"))
    assert digest != policy_digest(parse_policy(named + "[kpi]\nby_channel = true\n"))


def test_groups_and_the_rule_for_who_is_lost_are_read() -> None:
    text = '[kpi.churn]\nafter = "60d"\nby = ["email.cancel"]\n'
    text += '[kpi.groups.campaign]\nproperty = "campaign"\nof = ["email.open", "email.click", "email.open"]\n'
    policy = parse_policy(CHANNEL + text)
    codes = {kind.name: kind.code for kind in policy.types.values()}
    assert policy.figures.churn == ChurnRule(60 * DAY, (codes["cancel"],))
    [group] = policy.figures.groupings
    assert (group.name, group.property, group.largest) == ("campaign", "campaign", 100)
    assert group.types == ((codes["open"], "email.open"), (codes["click"], "email.click"))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[kpi]\nby_day = 1\n", "kpi.by_day: must be true or false"),
        ("[kpi]\ngroups = 3\n", "kpi.groups: must hold tables, such as [kpi.groups.campaign]"),
        ("[kpi.groups]\nx = 3\n", "kpi.groups.x: must be a table, [kpi.groups.x]"),
        (
            '[kpi.groups.X]\nproperty = "x"\nof = ["email.open"]\n',
            "kpi.groups.X: a group's name is 1 to 32 characters out of a-z 0-9 _, a letter first",
        ),
        (
            '[kpi.groups.x]\nof = ["email.open"]\n',
            "kpi.groups.x.property: is missing: name in the properties of the events",
        ),
        (
            '[kpi.groups.x]\nproperty = "x"\nof = ["email.seen"]\n',
            "kpi.groups.x.of: there is no type 'email.seen' in the channels",
        ),
        (
            '[kpi.groups.x]\nproperty = "x"\n',
            "kpi.groups.x.of: is missing: types of events such as email.click",
        ),
        (
            '[kpi.groups.x]\nproperty = "x"\nof = ["email.open"]\nlargest = 0\n',
            "kpi.groups.x.largest: 0 is not a number of values, 1 to 1000",
        ),
        (
            '[kpi.groups.x]\nproperty = "x"\nof = ["email.open"]\nmost = 1\n',
            "kpi.groups.x.most: unknown key; allowed here: property, of, largest",
        ),
        ("[kpi]\nchurn = 3\n", 'kpi.churn: must be a table with after or by or both, such as { after = "60d" }'),
        (
            '[kpi.churn]\nafter = "36h"\n',
            "kpi.churn.after: '36h' is not whole days, at most 1000d; 0d: never",
        ),
        (
            '[kpi.churn]\nafter = "0d"\n',
            "kpi.churn: with neither silence nor events nobody would ever be lost",
        ),
        ('[kpi.churn]\nafter = "9d"\nwhen = 1\n', "kpi.churn.when: unknown key; allowed here: after, by"),
        (
            '[window]\nlength = "1h"\npane = "1h"\ntrend = "0s"\n[kpi]\nby_day = true\n' + SESSIONS,
            "kpi.by_day: the window and the trend must be longer than channels.web.sessions",
        ),
    ],
)
def test_what_is_wrong_is_said(text: str, problem: str) -> None:
    assert problems(text) == [problem]
