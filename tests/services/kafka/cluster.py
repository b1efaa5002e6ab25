"""Several Apache Kafka brokers that form one cluster."""

from collections.abc import Mapping

from streams.embedded.kafka_metadata import fetch_metadata
from streams.embedded.ports import LOOPBACK, free_ports
from streams.embedded.running import Running
from tests.polling import wait_until
from tests.services.kafka.broker import KafkaBroker, new_cluster_id


class KafkaCluster(Running):
    """A cluster whose brokers can be stopped, killed and started one by one."""

    def __init__(self, size: int = 3, properties: Mapping[str, str] | None = None) -> None:
        """Prepare the cluster without starting it.

        Args:
            size: How many brokers; each is a controller too.
            properties: Lines of server.properties for every broker, over the defaults.
        """
        replicas = str(min(size, 3))
        shared = {
            "default.replication.factor": replicas,
            "offsets.topic.replication.factor": replicas,
            "transaction.state.log.replication.factor": replicas,
            **(properties or {}),
        }
        cluster_id = new_cluster_id()
        self.brokers = [KafkaBroker(shared, node_id=number, cluster_id=cluster_id) for number in range(1, size + 1)]

    @property
    def bootstrap(self) -> str:
        """The addresses for Kafka clients, with commas."""
        return ",".join(broker.bootstrap for broker in self.brokers)

    def start(self) -> None:
        """Start all brokers and wait until each knows of all.

        Raises:
            EmbeddedServerError: If one ended, or did not answer in time.
        """
        ports = free_ports(2 * len(self.brokers))
        for number, broker in enumerate(self.brokers):
            broker.ports = ports[2 * number : 2 * number + 2]
        voters = ",".join(broker.voter for broker in self.brokers)
        for broker in self.brokers:
            broker.properties["controller.quorum.voters"] = voters
            broker.launch()
        for broker in self.brokers:
            broker.wait_until_it_answers()
        wait_until(self.is_complete, timeout=30)

    def is_complete(self) -> bool:
        """Ask every broker for the live ones.

        Returns:
            Whether all brokers run and know of each other.
        """
        everyone = {broker.port for broker in self.brokers}
        try:
            return all(fetch_metadata(LOOPBACK, port).broker_ports == everyone for port in everyone)
        except OSError:
            return False

    def close(self) -> None:
        """Stop all brokers for good, without waiting for each other's data."""
        for broker in self.brokers:
            # A broker that stops in good order hands over to the others; the last ones would wait for a quorum.
            broker.kill()
            broker.close()
