"""Named scores: other weights for the same counts, with alerts of their own where they are asked for."""

from __future__ import annotations

import pytest

from scoring.errors import PolicyError
from scoring.judging.alerts import Alert, message
from scoring.judging.named_scores import view_of
from scoring.judging.score import trend
from scoring.points import POINT, text
from scoring.policy.change import fixed_differences, policy_digest
from scoring.policy.policy import BANDS
from scoring.rules.details import Detail
from streams.policy_file.document import parse_policy
from tests.unit.scoring.customers import POLICY, Customer, at, policy_with

#: Views and posts alone: six posts are 60 points.
LOUD = """
[scores.loud]
alerts = true
[scores.loud.channels.social]
weights = { post = 10 }
[scores.loud.channels.web]
weights = { view = 1 }
[scores.loud.bands]
engaged = 15
highly_engaged = 50
power = 90
"""
QUIET = """
[scores.quiet.channels.web]
weights = { buy = 100 }
"""


def customer(*texts: str) -> Customer:
    """Give a stranger under the policy with some named scores."""
    return Customer(policy_with(text=POLICY + "".join(texts)))


def by_name(anna: Customer) -> dict[str, tuple[str, str, str]]:
    """Give score, band and trend by each named score."""
    found = {}
    for score in anna.policy.scores:
        view = view_of(score, anna.state)
        found[score.name] = text(view.score), BANDS[view.band], text(trend(score.policy, view))
    return found


def named(anna: Customer) -> list[tuple[str, str, str]]:
    """Give the alerts of named scores: whose, kind, severity."""
    alerts = [each for each in anna.transitions if isinstance(each, Alert)]
    return [(each.score_name, each.kind, each.severity) for each in alerts if each.score_name]


def test_the_same_counts_are_scored_by_several_weightings() -> None:
    anna = customer(LOUD, QUIET)
    anna.do("post", "01 09:00", 6)
    anna.do("view", "02 09:00", 5)
    anna.do("buy", "02 09:00")

    # The cap of views is that of the policy.
    assert anna.score == 12 + 3 + 4.5
    assert by_name(anna) == {"loud": ("63", "highly_engaged", "3"), "quiet": ("100", "power", "100")}


def test_a_named_score_raises_alerts_of_its_own_beside_those_of_the_score() -> None:
    anna = customer(LOUD)
    anna.do("post", "01 09:00", 2)
    assert (anna.band, by_name(anna)["loud"][1]) == ("disengaged", "engaged")
    anna.judge("04 12:00")

    assert anna.story == [("churn_risk", "04 00:00", 0)]
    assert named(anna) == [("loud", "churn_risk", "warning")]
    anna.do("post", "05 09:00", 3)
    assert named(anna)[1:] == [("loud", "recovered", "info")]


def test_changes_of_band_are_told_of_the_score_alone() -> None:
    anna = customer(LOUD)
    anna.do("post", "01 09:00", 2)
    assert anna.changes == []


def test_without_alerts_there_is_nothing_but_the_fields() -> None:
    anna = customer(QUIET)
    anna.do("buy", "01 09:00")
    anna.judge("09 00:00")

    assert (anna.transitions, anna.state.named) == ([], None)


def test_a_drop_by_silence_is_scheduled_as_a_crossing() -> None:
    anna = customer(LOUD)
    anna.do("post", "01 09:00", 2)
    anna.do("complain", "02 09:00")
    visited = []
    while anna.due:
        visited.append((anna.due, anna.state.due_crosses))
        anna.judge(anna.due)

    assert ("04 00:00", True) in visited
    assert [flag for _, flag in visited].count(True) == 1
    # By the other one the complaint is all that is left.
    assert anna.story == [("churn_risk", "04 00:00", -4), ("churn_risk", "04 00:00", 0)]


def test_a_drop_that_the_cooldown_holds_back_is_scheduled_for_its_end() -> None:
    anna = customer(LOUD.replace("view = 1", "view = 1, complain = -40"))
    anna.do("post", "01 09:00", 2)
    anna.judge("04 00:00")
    anna.do("post", "04 01:00", 2)
    anna.do("complain", "04 02:00")
    assert (anna.due, anna.state.due_crosses) == ("04 12:00", True)
    anna.judge(anna.due)

    assert [(kind, time) for kind, time, _ in anna.story] == [
        ("churn_risk", "04 00:00"),
        ("recovered", "04 01:00"),
        ("churn_risk", "04 12:00"),
    ]
    assert len(named(anna)) == 3


def test_the_score_itself_is_scheduled_as_ever() -> None:
    anna = customer(LOUD)
    anna.do("buy", "01 09:00", 3)
    while anna.due:
        anna.judge(anna.due)

    assert anna.story == [("churn_risk", "04 00:00", 0)]
    assert named(anna) == []


