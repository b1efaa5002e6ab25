"""The pages of the web port: is the worker alive, is it ready, what does it measure; and one that leads to them."""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable, Mapping
from typing import Any

import faust
from faust.web.drivers.aiohttp import Web
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_1_0_0

from streams.errors import WebPortTaken
from streams.metrics import Metrics
from streams.records import Partition
from streams.settings.security import Secret

FAILED = "the worker has failed"
_PAGES = {
    "health": "whether the worker is alive",
    "ready": "whether it scores, and if not, why",
    "metrics": "what it measures, for Prometheus",
}
_CONTENTS = (
    "<!DOCTYPE html><html lang=en><title>engagement worker</title><h1>engagement worker</h1><ul>{}</ul></html>\n"
)
_UNAUTHORIZED, _UNAVAILABLE = 401, 503


class OwnPages(Web):
    """Faust's web server without Faust's pages, which show anybody the tables, the router and the statistics."""

    def _enabled_blueprints(self) -> list[Any]:
        return []

    async def start_server(self) -> None:
        """Begin to listen.

        Raises:
            WebPortTaken: if that is not possible.
        """
        try:
            await super().start_server()
        except OSError as error:
            place = f"{self.app.conf.web_bind}:{self.app.conf.web_port}"
            why = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or str(error)
            raise WebPortTaken(
                f"nothing can listen on {place} (ENGAGEMENT_WEB_HOST, ENGAGEMENT_WEB_PORT): {why.lower()}"
            ) from None


def add_pages(
    app: faust.App,
    metrics: Metrics,
    not_ready_because: Callable[[], str],
    token: Secret,
    remarks: Callable[[], list[str]] = list,
    lags: Callable[[], Mapping[Partition, float]] = dict,
) -> None:
    """Register `/health`, `/ready` and `/metrics`, and `/`, which names them.

    Args:
        app: gets the pages.
        metrics: what `/metrics` shows.
        not_ready_because: tells why the worker is not ready, '' if it is.
        remarks: what an operator should look at though the worker is ready; told to the same.
        lags: tells how far partitions are behind at the moment, as they fall behind while nothing is done.
        token: who does not send it only learns whether the worker is alive and ready; without one, all is shown.
    """

    @app.page("/")
    async def contents(web: Any, _request: Any) -> Any:
        """Answer with links to the other pages; relative ones, as a proxy may put something before them."""
        return web.html(_CONTENTS.format("".join(f"<li><a href={page}>/{page}</a>: {s}" for page, s in _PAGES.items())))

    @app.page("/health")
    async def health(web: Any, _request: Any) -> Any:
        """Answer 200 while the worker has not failed."""
        failed = not_ready_because() == FAILED
        return web.json({"healthy": not failed}, status=_UNAVAILABLE if failed else 200)

    @app.page("/ready")
    async def ready(web: Any, request: Any) -> Any:
        """Answer 200 while events are being scored, 503 with the reason while they are not."""
        reason = not_ready_because()
        told: dict[str, Any] = {}
        if allowed(request.headers, token):
            told = {"reason": reason} | ({"remarks": found} if (found := remarks()) else {})
        return web.json({"ready": not reason, **told}, status=_UNAVAILABLE if reason else 200)

    @app.page("/metrics")
    async def measured(web: Any, request: Any) -> Any:
        """Answer with the metrics in Prometheus' text format."""
        if not allowed(request.headers, token):
            headers = {"WWW-Authenticate": "Bearer"}
            return web.json({"error": "the token is needed"}, status=_UNAUTHORIZED, headers=headers)
        metrics.ready.set(0 if not_ready_because() else 1)
        metrics.set_lags(lags())
        return web.bytes(generate_latest(metrics.registry), content_type=CONTENT_TYPE_PLAIN_1_0_0.split(";")[0])


def allowed(headers: Any, token: Secret) -> bool:
    """Return whether a request holds the token, in a time that does not depend on how much of it is right.

    Args:
        headers: of the request.
        token: that is asked for; without one everything is allowed.
    """
    sent = headers.get("Authorization", "").encode("utf-8", "surrogateescape")
    return not token or hmac.compare_digest(sent, f"Bearer {token.word}".encode())
