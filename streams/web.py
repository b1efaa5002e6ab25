"""The pages of the web port: is the worker alive, is it ready, what does it measure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_1_0_0

if TYPE_CHECKING:
    from streams.app import EngagementApp

_UNAVAILABLE = 503


def add_pages(app: EngagementApp) -> None:
    """Register `/health`, `/ready` and `/metrics`.

    Args:
        app: whose pages they are.
    """

    @app.page("/health")
    async def health(web: Any, _request: Any) -> Any:
        """Answer 200 while the worker has not failed."""
        return web.json({"healthy": not app.failed}, status=_UNAVAILABLE if app.failed else 200)

    @app.page("/ready")
    async def ready(web: Any, _request: Any) -> Any:
        """Answer 200 while events are being scored, 503 with the reason while they are not."""
        reason = app.not_ready_because()
        app.parts.metrics.ready.set(0 if reason else 1)
        return web.json({"ready": not reason, "reason": reason}, status=_UNAVAILABLE if reason else 200)

    @app.page("/metrics")
    async def metrics(web: Any, _request: Any) -> Any:
        """Answer with the metrics in Prometheus' text format."""
        app.parts.metrics.ready.set(0 if app.not_ready_because() else 1)
        return web.bytes(
            generate_latest(app.parts.metrics.registry), content_type=CONTENT_TYPE_PLAIN_1_0_0.split(";")[0]
        )
