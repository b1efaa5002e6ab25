"""One Apache Kafka broker on the loopback interface."""

import base64
import struct
import subprocess
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from streams.embedded.kafka_metadata import fetch_metadata
from streams.embedded.ports import LOOPBACK
from streams.embedded.server import LoopbackServer
from streams.errors import EmbeddedServerError
from tests.services.kafka.distribution import HERE, KAFKA_VERSION, class_path, java

START_TIMEOUT = 60
STOP_TIMEOUT = 30
FORMAT_TIMEOUT = 60
QUICK_START = "-XX:TieredStopAtLevel=1"

# One machine, one broker: single replicas, and nothing waits for others to come.
DEFAULTS = {
    "auto.create.topics.enable": "false",
    # A killed broker may come back, or is missed by the others, after this instead of 9 s.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    "offsets.topic.num.partitions": "5",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "5",
    "transaction.state.log.replication.factor": "1",
}


def new_cluster_id() -> str:
    """Make the id of a new cluster.

    Returns:
        A UUID in Kafka's notation; it never begins with a dash, which would look like an option.
    """
    return "k" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode()[1:22]


class KafkaBroker(LoopbackServer):
    """A broker and KRaft controller in one process.

    `stop`, `kill` and `start` keep its ports and its data; `close` removes them.
    """

    name = f"Apache Kafka {KAFKA_VERSION}"
    port_count = 2

    def __init__(
        self,
        properties: Mapping[str, str] | None = None,
        *,
        node_id: int = 1,
        cluster_id: str | None = None,
        heap: str = "",
    ) -> None:
        """Prepare the broker without starting it.

        Args:
            properties: Lines of server.properties, over the defaults.
            node_id: Its id in the cluster.
            cluster_id: The cluster's id; by default one of its own.
            heap: The most memory for Java's heap, in Java's notation, of a broker whose speed counts; by default it has
                512 MB and is compiled for a quick start.
        """
        super().__init__(start_timeout=START_TIMEOUT, stop_timeout=STOP_TIMEOUT)
        self.properties = {**DEFAULTS, **(properties or {})}
        self.node_id = node_id
        self.cluster_id = cluster_id or new_cluster_id()
        self.heap = heap

    @property
    def bootstrap(self) -> str:
        """The address for Kafka clients, host:port."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def voter(self) -> str:
        """The broker as a member of the controllers' quorum."""
        return f"{self.node_id}@{LOOPBACK}:{self.ports[1]}"

    def command(self) -> Sequence[str]:
        """Write the configuration, format the storage if it is new, and build the command line.

        Returns:
            Java, and its arguments.

        Raises:
            EmbeddedServerError: If the storage cannot be formatted.
            DistributionError: If Kafka is not to be had on this machine.
        """
        configuration = self.directory / "server.properties"
        configuration.write_text("".join(f"{name}={value}\n" for name, value in self._settings().items()))
        if not (self.directory / "data" / "meta.properties").exists():
            self._format(configuration)
        options = [f"-Xmx{self.heap}"] if self.heap else ["-Xmx512m", QUICK_START]
        return [*self._java(*options), "kafka.Kafka", str(configuration)]

    def answers(self) -> bool:
        """Ask the broker for its cluster.

        Returns:
            Whether it is this cluster, and counts the broker among the live ones.
        """
        try:
            metadata = fetch_metadata(LOOPBACK, self.port)
        except (OSError, struct.error, UnicodeDecodeError):
            return False
        return metadata.cluster_id == self.cluster_id and self.port in metadata.broker_ports

    def _settings(self) -> dict[str, str]:
        client_port, controller_port = self.ports[:2]
        client = f"PLAINTEXT://{LOOPBACK}:{client_port}"
        return {
            "process.roles": "broker,controller",
            "node.id": str(self.node_id),
            "listeners": f"{client},CONTROLLER://{LOOPBACK}:{controller_port}",
            "advertised.listeners": client,
            "controller.listener.names": "CONTROLLER",
            "controller.quorum.voters": self.voter,
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "log.dirs": str(self.directory / "data"),
            **self.properties,
        }

    def _format_options(self) -> list[str]:
        return []

    def _format(self, configuration: Path) -> None:
        options = ["kafka.tools.StorageTool", "format", "-t", self.cluster_id, "-c", str(configuration)]
        options += self._format_options()
        command = [*self._java("-Xmx128m", QUICK_START), *options]
        done = subprocess.run(command, capture_output=True, text=True, timeout=FORMAT_TIMEOUT, check=False)
        if done.returncode:
            raise EmbeddedServerError(f"{self.name} could not format its storage:\n{done.stdout}{done.stderr}")

    def _java(self, *options: str) -> list[str]:
        log = f"-Dlog4j2.configurationFile={HERE / 'log4j2.properties'}"
        return [java(), *options, "-XX:+UseSerialGC", log, "-cp", class_path()]
