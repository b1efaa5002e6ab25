"""Kafka: whether it can be reached and lets the worker in, and whether it takes the group's session timeout."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import IncompatibleBrokerVersion, KafkaError

from streams.doctor.configuration import Configuration
from streams.doctor.finding import Finding, Untold, doubtful, right, wrong
from streams.errors import AccessDenied, BrokerUnavailable
from streams.kafka.access import addresses, check_worker, log_in, unavailable
from streams.kafka.configs import broker_configs
from streams.kafka.connections import kafka_options
from streams.kafka.topics import read_topics
from streams.settings.settings import Settings

_REQUEST_MS = 10_000
_BOUNDS = ("group.min.session.timeout.ms", "group.max.session.timeout.ms")


@asynccontextmanager
async def kafka_admin(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    """Connect an admin client, and turn its errors into those of the package.

    Raises:
        AccessDenied: if Kafka does not let this user in, or forbids something.
        BrokerUnavailable: if Kafka does not answer.
        Untold: if the broker does not know the question.
    """
    admin = AIOKafkaAdminClient(**kafka_options(settings), request_timeout_ms=_REQUEST_MS)
    try:
        await admin.start()
        yield admin
    except IncompatibleBrokerVersion as error:
        raise Untold("this broker does not tell") from error
    except (KafkaError, OSError) as error:
        raise await unavailable(settings, error) from error
    finally:
        await admin.close()


@asynccontextmanager
async def telling() -> AsyncIterator[None]:
    """Take it for no fault where the user may not see what only the doctor looks at."""
    try:
        yield
    except AccessDenied as error:
        raise Untold(str(error)) from error


async def check_access(configuration: Configuration) -> list[Finding]:
    """Connect to one of the brokers that the settings name, as the worker does."""
    try:
        await log_in(configuration.settings)
    except AccessDenied as error:
        return [wrong(str(error), "Correct user, password or certificate: ENGAGEMENT_KAFKA_...")]
    except BrokerUnavailable as error:
        return [wrong(str(error), "Start it, or correct ENGAGEMENT_KAFKA_BROKERS or ..._SECURITY_PROTOCOL")]
    security = configuration.settings.kafka_security
    who = f" as {security.username!r}" if security.logs_in else ""
    return [right(f"{configuration.settings.kafka_brokers} answers over {security.protocol}{who}")]


async def check_brokers(configuration: Configuration) -> list[Finding]:
    """Connect to every broker by the address that it gives to clients; see `broker_findings`."""
    try:
        found = await addresses(configuration.settings)
    except (KafkaError, OSError) as error:
        raise await unavailable(configuration.settings, error) from error
    answers = {}
    for address in found:
        try:
            await log_in(replace(configuration.settings, kafka_brokers=address))
        except (AccessDenied, BrokerUnavailable) as error:
            answers[address] = str(error)
        else:
            answers[address] = ""
    return broker_findings(answers)


def broker_findings(answers: Mapping[str, str]) -> list[Finding]:
    """Say which brokers cannot be reached.

    Args:
        answers: of each address that a broker gives to clients, the error; '' where there was none.
    """
    remedy = "Bring the broker back, or correct its advertised.listeners: clients are sent to that address"
    gone = {address: error for address, error in answers.items() if error}
    judge = wrong if len(gone) == len(answers) else doubtful
    if gone:
        return [judge(f"broker {address}: {error}", remedy) for address, error in gone.items()]
    return [right(f"all {len(answers)} brokers answer: {', '.join(answers)}")]


async def check_rights(configuration: Configuration) -> list[Finding]:
    """Ask for all that a worker does, as it does itself when it starts."""
    await check_worker(configuration.settings, read_topics(configuration.settings.policy))
    return [right("no right is missing that a worker needs, as far as Kafka tells")]


async def check_session(configuration: Configuration) -> list[Finding]:
    """Compare the session timeout with what every broker takes; see `session_findings`."""
    async with kafka_admin(configuration.settings) as admin, telling():
        brokers = (await admin.describe_cluster())["brokers"]
        configs = await broker_configs(admin, [broker["node_id"] for broker in brokers])
    return session_findings(configuration.settings.kafka_session_timeout, configs)


def session_findings(seconds: float, configs: Mapping[str, Mapping[str, str]]) -> list[Finding]:
    """Say whether the brokers take a session timeout.

    Args:
        seconds: the timeout.
        configs: the settings of each broker.
    """
    bounds = [tuple(float(config[name]) / 1000 for name in _BOUNDS) for config in configs.values() if _told(config)]
    if not bounds:
        raise Untold("this broker does not tell which session timeouts it takes")
    least, most = max(low for low, _ in bounds), min(high for _, high in bounds)
    if least <= seconds <= most:
        return [right(f"{seconds:g} s is between {least:g} and {most:g} s, which the brokers take")]
    return [
        wrong(
            f"the brokers refuse {seconds:g} s: they take {least:g} to {most:g} s, so no worker gets partitions",
            f"Set ENGAGEMENT_KAFKA_SESSION_TIMEOUT, or the brokers' {_BOUNDS[0]} and {_BOUNDS[1]}",
        )
    ]


def _told(config: Mapping[str, str]) -> bool:
    return all(name in config for name in _BOUNDS)
