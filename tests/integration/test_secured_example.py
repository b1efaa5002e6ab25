"""The servers as the example of a secured deployment configures them: they start, and let a worker in."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
import redis

from streams.embedded.ports import LOOPBACK
from streams.policy_file.builtin import BUILTIN_POLICY
from tests.integration.secured import WORKER_RIGHTS
from tests.polling import wait_until
from tests.services.kafka.secured import SecuredKafka, grant
from tests.services.redis import InstalledRedis, installed_redis
from tests.services.system import System
from tests.services.worker import WorkerProcess
from tests.unit.docs.secured_example import composed, make_secrets, outside, secret_files


class ExampleKafka(SecuredKafka):
    """A broker with the environment of the example's container, but for ports and addresses."""

    def __init__(self, environment: Mapping[str, str], files: Mapping[str, Path], password: str) -> None:
        """Take the environment over as the image does."""
        store = files["/run/secrets/kafka-store"]
        super().__init__(store, store, store, {"engagement": password})
        properties = {
            name.removeprefix("KAFKA_").replace("___", "-").replace("_", ".").lower(): outside(value, dict(files))
            for name, value in environment.items()
            if name.startswith("KAFKA_")
        }
        for name in [name for name in self.properties if "ssl." in name or "sasl" in name or name == "super.users"]:
            del self.properties[name]
        kept = ("listener.security.protocol.map", "inter.broker.listener.name", "authorizer.class.name", "super.users")
        self.properties |= {
            name: value.replace("ADMIN", "INSIDE")
            for name, value in properties.items()
            if name in kept or name.startswith(("ssl.", "sasl.", "listener.name."))
        }

    def _settings(self) -> dict[str, str]:
        settings = super()._settings()
        advertised = settings["advertised.listeners"].replace(f"SECURED://{LOOPBACK}", "SECURED://localhost")
        return settings | {"advertised.listeners": advertised}


class ExampleRedis(InstalledRedis):
    """A server with the arguments of the example's container, but for port and folder."""

    def __init__(self, words: Sequence[str], files: Mapping[str, Path], folder: Path) -> None:
        """Take the arguments over; the administrator of the test comes besides."""
        found = installed_redis()
        if found is None:
            pytest.skip("needs an installed redis-server")
        super().__init__(*found)
        given = dict(zip(words[1::2], words[2::2], strict=True))
        self.config |= {name.removeprefix("--"): outside(value, dict(files)) for name, value in given.items()}
        users = Path(self.config["aclfile"]).read_text()
        (folder / "users.acl").write_text(f"{users}user admin on >word ~* &* +@all\n")
        self.config["aclfile"] = str(folder / "users.acl")
        self._authority = files["/run/secrets/ca"]

    @property
    def admin_url(self) -> str:
        """The URL of the administrator."""
        return f"rediss://admin:word@localhost:{self.port}/0?ssl_ca_certs={self._authority}"

    def command(self) -> Sequence[str]:
        """Build the command line, with the port for TLS."""
        self.config["tls-port"] = str(self.port)
        return super().command()

    def answers(self) -> bool:
        """Ask the server for its process id."""
        try:
            with redis.Redis.from_url(self.admin_url) as client:
                return bool(client.info("server")["process_id"] == self.pid)
        except redis.RedisError:
            return False


def test_a_worker_gets_in_and_nobody_without_a_password(kafka_here: None, tmp_path: Path) -> None:  # noqa: ARG001
    make_secrets(tmp_path / "secrets")
    services = composed()["services"]
    files = secret_files(composed(), tmp_path / "secrets")
    password = files["/run/secrets/kafka-password"].read_text().strip()
    with (
        ExampleRedis(services["redis"]["command"], files, tmp_path) as store,
        ExampleKafka(services["kafka"]["environment"], files, password) as kafka,
    ):
        system = System(kafka.inside, store.admin_url, "engagement", tmp_path, policy=BUILTIN_POLICY)
        asyncio.run(system.create_topics(1))
        asyncio.run(grant(kafka.inside, "engagement", WORKER_RIGHTS))
        given = {name: outside(value, files) for name, value in services["worker"]["environment"].items()}
        del given["ENGAGEMENT_POLICY"]
        given |= {
            "ENGAGEMENT_KAFKA_BROKERS": f"localhost:{kafka.port}",
            "ENGAGEMENT_REDIS_URL": f"rediss://localhost:{store.port}/0",
            "ENGAGEMENT_WEB_HOST": LOOPBACK,
        }
        with WorkerProcess(given, tmp_path / "worker.log") as worker:
            wait_until(lambda: worker.status("/ready") == 200, 60)
            assert worker.stop() == 0
        with pytest.raises(redis.AuthenticationError), redis.Redis.from_url(store.admin_url.replace("word", "")) as who:
            who.ping()
        plain = {**given, "ENGAGEMENT_KAFKA_SASL_PASSWORD_FILE": str(files["/run/secrets/erasure-key"])}
        refused = WorkerProcess(plain, tmp_path / "refused.log")
        refused.start()
        try:
            assert refused.process.wait(40) not in (0, None)
        finally:
            refused.kill()
        assert "does not let user 'engagement' in" in refused.log.read_text()
