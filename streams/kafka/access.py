"""Asks Kafka, before anything depends on it, whether this user gets in and may do what the worker does.

Rests on decision 62.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from aiokafka.client import AIOKafkaClient, ConnectionGroup, CoordinationType
from aiokafka.conn import create_conn
from aiokafka.errors import (
    AuthenticationFailedError,
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    GroupCoordinatorNotAvailableError,
    IllegalSaslStateError,
    IncompatibleBrokerVersion,
    KafkaConnectionError,
    KafkaError,
    NodeNotReadyError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
    UnsupportedSaslMechanismError,
)

from scoring.policy.policy import Policy
from streams.errors import AccessDenied, BrokerUnavailable, TransientError
from streams.kafka.connections import kafka_options
from streams.kafka.rights import DescribeGroupRights, DescribeTopicRights, allows
from streams.settings.settings import Settings
from streams.topic_names import (
    ALERTS,
    BAND_CHANGES,
    DEAD_LETTER_REPLAYS,
    DEAD_LETTERS,
    ERASURES,
    FEED_ALERTS,
    SIGNALS,
    shadow_topics,
)

_REQUEST_MS = 10_000
_COORDINATOR_TRIES, _COORDINATOR_PAUSE = 20, 0.2
_LOGIN_ERRORS = (
    AuthenticationFailedError,
    IllegalSaslStateError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)
_RIGHTS_ERRORS = (ClusterAuthorizationFailedError, GroupAuthorizationFailedError, TopicAuthorizationFailedError)


async def unavailable(settings: Settings, error: BaseException) -> TransientError:
    """Say why a client could not work with Kafka.

    Args:
        settings: that the client was made with.
        error: that it raised; where it could not connect, that does not tell why.

    Returns:
        `AccessDenied` if Kafka does not let this user in or forbids something, else `BrokerUnavailable`.
    """
    where = f"Kafka at {settings.kafka_brokers}"
    if isinstance(error, TransactionalIdAuthorizationFailed):
        return _denied(settings, [f"Write on transactional id {error.args[0]}"])
    if isinstance(error, _RIGHTS_ERRORS):
        return AccessDenied(f"{where} forbids {_who(settings)} something: {error!r}")
    try:
        await log_in(settings)
        if isinstance(error, NodeNotReadyError | KafkaConnectionError):
            sent_to = ", ".join(await addresses(settings))
            says = f"{where} answers, and sends clients on to {sent_to}: not all of these (advertised.listeners) answer"
            return BrokerUnavailable(f"{says}: {error!r}")
    except TransientError as reason:
        return reason
    except (KafkaError, OSError) as again:
        error = again
    return BrokerUnavailable(f"{where} does not answer: {error!r}")


async def addresses(settings: Settings) -> list[str]:
    """Ask for the addresses that the brokers give to clients.

    Args:
        settings: name the brokers and how to get in.

    Raises:
        KafkaError: if no broker answers at the address of the settings.
    """
    client = AIOKafkaClient(**kafka_options(settings), request_timeout_ms=_REQUEST_MS)
    try:
        await client.bootstrap()
        return sorted(f"{broker.host}:{broker.port}" for broker in client.cluster.brokers())
    finally:
        await client.close()


async def log_in(settings: Settings) -> None:
    """Connect once, as the settings say.

    Args:
        settings: name the brokers and how to get in.

    Raises:
        AccessDenied: if Kafka does not let this user in, or its certificate is not to be trusted.
        BrokerUnavailable: if no broker answers.
    """
    options = kafka_options(settings)
    problems: list[str] = []
    for broker in options.pop("bootstrap_servers").split(","):
        host, _, port = broker.rpartition(":")
        try:
            connection = await create_conn(host.strip("[]"), int(port), request_timeout_ms=_REQUEST_MS, **options)
        except _LOGIN_ERRORS as error:
            raise AccessDenied(f"Kafka at {broker} does not let {_who(settings)} in: {error!r}") from error
        except ssl.SSLCertVerificationError as error:
            message = f"the certificate of Kafka at {broker} is not to be trusted: {error.verify_message}"
            raise AccessDenied(message) from error
        except (KafkaError, OSError) as error:
            problems.append(repr(error))
        else:
            connection.close()
            return
    protocol = settings.kafka_security.protocol
    raise BrokerUnavailable(f"Kafka at {settings.kafka_brokers} does not answer over {protocol}: {'; '.join(problems)}")


async def check_worker(settings: Settings, topics: Iterable[str]) -> None:
    """Ask whether the user of the settings may do what the worker does; see `check_rights`.

    Args:
        settings: name the brokers, the user and the consumer group.
        topics: that are read.
    """
    await check_rights(settings, worker_rights(settings, topics), settings.namespace)


def worker_rights(settings: Settings, topics: Iterable[str]) -> dict[str, Collection[str]]:
    """Give the topics by what a worker does to them.

    Args:
        settings: name the topics that are written.
        topics: that are read.
    """
    shadow = shadow_topics(settings.policy)
    # A worker that carries an erasure out may have to say that it covers more.
    written = map(settings.written, (ALERTS, BAND_CHANGES, SIGNALS, *shadow, FEED_ALERTS, DEAD_LETTERS, ERASURES))
    return {
        "Read": (*topics, settings.written(ERASURES)),
        "Write": (*written, *_told_links(settings.policy)),
        # Only looked for, and created where it is absent.
        "Describe": (settings.written(DEAD_LETTER_REPLAYS),),
    }


def _told_links(policy: Policy) -> tuple[str, ...]:
    """Give the topic to which a worker sends the links that records of foreign shapes tell."""
    told = policy.identities and any(source.has_links for source in policy.sources)
    return (policy.identities,) if told else ()


async def check_rights(settings: Settings, needed: Mapping[str, Collection[str]], group: str = "") -> None:
    """Ask whether the user of the settings has rights; a broker that cannot tell is taken to give them.

    Args:
        settings: name the brokers and the user.
        needed: topics by what is done to them, such as ``Read``; one that is absent needs none.
        group: a consumer group to be part of; '' for none.

    Raises:
        AccessDenied: with every right that is missing.
        BrokerUnavailable: if Kafka does not answer.
    """
    await log_in(settings)
    client = AIOKafkaClient(**kafka_options(settings), request_timeout_ms=_REQUEST_MS)
    try:
        await client.bootstrap()
        missing = await _missing_on_topics(client, needed)
        missing += await _missing_on_group(client, group) if group else []
    except IncompatibleBrokerVersion:
        # A broker that is too old, or too simple, to tell. It tells when something is tried.
        return
    except (KafkaError, OSError) as error:
        raise await unavailable(settings, error) from error
    finally:
        await client.close()
    if missing:
        raise _denied(settings, missing)


async def _missing_on_topics(client: AIOKafkaClient, needed: Mapping[str, Collection[str]]) -> list[str]:
    node = client.get_random_node()
    topics = list(dict.fromkeys(topic for some in needed.values() for topic in some))
    answer: Any = await client.send(node, DescribeTopicRights(topics))
    found = {topic: (error, rights) for error, topic, _, _, rights in answer.topics}
    missing = []
    for operation, some in needed.items():
        for topic in some:
            # One that is not reported is taken to be allowed.
            error, rights = found.get(topic, (0, 0))
            if error == TopicAuthorizationFailedError.errno or (not error and not allows(rights, operation)):
                missing.append(f"{operation} on topic {topic}")
    return missing


async def _missing_on_group(client: AIOKafkaClient, group: str) -> list[str]:
    try:
        node = await _coordinator(client, group)
        request = DescribeGroupRights(group)
        answer: Any = await client.send(node, request, group=ConnectionGroup.DEFAULT)
        may = all(allows(rights, "Read") for *_, rights in answer.groups)
    except GroupAuthorizationFailedError:
        may = False
    return [] if may else [f"Read on group {group}"]


async def _coordinator(client: AIOKafkaClient, group: str) -> Any:
    """Find the broker that coordinates the group; a new cluster has none before the first question for one."""
    for _ in range(_COORDINATOR_TRIES):
        try:
            return await client.coordinator_lookup(CoordinationType.GROUP, group)
        except GroupCoordinatorNotAvailableError:
            await asyncio.sleep(_COORDINATOR_PAUSE)
    return await client.coordinator_lookup(CoordinationType.GROUP, group)


def _denied(settings: Settings, missing: Iterable[str]) -> AccessDenied:
    return AccessDenied(
        f"Kafka at {settings.kafka_brokers} does not let {_who(settings)} do what is needed. Missing: "
        f"{', '.join(missing)}. deploy/RUNBOOK.md lists the least rights"
    )


def _who(settings: Settings) -> str:
    security = settings.kafka_security
    if security.logs_in:
        return f"user {security.username!r}"
    return "this certificate" if security.tls.certificate_file else "a user without a name"
