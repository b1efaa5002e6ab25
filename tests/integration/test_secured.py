"""Kafka over TLS with SASL and ACLs, Redis over TLS with an ACL user: the least rights of the runbook and no others."""

from __future__ import annotations

import asyncio
from pathlib import Path

import orjson
import pytest

from streams.policy_file.builtin import BUILTIN_POLICY
from tests.integration.secured import KAFKA_PASSWORD, REDIS_LINE, USER, WORKER_RIGHTS, Secured
from tests.polling import poll_until, wait_until
from tests.services.certificates import encrypted
from tests.services.kafka.secured import Right, SecuredKafka, grant, withdraw
from tests.services.kafka_client import send_batches
from tests.services.rights import redis_commands
from tests.services.system import System, event, event_record
from tests.services.worker import WorkerProcess


@pytest.fixture
async def system(secured: Secured) -> System:
    """Give the system, through the port that lets the tests in."""
    return await secured.system()


async def test_with_the_least_rights_events_are_scored_alerts_and_dead_letters_go_out(
    secured: Secured, system: System
) -> None:
    customer = system.customer("a")
    bought = [event_record(event(customer, "purchase")) for _ in range(3)]
    gone = [event_record(event(customer, "unsubscribe"))]
    with secured.worker() as worker:
        await send_batches(system.kafka, "clickstream", [(0, [*bought, event_record({"customer_id": ""})])])
        await system.wait_for_score(customer, "60")
        await send_batches(system.kafka, "email", [(1, gone)])
        await system.wait_for_score(customer, "20")
        (alert,) = await system.wait_for_alerts(customer, 1)
        assert alert["kind"] == "churn_risk"
        assert len(await system._letters.read()) == 1
        assert worker.status("/ready") == 200
        assert worker.stop() == 0
    assert sum((await system.committed()).values()) >= 5
    said = worker.log.read_text()
    assert "ERROR" not in said
    shown = secured.run("show", customer, "--json")
    assert (shown.returncode, orjson.loads(shown.stdout)["score"]) == (0, 20)
    shown = secured.run("show", customer, "--json", redis_username="reader")
    assert (shown.returncode, orjson.loads(shown.stdout)["score"]) == (0, 20)


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "PLAIN"])
def test_a_worker_logs_in_by_the_other_mechanisms_too(secured: Secured, mechanism: str) -> None:
    with secured.worker(kafka_sasl_mechanism=mechanism) as worker:
        assert worker.stop() == 0


@pytest.mark.parametrize("right", WORKER_RIGHTS, ids=" ".join)
async def test_without_any_one_right_on_kafka_a_worker_names_it_and_ends(secured: Secured, right: Right) -> None:
    await withdraw(secured.kafka.inside, USER, right)
    try:
        said = secured.refused()
    finally:
        await grant(secured.kafka.inside, USER, [right])
    assert f"Missing: {right.operation} on {right.resource} {right.name}. " in said
    assert "Traceback" not in said


async def test_every_right_that_is_missing_is_named_at_once(secured: Secured) -> None:
    for right in WORKER_RIGHTS:
        await withdraw(secured.kafka.inside, USER, right)
    try:
        said = secured.refused()
    finally:
        await grant(secured.kafka.inside, USER, WORKER_RIGHTS)
    for right in WORKER_RIGHTS:
        assert f"{right.operation} on {right.resource} {right.name}" in said


@pytest.mark.parametrize("command", redis_commands(REDIS_LINE))
def test_without_any_one_right_on_redis_a_worker_names_it_and_ends(secured: Secured, command: str) -> None:
    secured.set_redis_user(REDIS_LINE.replace(f" +{command} ", " ").removesuffix(f" +{command}"))
    try:
        said = secured.refused()
    finally:
        secured.set_redis_user(REDIS_LINE)
    assert "Redis does not let this user" in said
    assert command.replace("|", " ") in said.lower().replace("|", " ")
    assert "Traceback" not in said


