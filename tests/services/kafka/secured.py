"""An Apache Kafka broker that lets nobody in without TLS, a password and rights."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import CreateAclsRequest, DeleteAclsRequest, DescribeAclsRequest

from streams.embedded.kafka_metadata import fetch_metadata
from streams.embedded.ports import LOOPBACK
from tests.polling import poll_until
from tests.services.kafka.broker import FORMAT_TIMEOUT, QUICK_START, KafkaBroker
from tests.services.kafka_client import admin

ADMIN = "User:ANONYMOUS"
_RESOURCES = {"topic": 2, "group": 3, "cluster": 4, "transactional id": 5}
_OPERATIONS = {"Read": 3, "Write": 4, "Create": 5, "Describe": 8, "DescribeConfigs": 10}
_LITERAL, _ALLOW = 3, 3


class Right(NamedTuple):
    """One right on one resource."""

    resource: str
    name: str
    operation: str


class SecuredKafka(KafkaBroker):
    """A broker whose port for clients is SASL over TLS; a second one is plain, for the tests themselves."""

    port_count = 3

    def __init__(
        self, certificate: Path, key: Path, authority: Path, users: Mapping[str, str], *, client_auth: str = "none"
    ) -> None:
        """Prepare the broker without starting it.

        Args:
            certificate: of the broker.
            key: of the certificate.
            authority: that clients' certificates come from.
            users: passwords by name; each can log in by SCRAM-SHA-512, SCRAM-SHA-256 and PLAIN.
            client_auth: ``required`` where clients have to show a certificate.
        """
        self._users = users
        store = certificate.with_name("broker-store.pem")
        store.write_text(key.read_text() + certificate.read_text())
        plain = " ".join(f'user_{name}="{password}"' for name, password in users.items())
        login = "org.apache.kafka.common.security"
        super().__init__(
            {
                "sasl.enabled.mechanisms": "SCRAM-SHA-512,SCRAM-SHA-256,PLAIN",
                "listener.name.secured.scram-sha-512.sasl.jaas.config": f"{login}.scram.ScramLoginModule required;",
                "listener.name.secured.scram-sha-256.sasl.jaas.config": f"{login}.scram.ScramLoginModule required;",
                "listener.name.secured.plain.sasl.jaas.config": f"{login}.plain.PlainLoginModule required {plain};",
                "ssl.keystore.type": "PEM",
                "ssl.keystore.location": str(store),
                "ssl.truststore.type": "PEM",
                "ssl.truststore.location": str(authority),
                "listener.name.secured.ssl.client.auth": client_auth,
                "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
                "super.users": ADMIN,
                "inter.broker.listener.name": "INSIDE",
                "listener.security.protocol.map": "SECURED:SASL_SSL,INSIDE:PLAINTEXT,CONTROLLER:PLAINTEXT",
            }
        )

    @property
    def inside(self) -> str:
        """The address at which nobody is asked for a password, and everything is allowed."""
        return f"{LOOPBACK}:{self.ports[2]}"

    def answers(self) -> bool:
        """Ask the broker for its cluster, at the port that lets everybody in."""
        try:
            return fetch_metadata(LOOPBACK, self.ports[2]).cluster_id == self.cluster_id
        except (OSError, ValueError):
            return False

    def set_password(self, user: str, password: str) -> None:
        """Give a user another password; who is in stays in until the broker is started again.

        Args:
            user: its name.
            password: for SCRAM-SHA-512.
        """
        where = ["--bootstrap-server", self.inside, "--entity-type", "users", "--entity-name", user]
        change = ["--alter", "--add-config", f"SCRAM-SHA-512=[password={password}]"]
        command = [*self._java("-Xmx128m", QUICK_START), "kafka.admin.ConfigCommand", *where, *change]
        subprocess.run(command, capture_output=True, timeout=FORMAT_TIMEOUT, check=True)

    def _settings(self) -> dict[str, str]:
        settings = super()._settings()
        clients = f"SECURED://{LOOPBACK}:{self.port},INSIDE://{LOOPBACK}:{self.ports[2]}"
        listeners = f"{clients},CONTROLLER://{LOOPBACK}:{self.ports[1]}"
        return settings | {"listeners": listeners, "advertised.listeners": clients}

    def _format_options(self) -> list[str]:
        options = []
        for name, password in self._users.items():
            for mechanism in ("SCRAM-SHA-512", "SCRAM-SHA-256"):
                options += ["--add-scram", f"{mechanism}=[name={name},password={password}]"]
        return options


async def grant(bootstrap: str, user: str, rights: Iterable[Right]) -> None:
    """Give a user rights.

    Args:
        bootstrap: of a port at which that is allowed.
        user: its name.
        rights: to be given.
    """
    async with admin(bootstrap) as client:
        for right in rights:
            answer = await client._send_request(CreateAclsRequest(*_numbers(right), f"User:{user}", *_anywhere(right)))
            assert [code for code, *_ in answer.creation_responses] == [0], answer
            await poll_until(lambda: _has(client, user, right))  # noqa: B023 - awaited at once


async def withdraw(bootstrap: str, user: str, right: Right) -> None:
    """Take a right away; the arguments are those of `grant`."""
    async with admin(bootstrap) as client:
        answer = await client._send_request(DeleteAclsRequest(*_numbers(right), f"User:{user}", *_anywhere(right)))
        assert [len(matching) for *_, matching in answer.filter_responses] == [1], answer

        async def gone() -> bool:
            return not await _has(client, user, right)

        await poll_until(gone)


async def _has(client: AIOKafkaAdminClient, user: str, right: Right) -> bool:
    """Ask the broker, which learns of it a moment after the controller."""
    request = DescribeAclsRequest(*_numbers(right), f"User:{user}", *_anywhere(right))
    return bool((await client._send_request(request)).resources)


def _numbers(right: Right) -> tuple[int, str, int]:
    return _RESOURCES[right.resource], right.name, _LITERAL


def _anywhere(right: Right) -> tuple[str, int, int]:
    return "*", _OPERATIONS[right.operation], _ALLOW
