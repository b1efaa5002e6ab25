"""What a policy file says when it is right."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scoring.instants import DAY, HOUR, MINUTE, SECOND
from scoring.points import POINT
from scoring.policy.channels import NO_CAP, type_code
from scoring.policy.policy import AT_RISK, DISENGAGED, Policy
from streams.policy_file.builtin import BUILTIN_POLICY
from streams.policy_file.document import builtin_policy, parse_policy

EVERYTHING = """
version = "2026-11-a"
[window]
length = "2w"
pane = "12h"
trend = "36h"
half_life = "3d"
[bands]
disengaged = -5
engaged = 10.5
highly_engaged = 20
power = 30
[alerts]
drops = "at_risk"
rearm_margin = 2.5
cooldown = "90m"
warn_before = "3d"
[clock]
lateness = "5s"
idle_after = "1m"
[events]
remember_ids = "1d"
[dead_letters]
stop_above = 0.29
over = "5m"
at_least = 7
[channels.calls]
topic = "phone.calls"
weights = { answered = 10, "hung up" = -0.25, rang = 0 }
cap = { answered = 3 }
[channels.mail_2]
weights = { letter = 7 }
"""


def test_every_key_is_taken() -> None:
    policy = parse_policy(EVERYTHING)

    assert policy.version == "2026-11-a"
    assert (policy.length, policy.pane, policy.trend, policy.half_life) == (14 * DAY, 12 * HOUR, 36 * HOUR, 3 * DAY)
    assert policy.bounds == (-5 * POINT, 10_500_000, 20 * POINT, 30 * POINT)
    assert (policy.rearm_margin, policy.cooldown, policy.warn_before) == (2_500_000, 90 * MINUTE, 3 * DAY)
    assert policy.drops_into == AT_RISK
    assert (policy.most_bad, policy.bad_over, policy.bad_records) == (290_000, 5 * MINUTE, 7)
    assert (policy.lateness, policy.idle_after, policy.remember_ids) == (5 * SECOND, MINUTE, DAY)
    assert [(channel.name, channel.topic) for channel in policy.channels] == [
        ("calls", "phone.calls"),
        ("mail_2", "mail_2"),
    ]


def test_weights_and_caps_are_those_of_their_type() -> None:
    policy = parse_policy(EVERYTHING)

    assert [(kind.channel, kind.name, kind.weight, kind.cap) for kind in policy.types.values()] == [
        (0, "answered", 10 * POINT, 3),
        (0, "hung up", -250_000, NO_CAP),
        (0, "rang", 0, NO_CAP),
        (1, "letter", 7 * POINT, NO_CAP),
    ]
    assert list(policy.types) == [kind.code for kind in policy.types.values()]
    assert policy.types[type_code("mail_2", "letter")].name == "letter"


def test_an_empty_file_is_the_built_in_policy_but_for_its_version_and_absences() -> None:
    empty, builtin = parse_policy(""), replace(builtin_policy(), absence=None)

    assert empty.version != builtin.version
    assert _without_version(empty) == _without_version(builtin)


def test_the_built_in_policy_is_that_of_the_documentation() -> None:
    policy = builtin_policy()

    assert policy.version == "builtin-2"
    assert (policy.length, policy.pane, policy.trend, policy.half_life) == (30 * DAY, DAY, 7 * DAY, 0)
    assert policy.bounds == (0, 41 * POINT, 71 * POINT, 101 * POINT)
    assert (policy.rearm_margin, policy.cooldown, policy.warn_before) == (5 * POINT, DAY, 0)
    assert policy.drops_into == DISENGAGED
    assert (policy.lateness, policy.idle_after, policy.remember_ids) == (0, 10 * SECOND, 72 * HOUR)
    assert [channel.topic for channel in policy.channels] == ["clickstream", "email", "social"]
    assert policy.types[type_code("social", "impression")].weight == 0
    assert policy.types[type_code("email", "unsubscribe")].weight == -40 * POINT


@pytest.mark.parametrize("section", ["window", "bands", "alerts", "clock", "events", "channels.email"])
def test_a_section_left_out_takes_the_built_in_values(section: str) -> None:
    sections = BUILTIN_POLICY.split("\n[")
    kept = [part for part in sections if not part.startswith(f"{section}]")]
    policy = parse_policy("\n[".join(kept))

    assert len(kept) == len(sections) - 1
    if section.startswith("channels"):
        assert [channel.name for channel in policy.channels] == ["clickstream", "social"]
    else:
        assert policy == builtin_policy()


def test_given_channels_replace_the_built_in_ones() -> None:
    policy = parse_policy("[channels.calls]\nweights = { answered = 1 }")

    assert [channel.name for channel in policy.channels] == ["calls"]


def test_a_version_is_made_from_the_content_where_none_is_given() -> None:
    one = parse_policy('[window]\nlength = "10d"')
    same = parse_policy('# with a comment\n[window]\n  length="10d"')
    other = parse_policy('[window]\nlength = "11d"')

    assert one.version.startswith("unnamed-")
    assert one.version == same.version != other.version


@pytest.mark.parametrize("version", ["x", "é" * 32, "x" * 64])
def test_a_version_may_have_64_bytes(version: str) -> None:
    assert parse_policy(f'version = "{version}"').version == version


@pytest.mark.parametrize(
    ("score", "band"), [(-1, 0), (0, 1), (40_999_999, 1), (41 * POINT, 2), (71 * POINT, 3), (101 * POINT, 4)]
)
def test_a_lower_bound_belongs_to_its_band(score: int, band: int) -> None:
    assert builtin_policy().band_of(score) == band


def test_panes_are_kept_for_the_window_and_for_the_trend() -> None:
    policy = parse_policy('[window]\nlength = "3d"\npane = "1d"\ntrend = "36h"')

    assert (policy.panes, policy.kept_panes) == (3, 5)


def test_a_pane_loses_half_its_points_in_a_half_life() -> None:
    faded = parse_policy('[window]\nlength = "4d"\nhalf_life = "2d"')
    plain = parse_policy('[window]\nlength = "4d"')

    assert [faded.factor(age) for age in range(4)] == pytest.approx([1, 0.5**0.5, 0.5, 0.5**1.5])
    assert [plain.factor(age) for age in range(4)] == [1, 1, 1, 1]


def _without_version(policy: Policy) -> dict[str, object]:
    return {name: value for name, value in vars(policy).items() if name not in ("version", "text")}
