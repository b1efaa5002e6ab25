"""The smallest Kafka client there is: it asks one broker who is in its cluster.

Enough to know that a broker serves, and blocking, so that a broker can be started
where no event loop runs yet.
"""

import socket
import struct
from dataclasses import dataclass

METADATA_KEY = 3
# The oldest version that names the cluster and that Kafka 4 still answers; no tagged fields yet.
METADATA_VERSION = 4


@dataclass(frozen=True, slots=True)
class ClusterMetadata:
    """A cluster as one of its brokers sees it."""

    cluster_id: str
    broker_ports: frozenset[int]


def fetch_metadata(host: str, port: int, timeout: float = 1.0) -> ClusterMetadata:
    """Ask a broker for its cluster.

    Args:
        host: The broker's host.
        port: The broker's port.
        timeout: Seconds for each step on the network.

    Returns:
        The cluster's id and the ports of its live brokers.

    Raises:
        OSError: If the broker does not answer, or breaks off.
    """
    # Correlation id 0, an unnamed client, no topics, none to be created.
    request = struct.pack(">hhihib", METADATA_KEY, METADATA_VERSION, 0, -1, 0, 0)
    with socket.create_connection((host, port), timeout) as connection:
        connection.sendall(struct.pack(">i", len(request)) + request)
        (size,) = struct.unpack(">i", _receive(connection, 4))
        return _Answer(_receive(connection, size)).metadata()


def _receive(connection: socket.socket, size: int) -> bytes:
    received = bytearray()
    while len(received) < size:
        part = connection.recv(size - len(received))
        if not part:
            raise ConnectionError("the broker closed the connection")
        received += part
    return bytes(received)


class _Answer:
    """A cursor over the bytes of a metadata response."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    def metadata(self) -> ClusterMetadata:
        self._skip("ii")  # correlation id, throttle time
        ports = frozenset(self._broker_port() for _ in range(self._number("i")))
        return ClusterMetadata(cluster_id=self._text(), broker_ports=ports)

    def _broker_port(self) -> int:
        self._skip("i")  # node id
        self._text()  # host
        port = self._number("i")
        self._text()  # rack
        return port

    def _text(self) -> str:
        length = max(self._number("h"), 0)
        self._at += length
        return self._body[self._at - length : self._at].decode()

    def _number(self, code: str) -> int:
        (number,) = struct.unpack_from(f">{code}", self._body, self._at)
        self._skip(code)
        return int(number)

    def _skip(self, codes: str) -> None:
        self._at += struct.calcsize(f">{codes}")
