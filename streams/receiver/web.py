"""The pages of the receiver: where events are posted to, and whether it is alive and ready.

Rests on decision 88.
"""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final
from urllib.parse import parse_qsl

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_1_0_0

from streams.errors import RequestRefused, TransientError
from streams.receiver.delivery import Delivery, OutRecord
from streams.receiver.limits import Backlog, Rate
from streams.receiver.passed_headers import PassedHeaders
from streams.receiver.receiver_file import Endpoint, ReceiverPlan
from streams.receiver.receiver_metrics import ReceiverMetrics
from streams.receiver.signatures import Signature
from streams.receiver.sns import confirm, confirmation_url
from streams.receiver.tracking import METHODS, calls_of, read_document, write_key_of
from streams.settings.security import Secret
from streams.worker.web import allowed

#: What Segment's own API answers.
_TAKEN: Final = {"success": True}
_FORM: Final = "application/x-www-form-urlencoded"
_BAD_REQUEST, _UNAUTHORIZED, _NOT_FOUND, _TOO_LARGE, _UNAVAILABLE = 400, 401, 404, 413, 503
#: A script of any site may post to the tracking API: the write key that it holds is public by nature.
_CORS: Final = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Content-Encoding, X-Retry-Count",
    "Access-Control-Expose-Headers": "Retry-After, X-RateLimit-Reset",
    "Access-Control-Max-Age": "86400",
}
_TRACKING: Final = "/v1/"
#: In a request, the source that it turned out to be for.
_SOURCE: Final = web.RequestKey("source", str)


