"""What of the examination each start of a worker repeats: whether Kafka keeps what a rebuild reads."""

from __future__ import annotations

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from mode.utils.logging import get_logger

from streams.doctor.finding import Finding, Level
from streams.doctor.retention import retention_findings
from streams.doctor.topics import cleaning_findings
from streams.errors import AccessDenied
from streams.kafka.configs import topic_configs
from streams.kafka.connections import kafka_options
from streams.kafka.topics import topic_settings
from streams.metrics import Metrics
from streams.settings.settings import Settings
from streams.topic_names import ERASURES

logger = get_logger(__name__)


async def warn_of_lost_records(settings: Settings, metrics: Metrics) -> None:
    """Warn of topics that lose records which a rebuild needs: in the log once, and in the metrics.

    The service works all the same, until something has to be read again. So it starts, also where it is not told.

    Args:
        settings: name the brokers and the policy.
        metrics: shows the topics.
    """
    for topic, findings in (await _findings(settings)).items():
        short = [finding for finding in findings if finding.level in (Level.DOUBTFUL, Level.WRONG)]
        metrics.short_retention.labels(topic).set(len(short))
        for finding in short:
            logger.warning("%s. %s", finding.says, finding.remedy)


async def _findings(settings: Settings) -> dict[str, list[Finding]]:
    policy, erasures = settings.policy, settings.written(ERASURES)
    wanted = topic_settings(policy, settings.topic_prefix)
    admin = AIOKafkaAdminClient(**kafka_options(settings))
    try:
        await admin.start()
        present = set(await admin.list_topics())
        configs = await topic_configs(admin, [topic for topic in wanted if topic in present])
    except (AccessDenied, KafkaError, OSError, NotImplementedError) as error:
        logger.info("not checked whether topics keep what a rebuild needs: %s", error or repr(error))
        return {}
    finally:
        await admin.close()
    kept = {topic: {topic: config} for topic, config in configs.items()}
    return {
        topic: [*retention_findings(policy, one), *cleaning_findings(policy, one, erasures)]
        for topic, one in kept.items()
    }
