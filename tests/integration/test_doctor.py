"""`engagement doctor` on servers that are as they should be, and on each that is not."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest
import redis
from click.testing import CliRunner

from scoring.instants import DAY, MILLISECOND
from streams.cli.main import engagement
from streams.embedded import EmbeddedRedis
from tests.integration.conftest import MakeSystem
from tests.integration.policies import MONTH
from tests.integration.secured import KAFKA_PASSWORD, REDIS_LINE, REDIS_PASSWORD, USER, Secured
from tests.polling import poll_until
from tests.services.kafka import KafkaBroker
from tests.services.kafka.secured import Right, grant, withdraw
from tests.services.kafka_client import create_topic, delete_records, log_ends, set_topic
from tests.services.redis import local_redis
from tests.services.rights import kafka_rights
from tests.services.system import System, event

#: What depends on the machine or is the same in every test here: which codecs are installed, and that no worker runs.
ELSEWHERE = {"every codec", "batches that", "no worker is in", "no worker answers"}


class Said(NamedTuple):
    """What the doctor said, and the exit status."""

    status: int
    verdict: str
    findings: list[dict[str, str]]

    def of(self, check: str) -> list[tuple[str, str]]:
        """Give level and sentence of each finding of a check."""
        return [(found["level"], found["says"]) for found in self.findings if found["check"] == check]

    def at(self, level: str) -> list[str]:
        """Name the checks that found something of a level, but for what depends on the machine."""
        found = [each for each in self.findings if not any(map(each["says"].startswith, ELSEWHERE))]
        return sorted({each["check"] for each in found if each["level"] == level})


def asked(system: System, *options: str) -> Said:
    """Run the doctor, in this process, as it is run often here and takes a while to be imported."""
    arguments = ["doctor", "--json", *options]
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(CliRunner().invoke, engagement, arguments, env=system.environment).result(120)
    return read(done.exit_code, done.output)


def read(status: int, said: str) -> Said:
    """Read what it said."""
    assert said.startswith("{"), said
    document: dict[str, Any] = orjson.loads(said)
    return Said(status, document["verdict"], document["findings"])


@pytest.fixture(scope="module")
def own_redis() -> Iterator[EmbeddedRedis]:
    """Give a server that keeps what it is given, and may be set up in any way."""
    with local_redis({"appendonly": "yes"}) as server:
        yield server


@pytest.fixture
def system(make_system: MakeSystem, own_redis: EmbeddedRedis) -> System:
    """Give a system on it."""
    return make_system(MONTH, redis_url=own_redis.url)


@pytest.mark.beyond_embedded_kafka("cannot delete records")
async def test_all_is_right_while_a_worker_scores_and_a_gap_is_found_when_it_lost_records(
    system: System, own_redis: EmbeddedRedis
) -> None:
    await system.create_topics()
    with system.worker() as worker:
        await system.send("clickstream", event(system.customer("anna"), "page_view"))
        await system.wait_for_score(system.customer("anna"), "1")
        said = asked(system, "--web-port", str(worker.port))
        assert (said.at("wrong"), said.at("doubtful")) == ([], [])
        assert said.of("worker") == [("right", f"the worker at 127.0.0.1:{worker.port} is ready")]
        assert said.of("redis disk") == [("right", "every write goes to an append-only file")]
        assert said.of("policy in force")[0][0] == said.of("kafka brokers")[0][0] == "right"
        assert said.of("progress") == [
            ("right", f"offsets to be applied: 0; 1 of {len(await system.log_ends())} partitions have been begun")
        ]
        assert said.status == 0
        own_redis.stop()
        await poll_until(lambda: worker.get("/ready")[0] == 503)
        gone = asked(system, "--web-port", str(worker.port))
        assert gone.of("worker")[0][0] == gone.of("redis")[0][0] == "wrong"
        assert "Redis does not answer" in gone.of("worker")[0][1]
        assert ("not checked", "cannot be looked at before this is right: redis") in gone.of("redis rights")
        own_redis.start()
        await poll_until(lambda: worker.get("/ready")[0] == 200)
        assert worker.stop() == 0
    topic = system.topic("clickstream")
    await system.send("clickstream", *[event(system.customer("anna"), "page_view")] * 3)
    ends = await log_ends(system.kafka, [topic])
    assert asked(system).of("progress")[0] == (
        "right",
        f"offsets to be applied: 3; 1 of {len(await system.log_ends())} partitions have been begun",
    )
    await delete_records(system.kafka, topic, 0, ends[topic, 0])
    said = asked(system)
    assert said.of("progress") == [
        ("wrong", f"{topic}/0: the log holds {ends[topic, 0]} to {ends[topic, 0]}, and 1 is next to apply")
    ]
    assert said.status == 1


async def test_on_the_servers_that_come_with_the_package_nothing_is_wrong(
    make_system: MakeSystem, embedded_kafka_bootstrap: str, embedded_redis_url: str
) -> None:
    system = make_system(MONTH, kafka=embedded_kafka_bootstrap, redis_url=embedded_redis_url)
    await system.create_topics()
    said = asked(system)
    assert (said.status, said.at("wrong"), said.at("doubtful")) == (0, [], ["redis disk"])
    assert "nothing is kept on disk" in said.of("redis disk")[0][1]


async def test_absent_topics_are_doubtful_which_counts_only_where_it_is_asked_for(system: System) -> None:
    said = asked(system)
    (found,) = said.of("topics")
    assert found[0] == "doubtful"
    assert found[1].startswith("absent: ")
    assert set(system.topics) <= set(found[1].removeprefix("absent: ").split(", "))
    assert said.status == 0
    assert asked(system, "--strict").status == 1
    assert said.of("progress") == [("right", "offsets to be applied: 0; 0 of 0 partitions have been begun")]


@pytest.mark.beyond_embedded_kafka("does not tell the retention that is the default of its topics")
async def test_a_topic_that_keeps_less_than_the_policy_looks_back_is_doubtful(system: System) -> None:
    # As a broker creates it by itself: with the retention that is the default of all topics.
    await create_topic(system.kafka, system.topic("clickstream"), 1)
    await create_topic(system.kafka, system.topic("social"), 1, {"retention.ms": str(3 * DAY // MILLISECOND)})
    await create_topic(system.kafka, system.topic("email"), 1, {"retention.ms": "-1", "retention.bytes": "5000"})
    said = asked(system)
    texts = [text for level, text in said.of("topic settings") if level == "doubtful"]
    for channel, words in (
        ("clickstream", "keeps records for 7d, and the policy looks back 37d"),
        ("social", "keeps records for 3d, and the policy looks back 37d"),
        ("email", "keeps no more than 5,000 bytes of a partition"),
    ):
        assert any(text.startswith(f"{system.topic(channel)} {words}") for text in texts)
    assert said.status == 0


@pytest.mark.beyond_embedded_kafka("cannot change the settings of a topic")
async def test_a_compacted_topic_of_events_is_wrong(system: System) -> None:
    await system.create_topics()
    await set_topic(system.kafka, system.topic("email"), {"cleanup.policy": "compact"})
    said = asked(system)
    assert said.status == 1
    assert said.at("wrong") == ["topic settings"]
    assert any(text.startswith(f"{system.topic('email')} is compacted") for _, text in said.of("topic settings"))


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("maxmemory-policy", "allkeys-lru", "Redis may drop scores: its maxmemory-policy is 'allkeys-lru'"),
        ("replicaof", "127.0.0.1 1", "Redis is a slave and takes no writes"),
    ],
)
def test_a_redis_that_would_not_keep_scores_is_wrong(
    system: System, own_redis: EmbeddedRedis, name: str, value: str, says: str
) -> None:
    back = {"maxmemory-policy": "noeviction", "replicaof": "no one"}
    with redis.Redis.from_url(own_redis.url) as client:
        set_up = client.execute_command if name == "replicaof" else client.config_set
        set_up("REPLICAOF", *value.split()) if name == "replicaof" else set_up(name, value)
        try:
            said = asked(system)
        finally:
            set_up("REPLICAOF", "NO", "ONE") if name == "replicaof" else set_up(name, back[name])
    assert said.status == 1
    assert [text.startswith(says) for _, text in said.of("redis server")] == [True]
    assert "redis server" in said.at("wrong")


def test_a_node_of_a_redis_cluster_is_wrong(make_system: MakeSystem) -> None:
    with local_redis({"cluster-enabled": "yes"}) as server:
        said = asked(make_system(MONTH, redis_url=server.url))
    assert (said.status, said.verdict) == (1, "wrong")
    assert said.of("redis server")[0] == (
        "wrong",
        "this Redis is a node of a Redis Cluster, which is not supported; use a server of its own",
    )


def test_without_anything_to_keep_scores_on_disk_it_is_doubtful(system: System, own_redis: EmbeddedRedis) -> None:
    with redis.Redis.from_url(own_redis.url) as client:
        client.config_set("appendonly", "no")
        client.config_set("save", "3600 1")
        try:
            assert asked(system).of("redis disk")[0][1].startswith("snapshots are made (save 3600 1)")
            client.config_set("save", "")
            assert asked(system).of("redis disk")[0][0] == "doubtful"
        finally:
            client.config_set("appendonly", "yes")


def closed_port() -> int:
    """Give a port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


