"""Kafka and Redis that let nobody in without TLS, a password and rights; and the settings that get a worker in."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis

from streams.policy_file.builtin import BUILTIN_POLICY
from tests.services.certificates import Authority
from tests.services.kafka.secured import SecuredKafka, grant
from tests.services.redis import SecuredRedis, installed_redis
from tests.services.rights import kafka_rights, redis_user
from tests.services.system import System
from tests.services.worker import WorkerProcess

USER = "engagement"
#: Characters that a URL, a JAAS file and SCRAM each treat in a way of their own, but for those with which they end.
KAFKA_PASSWORD = "kafka-pa55word-%2F&+:@"  # noqa: S105
REDIS_PASSWORD = "redis-pa55word-%2F&+:@"  # noqa: S105
#: Under it customers are erased; every worker and command on these servers is given it.
ERASURE_KEY = "erasure-k3y-%2F&+:@-of-this-test"
WORKER_RIGHTS = kafka_rights("worker")
#: The users of Kafka other than the worker, each with the rights of a command.
COMMAND_RIGHTS = {
    "replayer": kafka_rights("`engagement replay`"),
    "follower": kafka_rights("`engagement alerts`"),
    "letter-reader": kafka_rights("`engagement dead-letters list`"),
    "letter-replayer": kafka_rights("`engagement dead-letters replay`"),
    "eraser": kafka_rights("`engagement erase`"),
    "gap-keeper": kafka_rights("`engagement gaps show`"),
    "rebuilder": kafka_rights("`engagement rebuild`"),
}
REDIS_USERS = ("reader", "eraser", "gap-reader", "gap-acceptor", "rebuilder")
REDIS_LINE = redis_user(USER, REDIS_PASSWORD)


@dataclass
class Secured:
    """The servers, and the settings with which a worker gets in."""

    kafka: SecuredKafka
    redis: SecuredRedis
    authority: Authority
    folder: Path
    environment: dict[str, str]
    count: int = 0

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

    async def system(self) -> System:
        """Give the system, through the ports that let the tests in."""
        made = System(self.kafka.inside, self.redis.admin_url, USER, self.folder, policy=BUILTIN_POLICY)
        await made.create_topics(2)
        return made

    @property
    def admin(self) -> Any:
        """A client of Redis that may do everything."""
        return redis.Redis.from_url(self.redis.admin_url, decode_responses=True)

    def set_redis_user(self, line: str) -> None:
        """Change the rights of a user of Redis."""
        with self.admin as client:
            _, name, *rules = line.split()
            client.execute_command("ACL", "SETUSER", name, "reset", *rules)


@contextmanager
def run_secured(folder: Path) -> Iterator[Secured]:
    """Run both servers, with the topics made and the rights of the runbook given.

    Args:
        folder: for certificates, secrets and logs.

    Yields:
        The servers.
    """
    found = installed_redis()
    if found is None:
        pytest.skip("needs an installed redis-server")
    authority = Authority(folder / "certificates")
    certificate, key = authority.issue("server")
    users = dict.fromkeys((USER, *COMMAND_RIGHTS), KAFKA_PASSWORD)
    lines = "\n".join([REDIS_LINE, *(redis_user(name, REDIS_PASSWORD) for name in REDIS_USERS), ""])
    with (
        SecuredKafka(certificate, key, authority.certificate, users) as kafka,
        SecuredRedis(*found, certificate, key, authority.certificate, lines) as store,
    ):
        secret, erasure_key = folder / "kafka-password", folder / "erasure-key"
        secret.write_text(KAFKA_PASSWORD + "\n")
        erasure_key.write_text(ERASURE_KEY + "\n")
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
            "ENGAGEMENT_ERASURE_KEY_FILE": str(erasure_key),
        }
        system = System(kafka.inside, store.admin_url, USER, folder, policy=BUILTIN_POLICY)
        asyncio.run(system.create_topics(2))
        asyncio.run(grant(kafka.inside, USER, WORKER_RIGHTS))
        for name, rights in COMMAND_RIGHTS.items():
            asyncio.run(grant(kafka.inside, name, rights))
        yield Secured(kafka, store, authority, folder, environment)
