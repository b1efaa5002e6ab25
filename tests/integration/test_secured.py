"""Kafka over TLS with SASL and ACLs, Redis over TLS with an ACL user: the least rights of the runbook and no others."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import orjson
import pytest
import redis

from scoring.builtin import BUILTIN_POLICY
from tests.polling import wait_until
from tests.services.certificates import Authority, encrypted
from tests.services.kafka import DistributionError, class_path
from tests.services.kafka.secured import Right, SecuredKafka, grant, withdraw
from tests.services.kafka_client import send_batches
from tests.services.redis import SecuredRedis, installed_redis
from tests.services.rights import kafka_rights, redis_commands, redis_user
from tests.services.system import System, event, event_record
from tests.services.worker import WorkerProcess

pytestmark = pytest.mark.timeout(240)

USER = "engagement"
#: Characters that a URL, a JAAS file and SCRAM each treat in a way of their own, but for those with which they end.
KAFKA_PASSWORD = "kafka-pa55word-%2F&+:@"  # noqa: S105
REDIS_PASSWORD = "redis-pa55word-%2F&+:@"  # noqa: S105
WORKER_RIGHTS = kafka_rights("worker")
REDIS_LINE = redis_user(USER, REDIS_PASSWORD)


@dataclass
class Secured:
    """The servers, and the settings with which a worker gets in."""

    kafka: SecuredKafka
    redis: SecuredRedis
    authority: Authority
    folder: Path
    environment: dict[str, str]
    count: int = field(default=0)

    def worker(self, **settings: str) -> WorkerProcess:
        """Prepare a worker; settings that are changed to '' are left out."""
        self.count += 1
        changed = {f"ENGAGEMENT_{name.upper()}": value for name, value in settings.items()}
        return WorkerProcess({**self.environment, **changed}, self.folder / f"worker-{self.count}.log")

    def refused(self, **settings: str) -> str:
        """Start a worker that must end by itself, soon and with a failure; return what it says."""
        worker = self.worker(**settings)
        worker.start()
        try:
            status = worker.process.wait(30)
        finally:
            worker.kill()
        said = worker.log.read_text()
        assert status not in (0, None), said
        assert KAFKA_PASSWORD not in said
        assert REDIS_PASSWORD not in said
        return said

    def run(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("ENGAGEMENT_")}
        changed = {f"ENGAGEMENT_{name.upper()}": value for name, value in settings.items()}
        return subprocess.run(
            [sys.executable, "-m", "streams", *arguments],
            env={**inherited, **self.environment, **changed},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    @property
    def admin(self) -> redis.Redis:
        """A client of Redis that may do everything."""
        return redis.Redis.from_url(self.redis.admin_url, decode_responses=True)

    def set_redis_user(self, line: str) -> None:
        """Change the rights of a user of Redis."""
        with self.admin as client:
            _, name, *rules = line.split()
            client.execute_command("ACL", "SETUSER", name, "reset", *rules)


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """Run both servers, with the topics made and the rights of the runbook given."""
    found = installed_redis()
    if found is None:
        pytest.skip("needs an installed redis-server")
    try:
        class_path()
    except DistributionError as reason:
        pytest.skip(f"needs a broker of its own: {reason}")
    folder = tmp_path_factory.mktemp("secured")
    authority = Authority(folder / "certificates")
    certificate, key = authority.issue("server")
    users = {USER: KAFKA_PASSWORD, "replayer": KAFKA_PASSWORD, "follower": KAFKA_PASSWORD}
    lines = f"{REDIS_LINE}\n{redis_user('reader', REDIS_PASSWORD)}\n"
    with (
        SecuredKafka(certificate, key, authority.certificate, users) as kafka,
        SecuredRedis(*found, certificate, key, authority.certificate, lines) as store,
    ):
        secret = folder / "kafka-password"
        secret.write_text(KAFKA_PASSWORD + "\n")
        environment = {
            "ENGAGEMENT_KAFKA_BROKERS": kafka.bootstrap,
            "ENGAGEMENT_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "ENGAGEMENT_KAFKA_SASL_USERNAME": USER,
            "ENGAGEMENT_KAFKA_SASL_PASSWORD_FILE": str(secret),
            "ENGAGEMENT_KAFKA_CA_FILE": str(authority.certificate),
            "ENGAGEMENT_KAFKA_SESSION_TIMEOUT": "10",
            "ENGAGEMENT_REDIS_URL": store.url,
            "ENGAGEMENT_REDIS_USERNAME": USER,
            "ENGAGEMENT_REDIS_PASSWORD": REDIS_PASSWORD,
            "ENGAGEMENT_REDIS_CA_FILE": str(authority.certificate),
        }
        system = System(kafka.inside, store.admin_url, USER, folder, policy=BUILTIN_POLICY)
        asyncio.run(system.create_topics(2))
        asyncio.run(grant(kafka.inside, USER, WORKER_RIGHTS))
        asyncio.run(grant(kafka.inside, "replayer", kafka_rights("`engagement replay`")))
        asyncio.run(grant(kafka.inside, "follower", kafka_rights("`engagement alerts`")))
        yield Secured(kafka, store, authority, folder, environment)


@pytest.fixture
async def system(secured: Secured) -> System:
    """Give the system, through the port that lets the tests in."""
    made = System(secured.kafka.inside, secured.redis.admin_url, USER, secured.folder, policy=BUILTIN_POLICY)
    await made.create_topics(2)
    return made


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
