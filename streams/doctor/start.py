"""What of the examination each start of a worker repeats: whether Kafka keeps what the policy looks back on."""

from __future__ import annotations

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from mode.utils.logging import get_logger

from streams.doctor.finding import Finding, Level
from streams.doctor.retention import retention_findings
from streams.errors import AccessDenied
from streams.kafka.configs import topic_configs
from streams.kafka.connections import kafka_options
from streams.kafka.topics import event_topics
from streams.metrics import Metrics
from streams.settings.settings import Settings

logger = get_logger(__name__)


async def warn_of_retention(settings: Settings, metrics: Metrics) -> None:
    """Warn of topics that keep less than the policy looks back: in the log once, and in the metrics.

    The service works all the same, until something has to be read again. So it starts, also where it is not told.

    Args:
        settings: name the brokers and the policy.
        metrics: shows the topics.
    """
    for topic, findings in (await _findings(settings)).items():
        short = [finding for finding in findings if finding.level is Level.DOUBTFUL]
        metrics.short_retention.labels(topic).set(len(short))
        for finding in short:
            logger.warning("%s. %s", finding.says, finding.remedy)


async def _findings(settings: Settings) -> dict[str, list[Finding]]:
    policy = settings.policy
    admin = AIOKafkaAdminClient(**kafka_options(settings))
    try:
        await admin.start()
        present = set(await admin.list_topics())
        configs = await topic_configs(admin, [topic for topic in event_topics(policy) if topic in present])
    except (AccessDenied, KafkaError, OSError, NotImplementedError) as error:
        logger.info("not checked whether topics keep what the policy looks back on: %s", error or repr(error))
        return {}
    finally:
        await admin.close()
    return {topic: retention_findings(policy, {topic: config}) for topic, config in configs.items()}
