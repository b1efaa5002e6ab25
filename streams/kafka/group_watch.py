"""Sees what aiokafka's consumer keeps to itself, and makes it tried again, or the end of the worker.

The coordinator of the group, the fetcher and the keeper of the metadata are tasks that nobody awaits. A refusal that is
not about one request is put aside by the coordinator until somebody asks for it, which Faust never does, and the rest
goes into the log and is tried again for ever. So the watch looks at all of it, again and again:

| what it sees | what becomes of it |
| --- | --- |
| a refusal that the coordinator has put aside | named, and the membership is asked for again |
| no membership, or no answer about a partition, for longer than the session timeout | named; aiokafka goes on trying |
| a task that has ended | ends the worker |
| the consumer's thread does not answer | named, and ends the worker if that goes on |

Rests on decision 63.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple, Protocol

from aiokafka import errors
from mode import Service

from streams.errors import ClientFailed
from streams.metrics import Metrics
from streams.settings.settings import Settings

_EVERY = 0.5
#: Before a refused membership is asked for again.
_PAUSE = 2.0
#: What is silent for longer than the session timeout is named, but a broker may well take so long for an answer.
_LEAST_PATIENCE = 10.0
_THREAD_ANSWERS_WITHIN, _THREAD_GIVEN_UP_AFTER = 10.0, 90.0
#: Errors of Kafka's protocol that aiokafka has no name for; it calls them all UnknownError.
_UNNAMED = {
    74: "FencedLeaderEpoch",
    75: "UnknownLeaderEpoch",
    76: "UnsupportedCompressionType",
    78: "OffsetNotAvailable",
    81: "GroupMaxSizeReached",
    82: "FencedInstanceId",
    100: "UnknownTopicId",
}
_PUT_RIGHT = {
    "InvalidSessionTimeoutError": "Kafka refuses the session timeout of {session:g} s: set "
    "ENGAGEMENT_KAFKA_SESSION_TIMEOUT between the brokers' group.min.session.timeout.ms and "
    "group.max.session.timeout.ms",
    "InconsistentGroupProtocolError": "Kafka refuses the membership in the consumer group {group}: its members divide "
    "the partitions in another way, so they are no workers of this service; choose another ENGAGEMENT_NAMESPACE",
    "GroupAuthorizationFailedError": "Kafka does not let this user be a member of the consumer group {group}: the "
    "right Read on the group is missing",
    "GroupMaxSizeReached": "Kafka refuses the membership in the consumer group {group}: it has as many members as the "
    "brokers' group.max.size allows",
    "InvalidGroupIdError": "Kafka refuses {group} as the name of a consumer group: choose another ENGAGEMENT_NAMESPACE",
}


def name_errors() -> None:
    """Give names to errors of the protocol for which aiokafka has none."""
    for number, name in _UNNAMED.items():
        fields = {"errno": number, "message": name, "description": ""}
        errors.kafka_errors.setdefault(number, type(name, (errors.BrokerResponseError,), fields))


class WatchedThread(Protocol):
    """What is asked of the consumer's thread."""

    thread_loop: asyncio.AbstractEventLoop
    _consumer: Any


class Seen(NamedTuple):
    """What a look has shown: what is the matter ('' if nothing is), more about it, and whether a retry was begun."""

    fault: str = ""
    detail: str = ""
    retried: bool = False


class GroupWatch(Service):
    """Looks at the consumer, and says in `fault` what is the matter; '' if nothing is."""

    def __init__(
        self, settings: Settings, metrics: Metrics, thread: Callable[[], WatchedThread], **kwargs: Any
    ) -> None:
        """Prepare.

        Args:
            settings: name the group and its session timeout.
            metrics: where retries are counted.
            thread: gives the consumer's thread; asked for after the start of the consumer.
            **kwargs: for `mode.Service`.
        """
        super().__init__(**kwargs)
        name_errors()
        self.fault = ""
        self._told = ""
        self._metrics = metrics
        self._thread = thread
        self._words = LastWords()
        self._watch = ConsumerWatch(settings, self._words)

    async def on_start(self) -> None:
        """Listen to what aiokafka logs."""
        logging.getLogger("aiokafka").addHandler(self._words)

    async def on_stop(self) -> None:
        """Listen no more."""
        logging.getLogger("aiokafka").removeHandler(self._words)

    @Service.task
    async def _look_again_and_again(self) -> None:
        answered = self.loop.time()
        while not self.should_stop:
            await self.sleep(_EVERY)
            thread = self._thread()
            consumer = thread._consumer  # noqa: SLF001 - Faust has no public way
            if consumer is None:
                continue
            look = asyncio.run_coroutine_threadsafe(self._watch.look(consumer), thread.thread_loop)
            try:
                seen = await asyncio.wait_for(asyncio.wrap_future(look), _THREAD_ANSWERS_WITHIN)
                answered = self.loop.time()
            except TimeoutError:
                if self.loop.time() - answered > _THREAD_GIVEN_UP_AFTER:
                    raise ClientFailed("the thread of Kafka's consumer hangs") from None
                seen = Seen("the thread of Kafka's consumer does not answer")
            self._tell(seen)

    def _tell(self, seen: Seen) -> None:
        self.fault = seen.fault + seen.detail
        if seen.retried:
            self._metrics.retries.labels("GroupRefused").inc()
        if seen.fault != self._told:
            self._told = seen.fault
            if seen.fault:
                self.log.error("%s; trying again", self.fault)
            else:
                self.log.info("Kafka's consumer goes on")