class Pages:
    """Takes requests, and answers 200 only after Kafka has what they brought.

    `not_ready_because` is why nothing is taken at the moment; '' while requests are taken.
    """

    def __init__(
        self,
        plan: ReceiverPlan,
        delivery: Delivery,
        backlog: Backlog,
        metrics: ReceiverMetrics,
        token: Secret,
        confirm_sns: Callable[[str], Awaitable[None]] = confirm,
    ) -> None:
        """Prepare.

        Args:
            plan: what is received.
            delivery: writes it.
            backlog: that the delivery counts in.
            metrics: count.
            token: who does not send it sees neither metrics nor reasons; without one, all see them.
            confirm_sns: visits the URL that confirms a subscription.
        """
        self._plan, self._delivery, self._backlog = plan, delivery, backlog
        self._metrics, self._token, self._confirm = metrics, token, confirm_sns
        self._rates = {name: Rate(plan.records_per_second) for name in plan.endpoints}
        self._headers = {name: PassedHeaders(endpoint.source) for name, endpoint in plan.endpoints.items()}
        self._write_keys = {found.write_key: name for name, found in plan.endpoints.items() if found.write_key}
        self.not_ready_because = "starting"

    def app(self) -> web.Application:
        """Make the application."""
        app = web.Application(client_max_size=self._plan.body_bytes, middlewares=[self._answer])
        app.router.add_get("/health", self._health)
        app.router.add_get("/ready", self._ready)
        app.router.add_get("/metrics", self._measured)
        app.router.add_post(f"{_TRACKING}{{method}}", self._tracking)
        app.router.add_options(f"{_TRACKING}{{method}}", self._preflight)
        app.router.add_post("/{source}", self._webhook)
        app.router.add_head("/{source}", self._exists)
        return app

    # --- In

    async def _webhook(self, request: web.Request) -> web.StreamResponse:
        name, endpoint, signature = self._taker(request)
        request[_SOURCE] = name
        body = await self._read(request)
        signature.check(request.headers, body, time.time())
        value = _object_of(body) if request.content_type == _FORM else body
        await self._write(name, [OutRecord(None, value, self._headers[name].of(request.headers))])
        if endpoint.confirm_sns and (url := confirmation_url(body, endpoint.confirm_sns)):
            await self._confirm(url)
        return web.json_response(_TAKEN)

    def _taker(self, request: web.Request) -> tuple[str, Endpoint, Signature]:
        name = request.match_info["source"]
        endpoint = self._plan.endpoints.get(name)
        if endpoint is None or endpoint.signature is None:
            raise RequestRefused(_NOT_FOUND, "unknown", "no source of this name takes webhooks")
        return name, endpoint, endpoint.signature

    async def _exists(self, request: web.Request) -> web.StreamResponse:
        """Answer a vendor that asks whether there is anything at the URL before it posts to it."""
        self._taker(request)
        return web.Response()

    async def _tracking(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        if method not in METHODS:
            raise RequestRefused(_NOT_FOUND, "unknown", "the tracking API has no such method")
        document = read_document(await self._read(request))
        name = self._write_keys.get(write_key_of(request.headers.get("Authorization", ""), document))
        if name is None:
            raise RequestRefused(_UNAUTHORIZED, "unsigned", "the write key is not known")
        request[_SOURCE] = name
        headers = self._headers[name].of(request.headers)
        calls = calls_of(method, document, time.time_ns() // 1_000)
        await self._write(name, [OutRecord(call.key, call.value, headers) for call in calls])
        return web.json_response(_TAKEN)

    async def _preflight(self, _request: web.Request) -> web.StreamResponse:
        return web.Response(status=204)

    async def _read(self, request: web.Request) -> bytes:
        """Read the body, unless it is too large or there is no room for it."""
        if self.not_ready_because:
            raise RequestRefused(_UNAVAILABLE, "not_ready", self.not_ready_because, retry_after=1)
        self._backlog.check()
        try:
            return await request.read()
        except web.HTTPRequestEntityTooLarge:
            message = f"the body has more than {self._plan.body_bytes} bytes"
            raise RequestRefused(_TOO_LARGE, "too_large", message) from None
        except web.RequestPayloadError as error:
            why = " ".join(str(error).split())
            raise RequestRefused(_BAD_REQUEST, "malformed", f"the body cannot be read: {why}") from error

    async def _write(self, name: str, records: Sequence[OutRecord]) -> None:
        self._rates[name].take(len(records))
        try:
            await self._delivery.write(self._plan.endpoints[name].source.topic, records)
        except TransientError as error:
            raise RequestRefused(_UNAVAILABLE, "unavailable", str(error), retry_after=1) from error
        self._metrics.records.labels(name).inc(len(records))

    # --- Out

    @web.middleware
    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer what is refused, and count what is posted."""
        began, outcome = time.monotonic(), "taken"
        try:
            answer = await handler(request)
        except RequestRefused as refused:
            outcome, answer = refused.code, _refusal(refused)
        if request.method == "POST":
            self._metrics.requests.labels(request.get(_SOURCE, ""), outcome).inc()
            if outcome == "taken":
                self._metrics.seconds.observe(time.monotonic() - began)
            if self.not_ready_because:
                # The client is to come back to another receiver, or to this one when it is there again.
                answer.force_close()
        if request.path.startswith(_TRACKING):
            answer.headers.update(_CORS)
        elif answer.status == _UNAUTHORIZED and request.method == "POST":
            # SNS asks without a password first. A browser would ask its user, so scripts are not told.
            answer.headers["WWW-Authenticate"] = 'Basic realm="engagement"'
        return answer

    def _why_not_ready(self) -> str:
        return self.not_ready_because or ("Kafka does not acknowledge" if self._delivery.stuck else "")

    async def _health(self, _request: web.Request) -> web.StreamResponse:
        return web.json_response({"healthy": True})

    async def _ready(self, request: web.Request) -> web.StreamResponse:
        reason = self._why_not_ready()
        told = {"reason": reason} if allowed(request.headers, self._token) else {}
        return web.json_response({"ready": not reason, **told}, status=_UNAVAILABLE if reason else 200)

    async def _measured(self, request: web.Request) -> web.StreamResponse:
        if not allowed(request.headers, self._token):
            headers = {"WWW-Authenticate": "Bearer"}
            return web.json_response({"error": "the token is needed"}, status=_UNAUTHORIZED, headers=headers)
        self._metrics.ready.set(0 if self._why_not_ready() else 1)
        self._metrics.backlog.set(self._backlog.size)
        body = generate_latest(self._metrics.registry)
        return web.Response(body=body, content_type=CONTENT_TYPE_PLAIN_1_0_0.split(";")[0])


def _refusal(refused: RequestRefused) -> web.Response:
    headers = {}
    if refused.retry_after:
        # The second is what analytics.js looks at.
        headers = dict.fromkeys(("Retry-After", "X-RateLimit-Reset"), str(math.ceil(refused.retry_after)))
    return web.json_response({"code": refused.code, "message": str(refused)}, status=refused.status, headers=headers)


def _object_of(form: bytes) -> bytes:
    """Make a JSON object of a form, as a source reads no forms."""
    return orjson.dumps(dict(parse_qsl(form.decode("utf-8", "replace"), keep_blank_values=True)))
