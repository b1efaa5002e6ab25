"""A Kafka broker and a Redis-compatible server that run as child processes.

For the demo, and for tests on a machine that has nothing better. Both keep
everything in memory, listen on the loopback interface only, and end with the
process that started them::

    with EmbeddedKafka() as kafka, EmbeddedRedis() as redis:
        serve(kafka.bootstrap, redis.url)
"""

from streams.embedded.kafka import EmbeddedKafka
from streams.embedded.redis import EmbeddedRedis
from streams.errors import EmbeddedServerError

__all__ = ["EmbeddedKafka", "EmbeddedRedis", "EmbeddedServerError"]