class ConsumerWatch:
    """Looks at aiokafka's consumer from within its loop."""

    def __init__(self, settings: Settings, words: LastWords) -> None:
        """Prepare.

        Args:
            settings: see `GroupWatch`.
            words: what aiokafka has logged last.
        """
        self._group = settings.namespace
        self._session = settings.kafka_session_timeout
        self._patience = max(settings.kafka_session_timeout, _LEAST_PATIENCE)
        self._words = words
        self._refusal = ""
        self._refused_at = 0.0
        self._member_at: float | None = None
        # When something was last heard of a partition, and the time of the answer by which that is known.
        self._heard: dict[Any, tuple[float, Any]] = {}

    async def look(self, consumer: Any) -> Seen:
        """Look once.

        Args:
            consumer: aiokafka's.

        Raises:
            ClientFailed: if a task has ended that nothing starts again.
        """
        now = time.monotonic()
        if consumer._closed or consumer._coordinator is None:  # noqa: SLF001 - there is no public way to any of this
            return Seen()
        _check_tasks(consumer)
        retried = self._retry(consumer._coordinator, now)  # noqa: SLF001
        member = is_member(consumer)
        if member or self._member_at is None:
            self._member_at = now
        if member or now - self._refused_at > self._patience:
            self._refusal = ""
        if self._refusal:
            return Seen(self._refusal, retried=retried)
        return (self._silent_partition(consumer, now) if member else self._outside(now))._replace(retried=retried)

    def _retry(self, coordinator: Any, now: float) -> bool:
        error = coordinator._pending_exception  # noqa: SLF001
        if error is None:
            return False
        if self._refusal != (refusal := self._why(error)):
            self._refusal, self._refused_at = refusal, now
        if now - self._refused_at < _PAUSE:
            return False
        self._refused_at = now
        # What has ended is begun again only by a new membership.
        tasks = (coordinator._heartbeat_task, coordinator._commit_refresh_task)  # noqa: SLF001
        if any(task is not None and task.done() for task in tasks):
            coordinator.request_rejoin()
        # The coordinator goes on where somebody asks for what it has put aside.
        with suppress(errors.KafkaError):
            coordinator.check_errors()
        return True

    def _why(self, error: BaseException) -> str:
        # aiokafka raises what it does not know as a KafkaError with the name in the text.
        text = f"{type(error).__name__} {error}"
        for name, sentence in _PUT_RIGHT.items():
            if name in text:
                return sentence.format(group=self._group, session=self._session)
        return f"Kafka refuses the membership in the consumer group {self._group}: {error!r}"

    def _outside(self, now: float) -> Seen:
        seconds = now - (self._member_at or now)
        return self._silence(f"not a member of the consumer group {self._group}", seconds)

    def _silent_partition(self, consumer: Any, now: float) -> Seen:
        assignment = consumer._subscription.subscription.assignment  # noqa: SLF001
        heard: dict[Any, tuple[float, Any]] = {}
        for partition in assignment.tps:
            state = assignment.state_value(partition)
            since, answer = self._heard.get(partition, (now, None))
            # Where records wait to be taken, no more are asked for.
            idle = state.paused or partition in consumer._fetcher._records  # noqa: SLF001
            heard[partition] = (now if idle or state.timestamp != answer else since, state.timestamp)
        self._heard = heard
        if not heard:
            return Seen()
        since, topic, number = min((since, *partition) for partition, (since, _) in heard.items())
        return self._silence(f"Kafka has not answered for {topic}[{number}]", now - since)

    def _silence(self, what: str, seconds: float) -> Seen:
        if seconds <= self._patience:
            return Seen()
        word = self._words.within(seconds)
        return Seen(f"{what} for more than {self._patience:g} s", f"; the client's last word: {word}" if word else "")


def is_member(consumer: Any) -> bool:
    """Return whether a consumer is a member of its group, and keeps the group knowing it.

    Args:
        consumer: aiokafka's.
    """
    coordinator, subscription = consumer._coordinator, consumer._subscription.subscription  # noqa: SLF001
    assigned = subscription is not None and subscription.assignment is not None and subscription.assignment.active
    if not assigned or coordinator.coordinator_id is None or coordinator._pending_exception is not None:  # noqa: SLF001
        return False
    heartbeat = coordinator._heartbeat_task  # noqa: SLF001
    return heartbeat is not None and not heartbeat.done() and not coordinator.need_rejoin(subscription)


def _check_tasks(consumer: Any) -> None:
    tasks = {
        "the coordinator of its group": consumer._coordinator._coordination_task,  # noqa: SLF001
        "the fetcher": consumer._fetcher._fetch_task,  # noqa: SLF001
        "the keeper of the metadata": consumer._client._sync_task,  # noqa: SLF001
    }
    for name, task in tasks.items():
        if task is not None and task.done():
            error = None if task.cancelled() else task.exception()
            raise ClientFailed(f"{name} has ended in Kafka's consumer") from error


class LastWords(logging.Handler):
    """Remembers what was last logged as a warning or an error."""

    def __init__(self) -> None:
        """Begin with nothing."""
        super().__init__(logging.WARNING)
        self._word, self._at = "", 0.0

    def emit(self, record: logging.LogRecord) -> None:
        """Remember a record.

        Args:
            record: any.
        """
        self._word, self._at = record.getMessage(), time.monotonic()

    def within(self, seconds: float) -> str:
        """Give the last word; '' if it is older than so many seconds."""
        return self._word if time.monotonic() - self._at <= seconds else ""
