"""Apache Kafka in KRaft mode, straight from Maven Central."""

from tests.services.kafka.broker import KafkaBroker
from tests.services.kafka.cluster import KafkaCluster
from tests.services.kafka.distribution import KAFKA_VERSION, DistributionError, class_path

__all__ = ["KAFKA_VERSION", "DistributionError", "KafkaBroker", "KafkaCluster", "class_path"]
