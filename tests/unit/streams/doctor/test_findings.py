"""What the doctor says of what it has read, servers apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from scoring.instants import DAY, MILLISECOND, SECOND
from scoring.policy.shadow import with_shadow
from scoring.rules.absence import AbsenceRule
from streams.doctor.configuration import Configuration, settings_findings
from streams.doctor.finding import Finding, Level, Untold
from streams.doctor.kafka import broker_findings, session_findings
from streams.doctor.policy import in_force_findings, shadow_findings
from streams.doctor.redis import clock_findings, persistence_findings, server_findings
from streams.doctor.retention import retention_findings
from streams.doctor.topics import (
    cleaning_findings,
    compression_findings,
    output_findings,
    replica_findings,
    size_findings,
    topic_findings,
)
from streams.doctor.workers import member_findings, progress_findings, ready_findings, stranger_findings
from streams.kafka.topics import topic_settings
from streams.policy_file.document import builtin_policy
from streams.records import Partition
from streams.settings.settings import read_settings
from streams.store.policies import offered
from streams.store.protocol import Fence
from streams.topic_names import ALERTS, DEAD_LETTERS, ERASURES
from streams.worker.faust_app import make_app

POLICY = builtin_policy()
AS_CREATED = topic_settings(POLICY)


def levels(findings: Sequence[Finding]) -> list[str]:
    """Give the levels."""
    return [finding.level.value for finding in findings]


def changed(topic: str, **values: str) -> dict[str, dict[str, str]]:
    """Give the settings of all topics as the service creates them, but for some of one."""
    return {**AS_CREATED, topic: {**AS_CREATED[topic], **{name.replace("_", "."): v for name, v in values.items()}}}


def test_topics_as_the_service_creates_them_are_right() -> None:
    assert levels(retention_findings(POLICY, AS_CREATED)) == ["right"]
    assert cleaning_findings(POLICY, AS_CREATED) == size_findings(POLICY, AS_CREATED) == []


@pytest.mark.parametrize(("days", "level"), [(36, "doubtful"), (37, "right"), (38, "right")])
def test_topics_must_keep_window_and_trend(days: int, level: str) -> None:
    configs = changed("email", retention_ms=str(days * DAY // MILLISECOND))
    assert levels(retention_findings(POLICY, configs)) == [level]


def test_a_topic_without_an_end_keeps_enough_and_what_is_not_told_is_not_judged() -> None:
    assert levels(retention_findings(POLICY, changed("email", retention_ms="-1"))) == ["right"]
    assert levels(retention_findings(POLICY, {"email": {}})) == ["not checked"]
    assert retention_findings(POLICY, {}) == []


@pytest.mark.parametrize(("policy", "level"), [("compact", []), ("delete", ["wrong"]), ("compact,delete", ["wrong"])])
def test_erasures_are_kept_for_good(policy: str, level: list[str]) -> None:
    configs = changed(ERASURES, cleanup_policy=policy, retention_ms="1")
    assert levels(cleaning_findings(POLICY, configs)) == level


def test_links_and_profiles_that_are_not_kept_for_good_are_doubtful() -> None:
    policy = replace(POLICY, identities="links")
    assert levels(cleaning_findings(policy, {"links": {"cleanup.policy": "delete", "retention.ms": "5"}})) == [
        "doubtful"
    ]
    assert cleaning_findings(policy, {"links": {"cleanup.policy": "delete", "retention.ms": "-1"}}) == []


def test_dead_letters_take_what_the_topics_take() -> None:
    (found,) = size_findings(POLICY, changed(DEAD_LETTERS, max_message_bytes="1048588"))
    assert found.level is Level.DOUBTFUL
    assert "clickstream, email, social" in found.says


@pytest.mark.parametrize(
    ("settings", "level"),
    [
        ({}, []),
        ({"max_message_bytes": "5000"}, ["doubtful"]),
        ({"cleanup_policy": "compact"}, ["doubtful"]),
    ],
)
def test_topics_of_messages_hold_every_message(settings: dict[str, str], level: list[str]) -> None:
    assert levels(output_findings({ALERTS: changed(ALERTS, **settings)[ALERTS]})) == level


@pytest.mark.parametrize(
    ("replicas", "in_sync", "needed", "brokers", "level"),
    [
        (3, 3, 2, 3, []),
        (3, 2, 2, 3, []),
        (3, 1, 2, 3, ["wrong"]),
        (2, 2, 3, 3, ["wrong"]),
        (1, 1, 1, 3, ["doubtful"]),
        (1, 1, 1, 1, []),
        (1, 1, 2, 3, ["wrong", "doubtful"]),
    ],
)
def test_a_topic_has_replicas_enough(replicas: int, in_sync: int, needed: int, brokers: int, level: list[str]) -> None:
    partition = {"replicas": list(range(replicas)), "isr": list(range(in_sync))}
    configs = {"email": {"min.insync.replicas": str(needed)}}
    assert levels(replica_findings({"email": [partition]}, configs, brokers)) == level


def test_codecs_that_cannot_be_read_are_doubtful_and_wrong_where_a_topic_uses_them() -> None:
    zstd = {"email": {"compression.type": "zstd"}, "social": {"compression.type": "producer"}}
    assert levels(compression_findings(zstd, {"gzip", "snappy", "lz4", "zstd"})) == ["right"]
    assert levels(compression_findings(zstd, {"gzip", "snappy", "lz4"})) == ["wrong"]
    assert levels(compression_findings(zstd, {"gzip", "zstd"})) == ["doubtful"]


def described(topic: str, leaders: Sequence[int]) -> dict[str, list[dict[str, Any]]]:
    """Describe all topics with one partition each, and one with more."""
    one = {name: [{"partition": 0, "leader": 1}] for name in AS_CREATED}
    return {**one, topic: [{"partition": number, "leader": leader} for number, leader in enumerate(leaders)]}


@pytest.mark.parametrize(
    ("topic", "leaders", "level"),
    [("email", [1, 2], "right"), ("email", [1, -1], "wrong"), (ERASURES, [1, 1], "doubtful")],
)
def test_partitions_have_leaders_and_erasures_one_partition(topic: str, leaders: list[int], level: str) -> None:
    assert levels(topic_findings(POLICY, described(topic, leaders))) == [level]


def test_one_broker_of_several_that_is_away_is_doubtful_and_all_of_them_wrong() -> None:
    assert levels(broker_findings({"a:1": "", "b:1": ""})) == ["right"]
    assert levels(broker_findings({"a:1": "", "b:1": "gone"})) == ["doubtful"]
    assert levels(broker_findings({"a:1": "gone", "b:1": "gone"})) == ["wrong", "wrong"]


def bounds(least: int, most: int) -> dict[str, str]:
    """Give the settings of a broker."""
    return {"group.min.session.timeout.ms": str(least), "group.max.session.timeout.ms": str(most)}


@pytest.mark.parametrize(("seconds", "level"), [(5, "wrong"), (6, "right"), (20, "right"), (20.5, "wrong")])
def test_every_broker_must_take_the_session_timeout(seconds: float, level: str) -> None:
    configs = {"1": bounds(1000, 20_000), "2": bounds(6000, 60_000)}
    assert levels(session_findings(seconds, configs)) == [level]


def test_a_broker_that_does_not_tell_its_bounds_is_not_judged() -> None:
    with pytest.raises(Untold):
        session_findings(30, {"1": {}})


GOOD = {"redis_version": "7.2.4", "role": "master", "maxmemory_policy": "noeviction", "maxmemory": 0}


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        ({}, ["right"]),
        ({"redis_version": "6.2.1"}, ["wrong"]),
        ({"maxmemory_policy": "allkeys-lru", "role": "slave"}, ["wrong", "wrong"]),
        ({"redis_mode": "cluster"}, ["wrong"]),
        ({"maxmemory": 1000, "used_memory": 901}, ["doubtful"]),
        ({"maxmemory": 1000, "used_memory": 899}, ["right"]),
    ],
)
def test_all_that_is_wrong_with_a_redis_server_is_said_at_once(info: Mapping[str, Any], expected: list[str]) -> None:
    assert levels(server_findings({**GOOD, **info})) == expected


@pytest.mark.parametrize(
    ("info", "snapshots", "level"),
    [
        ({"aof_enabled": 1}, "", "right"),
        ({"aof_enabled": 0}, "3600 1", "right"),
        ({"aof_enabled": 0}, "", "doubtful"),
        ({"aof_enabled": 1, "aof_last_write_status": "err"}, "", "wrong"),
        ({"rdb_last_bgsave_status": "err"}, "3600 1", "wrong"),
    ],
)
def test_what_is_left_after_a_restart(info: Mapping[str, Any], snapshots: str, level: str) -> None:
    assert levels(persistence_findings(info, snapshots)) == [level]


def test_snapshots_that_this_user_may_not_see_are_not_judged() -> None:
    with pytest.raises(Untold):
        persistence_findings({"aof_enabled": 0}, None)
    assert levels(persistence_findings({"aof_enabled": 1}, None)) == ["right"]


@pytest.mark.parametrize(
    ("there", "words"),
    [(100, "agree"), (98, "agree"), (97, "3.0 s ahead of"), (103, "agree"), (104, "3.0 s behind")],
)
def test_clocks_that_differ_are_doubtful(there: int, words: str) -> None:
    (found,) = clock_findings({"server_time_usec": there * SECOND}, 100 * SECOND, 101 * SECOND)
    assert words in found.says
    assert (found.level is Level.RIGHT) == (words == "agree")


def test_the_policy_in_force_is_compared_by_its_contents() -> None:
    other = replace(POLICY, version="2", text=POLICY.text.replace("builtin-2", "2"))
    assert levels(in_force_findings(POLICY, None)) == ["right"]
    assert levels(in_force_findings(POLICY, offered(POLICY, 0))) == ["right"]
    assert levels(in_force_findings(POLICY, offered(other, 0))) == ["doubtful"]
    [beside] = in_force_findings(POLICY, offered(with_shadow(POLICY, other), 0))
    assert (beside.level, "with the shadow policy '2' beside it" in beside.says) == (Level.DOUBTFUL, True)
    assert levels(in_force_findings(POLICY, offered(POLICY, 0)._replace(digest="x", own_digest="x"))) == ["wrong"]
    newer = offered(other, 0)._replace(text="of_another_release = 1")
    assert levels(in_force_findings(POLICY, newer)) == ["wrong"]


@pytest.mark.parametrize(
    ("state", "members", "level"),
    [("Stable", 2, "right"), ("Empty", 0, "doubtful"), ("Dead", 0, "doubtful"), ("PreparingRebalance", 2, "doubtful")],
)
def test_a_group_has_members_and_has_settled(state: str, members: int, level: str) -> None:
    assert levels(member_findings("engagement", state, members)) == [level]


def test_a_member_of_the_group_that_is_no_worker_is_wrong() -> None:
    assert stranger_findings("engagement", [(make_app(read_settings({})).conf.broker_client_id, "/10.0.0.1")]) == []
    (found,) = stranger_findings("engagement", [("aiokafka-0.14.0", "/10.0.0.2")])
    assert (found.level, "a client 'aiokafka-0.14.0' at 10.0.0.2" in found.says) == (Level.WRONG, True)


def test_progress_counts_what_is_to_be_applied_of_begun_partitions_and_names_those_that_are_not() -> None:
    one, two = Partition("email", 0), Partition("email", 1)
    ranges = {one: (0, 10), two: (5, 5)}
    (found,) = progress_findings(ranges, {one: [Fence(7, 0), Fence(9, 0), None], two: [None]})
    assert found == (Level.RIGHT, "offsets to be applied: 3; 1 of 2 partitions have been begun", "")
    (found,) = progress_findings({**ranges, two: (5, 6)}, {one: [Fence(10, 0)], two: [None]})
    assert (
        found.level,
        found.says.endswith("1 of 2 partitions have been begun, and 1 that hold records have not"),
    ) == (
        Level.DOUBTFUL,
        True,
    )


@pytest.mark.parametrize(
    ("status", "body", "level"),
    [
        (200, '{"ready": true, "reason": ""}', "right"),
        (503, '{"ready": false, "reason": "Redis is gone"}', "wrong"),
        (503, '{"ready": false}', "wrong"),
        (200, "<html>", "doubtful"),
        (404, "[]", "doubtful"),
        (0, "refused", "not checked"),
    ],
)
def test_a_worker_says_of_itself_whether_it_is_ready(status: int, body: str, level: str) -> None:
    assert levels(ready_findings("127.0.0.1:6066", status, body)) == [level]


def test_a_variable_that_is_no_setting_is_doubtful() -> None:
    found = settings_findings(Configuration(read_settings({}), unknown=["ENGAGEMENT_CLOK is not a setting"]))
    assert [(finding.level, finding.says) for finding in found[1:]] == [
        (Level.DOUBTFUL, "ENGAGEMENT_CLOK is not a setting")
    ]


def test_a_shadow_policy_that_raises_no_absences_is_doubtful() -> None:
    tried, others = replace(POLICY, version="tried"), AbsenceRule(members_within=9)
    assert shadow_findings(POLICY) == shadow_findings(with_shadow(POLICY, tried)) == []
    [finding] = shadow_findings(with_shadow(POLICY, replace(tried, absence=others)))
    assert (finding.level.value, "raises no alerts of absence" in finding.says) == ("doubtful", True)
