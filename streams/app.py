"""The one place that wires the parts of a worker together, and runs it.

Rests on decision 82.
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable
from typing import Any

from streams.backoff import Backoff
from streams.erasures.knowledge import Erasures
from streams.ingest.dead_letter_limit import Consumption
from streams.ingest.schemas import schemas_from
from streams.kafka.group_watch import GroupWatch
from streams.kafka.publisher import Publisher
from streams.machine_clock import SteadyClock, wall_clock
from streams.metrics import Metrics
from streams.rounds.engine import build_engine
from streams.settings.settings import Settings
from streams.store.protocol import Store
from streams.store.redis.store import RedisStore
from streams.worker.agents import add_agent
from streams.worker.assigned_partitions import AssignedPartitions
from streams.worker.faust_app import EngagementApp, make_app
from streams.worker.logs import quiet_logs
from streams.worker.parts import build_parts
from streams.worker.preflight import Preflight
from streams.worker.web import add_pages
from streams.worker.worker_process import EngagementWorker

logger = logging.getLogger(__name__)

_GARBAGE_THRESHOLDS = (1_000_000, 50, 100)


def build_app(settings: Settings, store: Store | None = None, wall: Callable[[], int] = wall_clock) -> EngagementApp:
    """Wire a worker.

    Args:
        settings: of the worker.
        store: another store than Redis.
        wall: reads the machine's clock, in microseconds since 1970.

    Returns:
        The app, not started.
    """
    app, metrics = make_app(settings), Metrics()
    store, publisher = store or RedisStore(settings), Publisher(settings, metrics)
    app.steady = SteadyClock(wall)
    app.erasures = Erasures(settings, store, app.steady)
    app.consumption, app.schemas = Consumption(metrics), schemas_from(settings.schemas)
    engine = build_engine(settings, store, publisher, metrics, app.steady, app.erasures, app.consumption, app.schemas)
    app.partitions = AssignedPartitions(app, engine, app.erasures)
    app.parts = build_parts(engine, app.partitions)
    app.preflight = Preflight(settings, store, publisher, app.erasures, app.parts.policies, metrics)
    app.group_watch = GroupWatch(settings, metrics, lambda: app.consumer_thread)
    app.assigning = Backoff(metrics, logger, "waiting for it before reading", longest=1.0)
    # No more than a warning: where reading goes on is decided by the fences.
    app.committing = Backoff(metrics, logger, "the next commit tries again", level=logging.WARNING)
    for intake in engine.intakes.values():
        add_agent(app, intake, app.parts.pipeline, metrics, app.steady, app.consumption)
    app.task(app.run_timer)
    add_pages(
        app, metrics, app.not_ready_because, settings.web_token, lambda: app.parts.timer.remarks, lambda: app.lags
    )
    return app


def run_worker(settings: Settings) -> int:
    """Run a worker until it is told to stop or fails.

    Args:
        settings: of the worker.

    Returns:
        The exit status of the process: 0 after SIGTERM or SIGINT.
    """
    return run_app(build_app(settings))


def run_app(app: EngagementApp) -> int:
    """Run a worker that is wired already, as `run_worker` does.

    Args:
        app: by `build_app`.

    Returns:
        The exit status of the process.
    """
    # What is loaded by now stays, and records hold no cycles: looking for garbage among them took a third of the time.
    gc.freeze()
    gc.set_threshold(*_GARBAGE_THRESHOLDS)
    worker = EngagementWorker(app, loglevel=app.parts.engine.settings.log_level, redirect_stdouts=False)
    quiet_logs(worker.logger)
    status: Any = 0
    try:
        worker.execute_from_commandline()
    except SystemExit as end:
        status = end.code
    if status:
        logger.critical("the worker ends: %s", worker.why_ended)
        # Tasks that the end has cut off say so when they go, and this is to be the last line.
        logging.getLogger("asyncio").disabled = True
    return int(status or 0)
