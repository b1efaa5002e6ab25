"""The settings of topics and brokers as they hold, defaults included."""

from __future__ import annotations

from collections.abc import Iterable

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import ClusterAuthorizationFailedError, TopicAuthorizationFailedError, for_code

from streams.errors import AccessDenied

_FORBIDDEN = {ClusterAuthorizationFailedError: "the cluster", TopicAuthorizationFailedError: "topic {name}"}


async def topic_configs(admin: AIOKafkaAdminClient, topics: Iterable[str]) -> dict[str, dict[str, str]]:
    """Read the settings of topics, with the broker's where a topic has none of its own.

    Args:
        admin: connected.
        topics: that exist.

    Raises:
        AccessDenied: if this user may not see them.
        KafkaError: if the broker does not answer, or refuses.
    """
    return await _configs(admin, ConfigResourceType.TOPIC, topics)


async def broker_configs(admin: AIOKafkaAdminClient, numbers: Iterable[int]) -> dict[str, dict[str, str]]:
    """Read the settings of brokers.

    Args:
        admin: connected.
        numbers: of the brokers.

    Returns:
        The settings by the brokers' numbers.

    Raises:
        AccessDenied: if this user may not see them.
        KafkaError: if a broker does not answer, or refuses.
    """
    return await _configs(admin, ConfigResourceType.BROKER, map(str, numbers))


async def _configs(
    admin: AIOKafkaAdminClient, kind: ConfigResourceType, names: Iterable[str]
) -> dict[str, dict[str, str]]:
    asked = [ConfigResource(kind, name) for name in names]
    found = {}
    for answer in await admin.describe_configs(asked) if asked else ():
        for code, _message, _kind, name, entries in answer.resources:
            error = for_code(code)
            if error in _FORBIDDEN:
                on = _FORBIDDEN[error].format(name=name)
                raise AccessDenied(f"this user may not see the settings. Missing: DescribeConfigs on {on}")
            if code:
                raise error
            found[name] = {entry[0]: entry[1] for entry in entries if entry[1] is not None}
    return found