def test_servers_that_are_away_are_wrong_and_what_needs_them_is_not_checked(system: System) -> None:
    port = closed_port()
    options = ("--brokers", f"127.0.0.1:{port}", "--redis", f"redis://127.0.0.1:{port}", "--web-port", str(port))
    said = asked(system, *options)
    assert said.status == 1
    assert said.at("wrong") == ["kafka", "redis"]
    assert said.of("kafka")[0][1].startswith(f"Kafka at 127.0.0.1:{port} does not answer over PLAINTEXT")
    assert said.of("progress") == [("not checked", "cannot be looked at before this is right: kafka, redis")]
    assert {found["level"] for found in said.findings if found["check"].startswith("redis ")} == {"not checked"}


def test_servers_that_never_answer_do_not_hold_it(system: System) -> None:
    # The kernel takes connections; nobody ever reads what comes by them.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        began = time.monotonic()
        options = ("--brokers", address, "--redis", f"redis://{address}", "--web-port", address.partition(":")[2])
        said = asked(system, "--within", "1s", *options)
    assert time.monotonic() - began < 30
    for check in ("kafka", "redis", "worker"):
        assert said.of(check) == [("wrong", "no answer within 1 s")]
    assert said.status == 1


def test_a_wrong_policy_file_is_wrong_and_the_servers_are_looked_at_all_the_same(
    system: System, tmp_path: Path
) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text('version = "1"\n[windows]\nlength = "30d"\n')
    said = asked(system, "--policy", str(file))
    assert said.status == 1
    assert said.at("wrong") == ["policy"]
    assert str(file) in said.of("policy")[0][1]
    assert said.of("kafka brokers")[0][0] == said.of("redis rights")[0][0] == "right"
    assert said.of("topic settings") == [("not checked", "cannot be looked at before this is right: policy")]