def test_an_alert_names_its_score_and_has_an_id_of_its_own() -> None:
    plain = Alert("churn_risk", 1, 2, 0, 20 * POINT, at("04 00:00"), [])
    loud = Alert("churn_risk", 1, 2, 0, 20 * POINT, at("04 00:00"), [], score_name="loud")
    first, second = message("anna", plain, 0, "v"), message("anna", loud, 0, "v")

    assert "score_name" not in first
    assert second == {**first, "alert_id": second["alert_id"], "episode_id": second["alert_id"], "score_name": "loud"}
    assert first["alert_id"] != second["alert_id"]


def test_a_score_that_a_new_policy_adds_raises_nothing_for_what_was_before() -> None:
    anna = customer()
    anna.do("post", "01 09:00", 2)
    anna.policy = policy_with(('version = "by-hand"', 'version = "second"'), text=POLICY + LOUD)
    anna.judge("01 10:00")
    assert (by_name(anna)["loud"][:2], anna.transitions) == (("20", "engaged"), [])
    anna.judge("04 12:00")

    assert named(anna) == [("loud", "churn_risk", "warning")]


def test_other_weights_are_no_change_of_the_customer() -> None:
    anna = customer(LOUD)
    anna.do("post", "01 09:00", 2)
    second = LOUD.replace("post = 10", "post = 2")
    anna.policy = policy_with(('version = "by-hand"', 'version = "second"'), text=POLICY + second)
    anna.judge("01 10:00")

    assert (by_name(anna)["loud"][:2], named(anna)) == (("4", "disengaged"), [])
    anna.judge("09 00:00")
    assert named(anna) == []


def problems(text: str) -> list[str]:
    """Give what is wrong with a policy."""
    with pytest.raises(PolicyError) as error:
        parse_policy(POLICY + text)
    return list(error.value.problems)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[scores.Loud]", "scores.Loud: a score's name is 1 to 32 characters out of a-z 0-9 _, a letter first"),
        ("[scores]\nloud = 3", "scores.loud: must be a table, [scores.loud]"),
        ("[scores.loud]", "scores.loud.channels: is missing: weights and caps by channel"),
        ("[scores.loud]\ncolour = 3", "scores.loud.colour: unknown key; allowed here: alerts, bands, channels"),
        ('[scores.loud]\nalerts = "yes"', "scores.loud.alerts: must be true or false"),
        ("[scores.loud]\nbands = 3", "scores.loud.bands: must be a table, [scores.loud.bands]"),
        (
            "[scores.loud.bands]\nat_risk = 3",
            "scores.loud.bands.at_risk: unknown key; allowed here: disengaged, engaged, highly_engaged, power",
        ),
        ("[scores.loud.channels.fax]", "scores.loud.channels.fax: the policy has no such channel"),
        (
            "[scores.loud.channels.web]",
            "scores.loud.channels.web.weights: is missing: points by event type; types that are left out bring none",
        ),
        (
            "[scores.loud.channels.web]\nweights = { fax = 1 }",
            "scores.loud.channels.web.weights.fax: the policy has no weight for this type, not even 0",
        ),
        (
            '[scores.loud.channels.web]\ntopic = "a"\nweights = { view = 1 }',
            "scores.loud.channels.web.topic: unknown key; allowed here: weights, cap",
        ),
        (
            "[scores.loud.channels.web]\nweights = { view = 1 }\ncap = 3",
            "scores.loud.channels.web.cap: must be a table such as { open = 1, click = 5 }",
        ),
        (
            '[scores.loud.channels.web]\nweights = { view = "x" }',
            "scores.loud.channels.web.weights.view: 'x' is not a number",
        ),
        (
            "\n".join(f"[scores.s{number}.channels.web]\nweights = {{ view = 1 }}" for number in range(11)),
            "scores: there may be at most 10",
        ),
    ],
)
def test_what_is_wrong_with_a_score_is_named(text: str, problem: str) -> None:
    assert problem in problems(text)


def test_scores_that_are_no_table_are_refused() -> None:
    with pytest.raises(PolicyError, match=r"must be a table of tables"):
        parse_policy("scores = 3")


def test_named_scores_tell_policies_apart_and_may_change_live() -> None:
    plain, quiet = parse_policy(POLICY), parse_policy(POLICY + QUIET)

    assert policy_digest(plain) != policy_digest(quiet)
    assert policy_digest(parse_policy(POLICY + LOUD + QUIET)) == policy_digest(parse_policy(POLICY + QUIET + LOUD))
    assert fixed_differences(plain, plain, quiet) == []
    assert quiet.score_fields == ("score:quiet", "band:quiet", "trend:quiet")


def test_segments_and_named_scores_stand_side_by_side() -> None:
    anna = customer(LOUD, "[segments.large.channels.social]\nweights = { post = 5 }\n")
    anna.do("post", "01 09:00", 2)
    anna.judge("01 10:00", anna.event("post", "01 10:00").with_detail(Detail((), "", "large")))

    assert (anna.score, by_name(anna)["loud"][0]) == (15, "30")
