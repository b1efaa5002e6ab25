"""The pages of the web port: is the worker alive, is it ready, what does it measure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import faust
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_1_0_0

from streams.metrics import Metrics

FAILED = "the worker has failed"
_UNAVAILABLE = 503


def add_pages(app: faust.App, metrics: Metrics, not_ready_because: Callable[[], str]) -> None:
    """Register `/health`, `/ready` and `/metrics`.

    Args:
        app: gets the pages.
        metrics: what `/metrics` shows.
        not_ready_because: tells why the worker is not ready, '' if it is.
    """

    @app.page("/health")
    async def health(web: Any, _request: Any) -> Any:
        """Answer 200 while the worker has not failed."""
        failed = not_ready_because() == FAILED
        return web.json({"healthy": not failed}, status=_UNAVAILABLE if failed else 200)

    @app.page("/ready")
    async def ready(web: Any, _request: Any) -> Any:
        """Answer 200 while events are being scored, 503 with the reason while they are not."""
        reason = not_ready_because()
        return web.json({"ready": not reason, "reason": reason}, status=_UNAVAILABLE if reason else 200)

    @app.page("/metrics")
    async def measured(web: Any, _request: Any) -> Any:
        """Answer with the metrics in Prometheus' text format."""
        metrics.ready.set(0 if not_ready_because() else 1)
        return web.bytes(generate_latest(metrics.registry), content_type=CONTENT_TYPE_PLAIN_1_0_0.split(";")[0])