def test_wrong_settings_are_all_named_and_nothing_else_is_looked_at(system: System) -> None:
    said = asked(system, "--clock", "sundial", "--web-port", "none")
    assert said.status == 1
    assert [text.partition(":")[0] for _, text in said.of("settings")] == ["ENGAGEMENT_CLOCK", "ENGAGEMENT_WEB_PORT"]
    assert said.of("policy")[0][0] == "right"
    assert {found["level"] for found in said.findings[3:]} == {"not checked"}


async def test_another_policy_in_force_is_told_and_one_of_the_same_version_is_wrong(
    system: System, tmp_path: Path
) -> None:
    await system.create_topics()
    with system.worker() as worker:
        await poll_until(lambda: worker.get("/ready")[0] == 200)
        assert worker.stop() == 0
    text = system.settings.policy.text
    file = tmp_path / "changed.toml"
    for old, new, check, level, words in (
        (
            "month-1",
            "month-2",
            "policy in force",
            "doubtful",
            "'month-1' is in force, and the settings name version 'mo",
        ),
        (
            "purchase = 20",
            "purchase = 21",
            "policy in force",
            "wrong",
            "'month-1' is in force with other contents than",
        ),
        (
            '"month-1"\n[window]\nlength = "30d"',
            '"2"\n[window]\nlength = "20d"',
            "policy in force",
            "doubtful",
            "window.length",
        ),
        ('pane = "1d"', 'pane = "12h"', "namespace", "wrong", "window.pane was 1d and is 12h"),
    ):
        assert old in text
        file.write_text(text.replace(old, new))
        (found,) = asked(system, "--policy", str(file)).of(check)
        assert found[0] == level
        assert words in found[1]


