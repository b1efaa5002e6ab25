"""The process of a receiver: it listens from the start, is ready once Kafka is there, and ends when all is answered.

Rests on decision 88.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal

from aiohttp import web
from aiohttp.http import HttpProcessingError

from streams.backoff import Backoff, StopSignal
from streams.errors import AccessDenied, WebPortTaken
from streams.receiver.delivery import ACKNOWLEDGED_WITHIN, Delivery
from streams.receiver.limits import Backlog
from streams.receiver.receiver_file import ReceiverPlan
from streams.receiver.receiver_metrics import ReceiverMetrics
from streams.receiver.web import Pages
from streams.settings.settings import Settings
from streams.worker.log_limit import RepeatLimit
from streams.worker.logs import quiet_logs

logger = logging.getLogger(__name__)
#: Through which aiohttp reports, with a traceback, also what is wrong with a request.
_server_logger = logging.getLogger("aiohttp.server")

_FIRST_WAIT, _LONGEST_WAIT = 0.5, 10.0
#: In which the requests in hand are answered: Kafka is not waited for longer.
_STOPS_WITHIN = ACKNOWLEDGED_WITHIN + 5.0


class NotTheClients(logging.Filter):
    """Leaves out the faults of clients, such as a body that is not packed as it says: their answers say them."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether it is to be logged."""
        raised = record.exc_info[1] if record.exc_info else None
        return not isinstance(raised, HttpProcessingError | web.RequestPayloadError)


class Receiver(StopSignal):
    """Takes deliveries until it is asked to stop; then it takes nothing more, and answers what it has taken."""

    def __init__(self, settings: Settings, plan: ReceiverPlan) -> None:
        """Put the parts together.

        Args:
            settings: name the brokers, the web port and its token.
            plan: what is received.
        """
        self._settings = settings
        super().__init__()
        self._metrics = ReceiverMetrics()
        backlog = Backlog(plan.backlog_bytes)
        topics = list(dict.fromkeys(endpoint.source.topic for endpoint in plan.endpoints.values()))
        self._delivery = Delivery(settings, topics, backlog)
        self._pages = Pages(plan, self._delivery, backlog, self._metrics, settings.web_token)
        self._waiting = Backoff(self._metrics, logger, "waiting for it", _FIRST_WAIT, _LONGEST_WAIT)

    async def run(self) -> None:
        """Run.

        Raises:
            AccessDenied: if Kafka does not let this user in, or write.
            WebPortTaken: if nothing can listen where the settings say.
        """
        runner = web.AppRunner(self._pages.app(), access_log=None, shutdown_timeout=_STOPS_WITHIN)
        await runner.setup()
        try:
            await self._listen(runner)
            if await self._waiting.until_done(self, self._delivery.open, unless=(AccessDenied,)):
                self._pages.not_ready_because = ""
                logger.info("ready")
                await self.until_stopped()
            self._pages.not_ready_because = "stopping"
            logger.info("stopping")
        finally:
            # Listens no longer, and waits for the requests in hand.
            await runner.cleanup()
            await self._delivery.close()

    async def _listen(self, runner: web.AppRunner) -> None:
        host, port = self._settings.web_host, self._settings.web_port
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            why = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or str(error)
            raise WebPortTaken(
                f"nothing can listen on {host}:{port} (ENGAGEMENT_WEB_HOST, ENGAGEMENT_WEB_PORT): {why.lower()}"
            ) from None
        logger.info("listening on %s:%d", host, port)


def run_receiver(settings: Settings, plan: ReceiverPlan) -> None:
    """Run a receiver until SIGTERM or SIGINT.

    Args:
        settings: name the brokers, the web port and its token.
        plan: what is received.

    Raises:
        AccessDenied: if Kafka does not let this user in, or write.
        WebPortTaken: if nothing can listen where the settings say.
    """
    logging.basicConfig(level=settings.log_level, format="[%(asctime)s] [%(process)d] [%(levelname)s] %(message)s")
    for handler in logging.getLogger().handlers:
        handler.addFilter(RepeatLimit())
    quiet_logs(logger)
    _server_logger.addFilter(NotTheClients())
    asyncio.run(_run(settings, plan))


async def _run(settings: Settings, plan: ReceiverPlan) -> None:
    receiver = Receiver(settings, plan)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, receiver.stop)
    await receiver.run()
