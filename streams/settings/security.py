"""How a worker proves who it is to the servers, and how it knows them: TLS, SASL, users and passwords."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field

#: Protocols of Kafka's listeners: whether the connection is encrypted, and whether a user logs in.
PROTOCOLS = {
    "PLAINTEXT": (False, False),
    "SSL": (True, False),
    "SASL_PLAINTEXT": (False, True),
    "SASL_SSL": (True, True),
}
MECHANISMS = ("SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN")


@dataclass(frozen=True, slots=True)
class Tls:
    """Files in PEM: whom to trust (without: the system's authorities), and the certificate to show, with its key."""

    ca_file: str = ""
    certificate_file: str = ""
    key_file: str = ""

    def __bool__(self) -> bool:
        """Return whether any file is named."""
        return bool(self.ca_file or self.certificate_file or self.key_file)

    def context(self) -> ssl.SSLContext:
        """Make the context of a client that checks certificate and host name.

        Raises:
            OSError: if a file cannot be read, or does not hold what it should (`ssl.SSLError` is one).
        """
        context = ssl.create_default_context(cafile=self.ca_file or None)
        if self.certificate_file:
            # Without the password given, OpenSSL would ask for that of an encrypted key at the terminal, and wait.
            context.load_cert_chain(self.certificate_file, self.key_file or None, password="")
        return context


@dataclass(frozen=True, slots=True)
class Secret:
    """A word that must stay secret: it is shown nowhere, and remembers the file that it came from."""

    word: str = field(default="", repr=False)
    file: str = field(default="", repr=False)

    def __bool__(self) -> bool:
        """Return whether there is one."""
        return bool(self.word)


@dataclass(frozen=True, slots=True)
class KafkaSecurity:
    """How to connect to Kafka."""

    protocol: str = "PLAINTEXT"
    mechanism: str = MECHANISMS[0]
    username: str = ""
    password: Secret = Secret()
    tls: Tls = Tls()

    @property
    def encrypted(self) -> bool:
        """Whether the connection is over TLS."""
        return PROTOCOLS[self.protocol][0]

    @property
    def logs_in(self) -> bool:
        """Whether a user logs in with a password."""
        return PROTOCOLS[self.protocol][1]


@dataclass(frozen=True, slots=True)
class SchemaAccess:
    """Where schemas come from: a registry, '' for none, and how to get in; or a file, '' for none."""

    url: str = field(default="", repr=False)
    username: str = ""
    password: Secret = Secret()
    tls: Tls = Tls()
    file: str = ""


@dataclass(frozen=True, slots=True)
class RedisSecurity:
    """How to connect to Redis, beside what the URL says."""

    username: str = ""
    password: Secret = Secret()
    tls: Tls = Tls()