@pytest.fixture(scope="module")
def strict_kafka(kafka_here: None) -> Iterator[KafkaBroker]:  # noqa: ARG001
    """Give a broker that takes no long session timeout."""
    with KafkaBroker({"group.max.session.timeout.ms": "20000", "group.min.session.timeout.ms": "6000"}) as broker:
        yield broker


@pytest.mark.parametrize(("seconds", "level"), [("30", "wrong"), ("5", "wrong"), ("10", "right")])
def test_a_session_timeout_that_the_brokers_refuse_is_wrong(
    make_system: MakeSystem, own_redis: EmbeddedRedis, strict_kafka: KafkaBroker, seconds: str, level: str
) -> None:
    system = make_system(MONTH, kafka=strict_kafka.bootstrap, redis_url=own_redis.url)
    (found,) = asked(system, "--session-timeout", seconds).of("session timeout")
    assert found[0] == level
    assert "6 " in found[1]
    assert "20 s" in found[1]


def doctor(secured: Secured, **settings: str) -> Said:
    """Run the doctor on the servers that let nobody in without TLS, a password and rights."""
    done = secured.run("doctor", "--json", **settings)
    said = done.stdout + done.stderr
    assert KAFKA_PASSWORD not in said
    assert REDIS_PASSWORD not in said
    return read(done.returncode, done.stdout)


async def test_with_the_rights_of_a_worker_nothing_is_wrong_and_what_cannot_be_seen_is_told(secured: Secured) -> None:
    await secured.system()
    said = doctor(secured)
    assert (said.status, said.at("wrong")) == (0, [])
    assert said.of("kafka")[0][1].endswith(f"answers over SASL_SSL as '{USER}'")
    missing = "this user may not see the settings. Missing: DescribeConfigs on "
    assert said.of("session timeout") == [("not checked", f"{missing}the cluster")]
    assert said.of("topic settings")[0][1].startswith(f"{missing}topic ")
    rights = kafka_rights("`engagement doctor`")
    await grant(secured.kafka.inside, USER, rights)
    try:
        said = doctor(secured)
        assert said.of("topic settings")[0][0] == said.of("session timeout")[0][0] == "right"
    finally:
        for right in rights:
            await withdraw(secured.kafka.inside, USER, right)


def test_a_refused_password_is_wrong(secured: Secured, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("another")
    said = doctor(secured, kafka_sasl_password_file=str(file), redis_password="another")  # noqa: S106
    assert said.status == 1
    assert said.at("wrong") == ["kafka", "redis"]
    assert f"does not let user '{USER}' in" in said.of("kafka")[0][1]
    assert said.of("redis")[0][1].startswith("Redis does not let this user in")


async def test_every_right_that_a_worker_lacks_is_wrong(secured: Secured) -> None:
    right = Right("topic", "email", "Read")
    await withdraw(secured.kafka.inside, USER, right)
    secured.set_redis_user(REDIS_LINE.replace(" +hset ", " "))
    try:
        said = doctor(secured)
    finally:
        await grant(secured.kafka.inside, USER, [right])
        secured.set_redis_user(REDIS_LINE)
    assert said.status == 1
    assert "Missing: Read on topic email" in said.of("kafka rights")[0][1]
    assert "Missing: HSET, on keys" in said.of("redis rights")[0][1]


def test_a_person_reads_a_line_for_each_finding_with_what_to_do(system: System) -> None:
    status, said = system.command("doctor", "--redis", f"redis://127.0.0.1:{closed_port()}")
    lines = said.splitlines()
    assert status == 1
    assert lines[0].split(maxsplit=2)[:2] == ["right", "settings"]
    (redis_line,) = [line for line in lines if line.split()[1] == "redis" and line.startswith("wrong")]
    assert redis_line.endswith("Start it, or correct ENGAGEMENT_REDIS_URL")