def test_without_the_keys_of_the_namespace_a_worker_says_so_and_ends(secured: Secured) -> None:
    for keys in ("~engagement:customer:*", "%R~engagement:*", "~other:*"):
        secured.set_redis_user(REDIS_LINE.replace("~engagement:*", keys))
        try:
            said = secured.refused()
        finally:
            secured.set_redis_user(REDIS_LINE)
        assert "on keys that begin with 'engagement:'" in said


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kafka_sasl_password_file": "", "kafka_sasl_password": "wrong"}, "does not let user 'engagement' in"),
        ({"kafka_sasl_username": "nobody"}, "does not let user 'nobody' in"),
        ({"kafka_ca_file": ""}, "the certificate of Kafka at"),
        ({"redis_password": "wrong"}, "Redis does not let this user in"),
        ({"redis_username": "nobody"}, "Redis does not let this user in"),
        ({"redis_ca_file": ""}, "the certificate of Redis is not to be trusted"),
    ],
)
def test_a_worker_that_is_not_let_in_says_so_and_ends(secured: Secured, settings: dict[str, str], message: str) -> None:
    said = secured.refused(**settings)
    assert message in said
    assert "Traceback" not in said


def test_names_in_certificates_are_checked(secured: Secured) -> None:
    port = secured.kafka.port
    said = secured.refused(kafka_brokers=f"localhost:{port}")
    assert "the certificate of Kafka at localhost" in said
    assert "Hostname mismatch" in said
    said = secured.refused(redis_url=secured.redis.url.replace("127.0.0.1", "localhost"))
    assert "the certificate of Redis is not to be trusted" in said


async def test_topics_that_are_absent_and_may_not_be_created_are_named(secured: Secured) -> None:
    policy = secured.folder / "absent.toml"
    policy.write_text(BUILTIN_POLICY.replace('topic = "social"', 'topic = "not-there"'))
    right = Right("topic", "not-there", "Read")
    await grant(secured.kafka.inside, USER, [right])
    try:
        said = secured.refused(policy=str(policy))
    finally:
        await withdraw(secured.kafka.inside, USER, right)
    assert "topic not-there is absent or hidden, and cannot be created: TopicAuthorizationFailedError" in said


def test_a_command_gets_in_with_its_own_rights_and_says_what_it_lacks(secured: Secured) -> None:
    file = secured.folder / "email.jsonl"
    file.write_bytes(orjson.dumps(event("replayed", "reply")) + b"\n")
    sent = secured.run("replay", str(file), kafka_sasl_username="replayer")
    assert (sent.returncode, sent.stdout) == (0, "1 event sent\n"), sent.stderr
    followed = secured.run("alerts", "--from-beginning", "--limit", "1", "--json", kafka_sasl_username="follower")
    assert followed.returncode == 0, followed.stderr
    assert orjson.loads(followed.stdout)["kind"] == "churn_risk"

    for arguments in (("replay", str(file)), ("alerts", "--from-beginning", "--limit", "1")):
        refused = secured.run(*arguments, kafka_sasl_username="follower" if arguments[0] == "replay" else "replayer")
        assert refused.returncode == 1
        operation, topic = ("Write", "email") if arguments[0] == "replay" else ("Read", "churn-risk-alerts")
        assert "does not let user" in refused.stderr
        assert f"{operation} on topic {topic}" in refused.stderr
        refused = secured.run(*arguments, kafka_sasl_username="nobody")
        assert refused.returncode == 1
        assert "does not let user 'nobody' in" in refused.stderr


def test_a_right_taken_away_later_is_held_and_comes_back(secured: Secured) -> None:
    with secured.worker() as worker:
        secured.set_redis_user(REDIS_LINE.replace(" +fcall", ""))
        try:
            wait_until(lambda: "has no permissions to run the 'fcall'" in worker.get("/ready")[1], 30)
        finally:
            secured.set_redis_user(REDIS_LINE)
        _wait_for_status(worker, 200)
        assert worker.stop() == 0


