"""Whether two policy files say the same, and what of a new one a live system cannot follow."""

from __future__ import annotations

import pytest

from scoring.policy.change import fixed_differences, policy_digest
from streams.policy_file.document import builtin_policy, parse_policy
from tests.unit.docs.reading import DEPLOY
from tests.unit.scoring.customers import POLICY, policy_with

SHARED = parse_policy(POLICY)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("engaged = 10\nhighly_engaged = 20", "highly_engaged = 20\nengaged = 10"),
        ('cooldown = "12h"', 'cooldown = "12h"  # half a day'),
        ('lateness = "0s"', 'lateness = "5s"'),
        ("[alerts]", "[dead_letters]\nstop_above = 1\n[alerts]"),
        ("[alerts]", '[events]\nremember_ids = "72h"\n[alerts]'),
        (", impression = 0", ", impression = 0.0"),
    ],
)
def test_order_comments_and_what_each_worker_takes_from_its_own_file_do_not_count(old: str, new: str) -> None:
    assert policy_digest(policy_with((old, new))) == policy_digest(SHARED)


def test_the_order_of_channels_does_not_count() -> None:
    head, web, social = POLICY[: POLICY.index("[channels.web]")], *POLICY.split("[channels.")[1:]
    assert policy_digest(parse_policy(f"{head}[channels.{social}\n[channels.{web}")) == policy_digest(SHARED)


def test_the_files_that_hold_the_built_in_policy_are_the_same_policy() -> None:
    default = (DEPLOY / "policies" / "default.toml").read_text(encoding="utf-8")
    assert policy_digest(parse_policy(default)) == policy_digest(builtin_policy())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("post = 2", "post = 2.5"),
        ("view = 3", "view = 4"),
        ("engaged = 10", "engaged = 11"),
        ('cooldown = "12h"', 'cooldown = "11h"'),
        ('"by-hand"', '"by-foot"'),
    ],
)
def test_everything_else_counts(old: str, new: str) -> None:
    assert policy_digest(policy_with((old, new))) != policy_digest(SHARED)


@pytest.mark.parametrize(
    ("old", "new"), [('text = "comment"', 'text = "body"'), ('channel = "web"', 'channel = "social"')]
)
def test_the_texts_of_a_sentiment_and_whose_sessions_a_measure_means_count(old: str, new: str) -> None:
    text = POLICY.replace(
        'topic = "web"', 'topic = "web"\nsessions = "30m"\nsentiment = { text = "comment", model = "vader-1" }'
    )
    text = text.replace('topic = "social"', 'topic = "social"\nsessions = "30m"')
    text += '[measures.visits]\nkind = "sessions"\nchannel = "web"\n'
    assert policy_digest(parse_policy(text.replace(old, new))) != policy_digest(parse_policy(text))


def test_a_measure_of_the_only_sessions_has_the_digest_that_it_had_before_channels_were_told_apart() -> None:
    text = POLICY.replace('topic = "web"', 'topic = "web"\nsessions = "30m"')
    text += '[measures.visits]\nkind = "sessions"\nchannel = "web"\n'
    assert policy_digest(parse_policy(text)) == "c7087edb79bb7a19bddef15a460a8c53"


def test_a_policy_keeps_the_text_that_it_was_read_from() -> None:
    assert SHARED.text == POLICY


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("post = 2", "post = 3"),
        ("impression = 0", "impression = 0, wave = 1"),
        (", impression = 0", ""),
        ("view = 3", "view = 1"),
        ("power = 30", "power = 40"),
        ("rearm_margin = 2", "rearm_margin = 0"),
        ('cooldown = "12h"', 'cooldown = "1h"'),
        ('"by-hand"', '"second"'),
    ],
)
def test_weights_types_caps_bands_and_alert_rules_can_change_live(old: str, new: str) -> None:
    assert fixed_differences(SHARED, SHARED, policy_with((old, new))) == []


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('length = "3d"', 'length = "4d"', "window.length"),
        ('pane = "1d"', 'pane = "12h"', "window.pane"),
        ('trend = "1d"', 'trend = "2d"', "window.trend"),
        ('trend = "1d"', 'trend = "1d"\nhalf_life = "9d"', "window.half_life"),
        ('lateness = "0s"', 'lateness = "5s"', "clock.lateness"),
        ('idle_after = "10s"', 'idle_after = "9s"', "clock.idle_after"),
        ("[alerts]", '[events]\nremember_ids = "1h"\n[alerts]', "events.remember_ids"),
        ("[alerts]", "[dead_letters]\nstop_above = 1\n[alerts]", "dead_letters.stop_above"),
        ("[alerts]", '[dead_letters]\nover = "9m"\n[alerts]', "dead_letters.over"),
        ("[alerts]", "[dead_letters]\nat_least = 9\n[alerts]", "dead_letters.at_least"),
        ("[channels.social]", "[channels.chat]", "channels.social"),
        ("[channels.social]", "[channels.chat]", "channels.chat"),
        ('topic = "social"', 'topic = "chat"', "channels.social.topic"),
        ('topic = "social"', 'topic = "social"\nsilence_after = "1h"', "channels.social.silence_after"),
    ],
)
def test_what_cannot_change_live_is_named(old: str, new: str, key: str) -> None:
    assert key in fixed_differences(SHARED, SHARED, policy_with((old, new)))
