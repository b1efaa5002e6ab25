"""Rules by which events count as those of another type: what is wrong with them, and what a policy makes of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scoring.errors import PolicyError
from scoring.policy.change import fixed_differences, policy_digest
from scoring.rules.absence import AbsenceRule
from streams.policy_file.document import builtin_policy, parse_policy
from streams.policy_file.type_rules import MOST_RULES

CHANNEL = "[channels.survey]\nweights = { answer = 0, detractor = -10 }\n"
RULE = """[[channels.survey.types]]
type = "answer"
as = "detractor"
when = { "properties.score" = { at_most = 6 } }
"""


def problems(text: str) -> list[str]:
    """List what is wrong with a policy that has the channel."""
    with pytest.raises(PolicyError) as error:
        parse_policy(CHANNEL + text)
    return list(error.value.problems)


def of_condition(written: str) -> list[str]:
    """List what is wrong with a rule that has a condition; each problem without where it is."""
    lines = problems(RULE.replace('{ "properties.score" = { at_most = 6 } }', written))
    where = "channels.survey.types[0].when: "
    assert all(line.startswith(where) for line in lines)
    return [line.removeprefix(where) for line in lines]


def test_all_problems_of_all_rules_come_at_once() -> None:
    text = """
[[channels.survey.types]]
type = ["answr", "answer"]
as = 3
where = { "properties.score" = 3 }
[[channels.survey.types]]
as = "answer"
when = { "properties.score" = { at_most = "6" }, score = 3 }
unless = 5
[[channels.survey.types]]
type = ["answer", "detractor"]
as = "answer"
when = { "properties.score" = 3 }
"""
    where = "channels.survey.types"
    assert sorted(problems(text)) == [
        f"{where}[0].as: 3 is not the name of a type",
        f"{where}[0].type: there is no weight for 'answr' in channels.survey.weights; 0 will do",
        f"{where}[0].when: is missing; without a condition all events would be of the other type",
        f"{where}[0].where: unknown key; allowed here: type, as, when, unless",
        f"{where}[1].type: is missing: the type of the events, or a list of types; each has a weight",
        f'{where}[1].unless: must be a table of paths and values, such as {{ op = ["c", "r"] }}',
        f"{where}[1].when: 'score' is no path into the properties of an event, such as properties.score",
        f"{where}[1].when: properties.score: at_most must be a number",
        f"{where}[2].as: 'answer' stands in type, too",
    ]


def test_rules_are_tables_and_not_too_many() -> None:
    expected = "channels.survey.types: must be tables, [[channels.survey.types]], with type, as, when, unless"
    assert problems("types = 3") == problems('types = { type = "answer" }') == [expected]
    assert problems(RULE * (MOST_RULES + 1)) == ["channels.survey.types: there are 101; at most 100 are asked"]


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("{}", 'must be a table of paths and values, such as { op = ["c", "r"] }'),
        ('{ "properties.a" = { at_least = 2, at_most = 1 } }', "properties.a: at_least is more than at_most"),
        ('{ "properties.a" = { at_least = nan } }', "properties.a: at_least must be a number"),
        ('{ "properties.a" = { at_least = true } }', "properties.a: at_least must be a number"),
        ('{ "properties.a" = { starts_with = "" } }', "properties.a: starts_with must be a text"),
        ('{ "properties.a" = { contains = "" } }', "properties.a: contains must be a text, a number, true or false"),
        (
            '{ "properties.a" = { one_of = 3 } }',
            "properties.a: one_of must be a list of texts, numbers, true or false",
        ),
        ('{ "properties.a" = { one_of = [1], equals = 1 } }', "properties.a: equals and one_of exclude each other"),
        ('{ "properties.a" = { present = 1 } }', "properties.a: present must be true or false"),
        (
            '{ "properties.a" = { same_as = "b" } }',
            "'b' is no path into the properties of an event, such as properties.score",
        ),
        ("{ properties = 3 }", "'properties' is no path into the properties of an event, such as properties.score"),
        (
            '{ "$.properties.a" = 3 }',
            "'$.properties.a' is no path into the properties of an event, such as properties.score",
        ),
    ],
)
def test_a_condition_that_could_not_be_meant_is_refused(written: str, problem: str) -> None:
    assert of_condition(written) == [problem]


@pytest.mark.parametrize("key", ["at_lest", "equal", "startswith"])
def test_a_word_that_is_spelled_wrong_is_no_path(key: str) -> None:
    meant = {"at_lest": "at_least", "equal": "equals", "startswith": "starts_with"}[key]
    written = f"{{ properties.a = {{ {key} = 3, other = 4 }} }}"
    expected = f"properties.a: {key!r} is probably {meant}; else quote the whole path"
    assert of_condition(written) == [expected]
    assert parse_policy(CHANNEL + RULE.replace('"properties.score"', f'"properties.a.{key}"')).channels[0].rules


@pytest.mark.parametrize(
    "written",
    [
        '"properties.a" = { matches = "x.*" }',
        '"properties.a" = { at_least = 1, matches = 5 }',
        "properties.a = { at_least = 1, matches = 5 }",
    ],
)
def test_a_word_that_no_condition_has_is_not_taken_for_a_part_of_the_path(written: str) -> None:
    (problem,) = of_condition(f"{{ {written} }}")
    assert problem.startswith("properties.a: 'matches' is none of equals, one_of, at_least")
    for whole in ("properties.a.matches", '"properties.a.matches"'):
        rule = RULE.replace('"properties.score" = { at_most = 6 }', f'{whole} = "x"')
        assert parse_policy(CHANNEL + rule).channels[0].rules


def test_a_rule_is_part_of_the_digest_and_can_change_while_workers_run() -> None:
    plain, ruled = parse_policy(CHANNEL), parse_policy(CHANNEL + RULE)
    other = parse_policy(CHANNEL + RULE.replace("6", "5"))
    assert len({policy_digest(policy) for policy in (plain, ruled, other)}) == 3
    assert fixed_differences(plain, plain, ruled) == []


def test_a_policy_without_rules_has_the_digest_that_it_had_before_there_were_any() -> None:
    # The built-in one of that time, whose rule of absence was the plain one.
    policy = replace(builtin_policy(), absence=AbsenceRule())
    assert policy_digest(policy) == "25fa8d1210d89bc9d434d87417809488"


def test_segments_and_named_scores_keep_the_rules() -> None:
    policy = parse_policy(
        CHANNEL + RULE + "[segments.vip.channels.survey]\nweights = { detractor = -20 }\n"
        "[scores.care.channels.survey]\nweights = { detractor = -1 }\n"
    )
    rules = policy.channels[0].rules
    assert len(rules) == 1
    assert policy.of("vip").channels[0].rules == policy.scores[0].policy.channels[0].rules == rules