@pytest.mark.parametrize(
    ("right", "named"),
    [
        (Right("group", USER, "Read"), "does not let this user be a member of the consumer group"),
        (Right("topic", "clickstream", "Read"), "Missing: Describe on topic clickstream"),
    ],
    ids=["group", "topic"],
)
async def test_a_right_on_kafka_taken_away_later_is_named_and_comes_back(
    secured: Secured, system: System, right: Right, named: str
) -> None:
    customer = system.customer(f"without-the-right-on-the-{right.resource}")
    with secured.worker() as worker:
        await withdraw(secured.kafka.inside, USER, right)
        try:
            await poll_until(lambda: named in worker.get("/ready")[1], 60)
            assert worker.status("/health") == 200
        finally:
            await grant(secured.kafka.inside, USER, [right])
        await poll_until(lambda: worker.status("/ready") == 200, 60)
        await send_batches(system.kafka, "clickstream", [(0, [event_record(event(customer, "purchase"))])])
        await system.wait_for_score(customer, "20")
        assert worker.stop() == 0


def test_a_password_that_is_changed_later_is_named_and_comes_back(secured: Secured) -> None:
    with secured.worker() as worker:
        try:
            secured.kafka.set_password(USER, "another")
            secured.kafka.stop()
            secured.kafka.start()
            wait_until(lambda: f"does not let user '{USER}' in" in worker.get("/ready")[1], 60)
            assert worker.status("/health") == 200
        finally:
            secured.kafka.set_password(USER, KAFKA_PASSWORD)
        wait_until(lambda: worker.status("/ready") == 200, 60)
        assert worker.stop() == 0


def _wait_for_status(worker: WorkerProcess, status: int) -> None:
    wait_until(lambda: worker.status("/ready") == status, 30)


def test_a_certificate_of_the_client_is_shown_where_the_broker_demands_one(secured: Secured, tmp_path: Path) -> None:
    certificate, key = secured.authority.issue("broker-that-asks")
    shown, shown_key = secured.authority.issue("worker")
    trusted = secured.authority.certificate
    with SecuredKafka(certificate, key, trusted, {USER: KAFKA_PASSWORD}, client_auth="required") as kafka:
        asyncio.run(grant(kafka.inside, USER, WORKER_RIGHTS))
        system = System(kafka.inside, secured.redis.admin_url, USER, tmp_path, policy=BUILTIN_POLICY)
        asyncio.run(system.create_topics(1))
        worker = secured.worker(
            kafka_brokers=kafka.bootstrap,
            kafka_certificate_file=str(shown),
            kafka_key_file=str(shown_key),
            redis_certificate_file=str(shown),
            redis_key_file=str(shown_key),
            namespace=USER,
        )
        # Another broker's log under the same fences: the worker must only get as far as asking for partitions.
        worker.start()
        try:
            _wait_for_status(worker, 503)
            wait_until(lambda: "Setting newly assigned partitions" in worker.log.read_text(), 40)
        finally:
            worker.kill()
        without = secured.worker(kafka_brokers=kafka.bootstrap)
        without.start()
        try:
            wait_until(lambda: "does not answer over SASL_SSL" in without.get("/ready")[1], 40)
        finally:
            without.kill()


def test_a_key_that_is_encrypted_is_refused_without_asking_for_its_password(secured: Secured) -> None:
    certificate, key = secured.authority.issue("with-a-password")
    said = secured.refused(kafka_certificate_file=str(certificate), kafka_key_file=str(encrypted(key, "a-password")))
    assert "ENGAGEMENT_KAFKA_CERTIFICATE_FILE: cannot be used with its key, which must not be encrypted" in said


def test_a_plain_connection_to_a_port_that_demands_tls_is_told_on_ready_with_the_protocol(secured: Secured) -> None:
    protocol = {"kafka_security_protocol": "PLAINTEXT", "kafka_sasl_username": "", "kafka_sasl_password_file": ""}
    worker = secured.worker(**protocol, kafka_ca_file="")
    worker.start()
    try:
        wait_until(lambda: "does not answer over PLAINTEXT" in worker.get("/ready")[1], 40)
    finally:
        worker.kill()
