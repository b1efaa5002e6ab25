"""The receiver on a real broker: what it takes is in Kafka before it answers, and what it does not take is not."""

from __future__ import annotations

import asyncio
import base64
import functools
import gzip
import hashlib
import hmac
import io
import json
import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer
from segment.analytics.client import Client

from streams.errors import BrokerUnavailable
from streams.receiver.delivery import Delivery, OutRecord
from streams.receiver.limits import Backlog
from streams.receiver.receiver_file import read_receiver_file
from streams.receiver.receiver_metrics import ReceiverMetrics
from streams.receiver.web import Pages
from streams.settings.security import Secret
from tests.integration.conftest import MakeSystem
from tests.polling import poll_until
from tests.services.command import run_command
from tests.services.kafka import KafkaBroker
from tests.services.kafka_client import TopicTail
from tests.services.system import System, metric
from tests.services.worker import WorkerProcess

SHARED = "s3cret"
OPERATOR = "operator"
POLICY = """
[channels.commerce]
topic = "NAMESPACE-commerce"
weights = { purchase = 10 }
[channels.clickstream]
topic = "NAMESPACE-clickstream"
weights = { page_view = 1, add_to_cart = 5 }
[channels.email]
topic = "NAMESPACE-email"
weights = { open = 1 }
[sources.shop]
format = "shopify"
topic = "NAMESPACE-shop"
[sources.web]
format = "segment"
topic = "NAMESPACE-web"
[sources.mandrill]
format = "mandrill"
topic = "NAMESPACE-mandrill"
"""
RECEIVED = """
[sources.shop]
signature = "shopify"
secret_file = "FOLDER/secret"
[sources.web]
signature = "none"
write_key_file = "FOLDER/secret"
[sources.mandrill]
signature = "token"
secret_file = "FOLDER/secret"
"""
BASIC = {"Authorization": "Basic " + base64.b64encode(f"{SHARED}:".encode()).decode()}


class Received:
    """A receiver with the topics that it writes to."""

    def __init__(self, system: System, process: WorkerProcess) -> None:
        """Take them."""
        self.system, self.process = system, process

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.process.port}"

    async def records(self, source: str) -> list[Any]:
        """Read the topic of a source."""
        return await TopicTail(self.system.kafka, f"{self.system.namespace}-{source}").read()


def receiver_of(system: System, more: str = "") -> Received:
    """Prepare a receiver."""
    (system.folder / "secret").write_text(SHARED, encoding="utf-8")
    path = system.folder / "receiver.toml"
    path.write_text(more + RECEIVED.replace("FOLDER", str(system.folder)), encoding="utf-8")
    return Received(system, system.worker(("streams", "receive"), receiver_file=str(path)))


@contextmanager
def running(system: System, more: str = "") -> Iterator[Received]:
    """Run a receiver."""
    received = receiver_of(system, more)
    with received.process:
        yield received


async def post(url: str, body: Any = None, **options: Any) -> tuple[int, dict[str, Any], Any]:
    """Post; give the status, the JSON of the answer, and its headers."""
    async with aiohttp.ClientSession() as session, session.post(url, data=body, **options) as answer:
        return answer.status, await answer.json(), answer.headers


def signed(body: bytes) -> dict[str, str]:
    """Sign as Shopify does."""
    digest = hmac.digest(SHARED.encode(), body, hashlib.sha256)
    return {"X-Shopify-Hmac-Sha256": base64.b64encode(digest).decode(), "X-Shopify-Topic": "orders/create"}


async def test_a_webhook_is_written_as_it_is_with_the_headers_that_its_source_reads(make_system: MakeSystem) -> None:
    body = b'{"customer":{"id":5},\r\n "total_price":"10.00"}\n'
    with running(make_system(POLICY)) as received:
        status, answer, _ = await post(f"{received.url}/shop", body, headers=signed(body))
        assert (status, answer) == (200, {"success": True})
        # Answered, so it is there.
        (record,) = await received.records("shop")
        assert (record.value, record.key) == (body, None)
        assert list(record.headers) == [("X-Shopify-Topic", b"orders/create")]
        assert metric(received.process, "engagement_receiver_requests_total", source="shop", outcome="taken") == 1
        assert metric(received.process, "engagement_receiver_records_total", source="shop") == 1
        assert metric(received.process, "engagement_receiver_backlog_bytes") == 0


async def test_a_form_becomes_an_object_of_its_fields(make_system: MakeSystem) -> None:
    with running(make_system(POLICY)) as received:
        fields = {"mandrill_events": '[{"event":"open"}]', "empty": ""}
        headers = {"Authorization": aiohttp.encode_basic_auth("mandrill", SHARED)}
        status, _, _ = await post(f"{received.url}/mandrill", fields, headers=headers)
        assert status == 200
        (record,) = await received.records("mandrill")
        assert json.loads(record.value) == fields


async def test_what_is_not_taken_is_not_written_and_the_answer_says_why(make_system: MakeSystem) -> None:
    limits = "[limits]\nbody_bytes = 2048\n"
    large, many = b"x" * 2049, b'{"a": "' + b" " * 100_000 + b'"}'
    with running(make_system(POLICY), limits) as received:
        url = received.url

        async def refusal(path: str, body: bytes | Any, **headers: str) -> tuple[int, str]:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            status, answer, _ = await post(f"{url}{path}", body, headers=named)
            return status, answer["code"]

        assert await refusal("/shop", b"{}") == (401, "unsigned")
        assert await refusal("/shop", b"{} ", **signed(b"{}")) == (401, "unsigned")
        assert await refusal("/nobody", b"{}") == (404, "unknown")
        # Amazon SNS sends the password of a URL only where it is asked for; a browser would ask its user.
        challenges = [(await post(f"{url}{path}", b"{}"))[2].get("WWW-Authenticate") for path in ("/mandrill", "/v1/t")]
        assert challenges == ['Basic realm="engagement"', None]
        assert await refusal("/v1/nothing", b"{}", **BASIC) == (404, "unknown")
        assert await refusal("/v1/track", b"{}") == (401, "unsigned")
        assert await refusal("/v1/track", b'{"writeKey": "other"}') == (401, "unsigned")
        assert await refusal("/v1/track", b"[]", **BASIC) == (400, "malformed")
        assert await refusal("/v1/batch", b"{}", **BASIC) == (400, "malformed")
        assert await refusal("/v1/track", b"not gzip", **BASIC, Content_Encoding="gzip") == (400, "malformed")
        assert await refusal("/web", large) == (413, "too_large")
        assert await refusal("/web", in_pieces(large)) == (413, "too_large")
        # Small on the way, and large when it is unpacked.
        assert await refusal("/v1/track", gzip.compress(many), **BASIC, Content_Encoding="gzip") == (413, "too_large")
        assert await received.records("shop") + await received.records("web") == []
        assert metric(received.process, "engagement_receiver_requests_total", source="web", outcome="too_large") == 2
        assert metric(received.process, "engagement_receiver_requests_total", source="", outcome="unknown") == 2
        status, _, _ = await post(f"{url}/web", large[:2048])
        assert status == 200
        # Vendors ask whether there is anything at a URL before they post to it.
        async with aiohttp.ClientSession() as session:
            asked = [(await session.head(f"{url}/{name}")).status for name in ("shop", "nobody", "health")]
            assert asked == [200, 404, 200]
            answer = await session.post(f"{url}/v1/track", data=b"{}", headers={"Content-Encoding": "br"})
            assert answer.status == 400
        # What clients do wrong is no fault of the receiver.
        assert "Traceback" not in received.process.log.read_text()


async def in_pieces(body: bytes) -> AsyncIterator[bytes]:
    """Send a body without saying how long it is."""
    for start in range(0, len(body), 500):
        yield body[start : start + 500]


async def test_more_records_than_a_second_may_have_are_to_come_again(make_system: MakeSystem) -> None:
    batch = json.dumps({"batch": [{"type": "page", "anonymousId": "a"}] * 40}).encode()
    with running(make_system(POLICY), "[limits]\nrecords_per_second = 10\n") as received:
        url = f"{received.url}/v1/batch"
        assert (await post(f"{received.url}/web", b"the first record takes longer"))[0] == 200
        assert (await post(url, batch, headers=BASIC))[0] == 200
        status, answer, headers = await post(url, batch, headers=BASIC)
        assert (status, answer["code"]) == (429, "rate")
        assert headers["Retry-After"] == headers["X-RateLimit-Reset"]
        wait = int(headers["Retry-After"])
        assert 1 <= wait <= 4
        # Another source has its own.
        body = b"{}"
        assert (await post(f"{received.url}/shop", body, headers=signed(body)))[0] == 200

        async def taken() -> bool:
            return (await post(url, batch, headers=BASIC))[0] == 200

        await poll_until(taken, wait + 30)
        assert len(await received.records("web")) == 81


async def test_while_kafka_is_away_the_backlog_fills_and_then_nothing_is_taken(
    make_system: MakeSystem, own_kafka: KafkaBroker
) -> None:
    first, later = b"1" * 1000, b"2" * 1000
    with running(make_system(POLICY, kafka=own_kafka.bootstrap), "[limits]\nbacklog_bytes = 1500\n") as received:
        url = f"{received.url}/web"
        assert (await post(url, b"0"))[0] == 200
        own_kafka.kill()
        try:
            waiting = [asyncio.create_task(post(url, first)) for _ in range(2)]
            await poll_until(lambda: metric(received.process, "engagement_receiver_backlog_bytes") == 2000, 30)
            began = time.monotonic()
            status, answer, headers = await post(url, later)
            assert (status, answer["code"], headers["Retry-After"]) == (503, "backlog", "1")
            assert time.monotonic() - began < 2
            # Who waits is told in the end that it is not known whether Kafka will have it.
            answers = await asyncio.gather(*waiting)
            assert [(status, answer["code"]) for status, answer, _ in answers] == [(503, "unavailable")] * 2
            await poll_until(lambda: received.process.status("/ready") == 503, 30)
            assert received.process.status("/health") == 200
        finally:
            own_kafka.start()
        await poll_until(lambda: received.process.status("/ready") == 200, 60)
        assert metric(received.process, "engagement_receiver_backlog_bytes") == 0
        assert (await post(url, b"3"))[0] == 200
        values = [record.value for record in await received.records("web")]
        assert values.count(b"0") == values.count(b"3") == 1
        assert later not in values


async def test_stopped_while_kafka_is_away_it_refuses_what_waits_and_ends(
    make_system: MakeSystem, own_kafka: KafkaBroker
) -> None:
    with running(make_system(POLICY, kafka=own_kafka.bootstrap)) as received:
        assert (await post(f"{received.url}/web", b"0"))[0] == 200
        own_kafka.kill()
        try:
            waiting = asyncio.create_task(post(f"{received.url}/web", b"1"))
            await poll_until(lambda: metric(received.process, "engagement_receiver_backlog_bytes") == 1, 30)
            assert await asyncio.to_thread(received.process.stop, 30) == 0
            status, answer, _ = await waiting
            assert (status, answer["code"]) == (503, "unavailable")
            assert "Traceback" not in received.process.log_tail(1_000)
        finally:
            own_kafka.start()


async def test_a_subscription_of_sns_is_confirmed_where_the_file_asks_for_it_once_kafka_has_the_request(
    make_system: MakeSystem,
) -> None:
    system = make_system(POLICY)
    (system.folder / "receiver.toml").write_text(
        '[sources.web]\nsignature = "none"\nconfirm_sns = "arn:aws:sns:eu-west-1:1:mail"\n'
        '[sources.shop]\nsignature = "none"\n',
        encoding="utf-8",
    )
    plan = read_receiver_file(str(system.folder / "receiver.toml"), system.settings.policy)
    topics = [f"{system.namespace}-{name}" for name in ("web", "shop")]
    backlog = Backlog(1 << 20)
    delivery = Delivery(system.settings, topics, backlog)
    visited: list[tuple[str, int]] = []

    async def visit(url: str) -> None:
        visited.append((url, len(await TopicTail(system.kafka, *topics).read())))

    pages = Pages(plan, delivery, backlog, ReceiverMetrics(), Secret(), visit)
    await delivery.open()
    pages.not_ready_because = ""
    url = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription"
    asks = {"Type": "SubscriptionConfirmation", "TopicArn": "arn:aws:sns:eu-west-1:1:mail", "SubscribeURL": url}
    try:
        async with TestServer(pages.app(), host="127.0.0.1") as server:
            for path, message in (("/web", asks), ("/shop", asks), ("/web", asks | {"TopicArn": "arn:other"})):
                assert (await post(str(server.make_url(path)), json.dumps(message).encode()))[0] == 200
    finally:
        await delivery.close()
    assert visited == [(url, 1)]


async def test_after_a_producer_has_failed_the_next_record_gets_another_one(
    make_system: MakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = make_system(POLICY)
    monkeypatch.setattr("streams.receiver.delivery.PATIENCE", 1.0)
    backlog = Backlog(1 << 20)
    topic = f"{system.namespace}-web"
    delivery = Delivery(system.settings, [topic], backlog)
    await delivery.open()
    try:
        await delivery.write(topic, [OutRecord(None, b"1", ())])
        # What sends has died, and tells nobody.
        assert delivery._producer is not None
        delivery._producer._sender._sender_task.cancel()
        with pytest.raises(BrokerUnavailable, match="Kafka has not acknowledged"):
            await delivery.write(topic, [OutRecord(None, b"2", ())])
        assert backlog.size == 0
        await delivery.write(topic, [OutRecord(None, b"3", ())])
    finally:
        await delivery.close()
    assert sorted(record.value for record in await TopicTail(system.kafka, topic).read()) == [b"1", b"3"]


@pytest.mark.beyond_embedded_kafka("takes records of any size")
async def test_a_record_larger_than_its_topic_takes_is_refused_and_others_go_on(make_system: MakeSystem) -> None:
    with running(make_system(POLICY), "[limits]\nbody_bytes = 8388608\n") as received:
        status, answer, _ = await post(f"{received.url}/web", io.BytesIO(b"x" * (8 << 20)))
        assert (status, answer["code"]) == (413, "too_large")
        assert (await post(f"{received.url}/web", b"{}"))[0] == 200


async def test_a_receiver_starts_before_kafka_and_takes_nothing_until_kafka_is_there(
    make_system: MakeSystem, own_kafka: KafkaBroker
) -> None:
    own_kafka.kill()
    received = receiver_of(make_system(POLICY, kafka=own_kafka.bootstrap))
    try:
        received.process.start()
        await poll_until(lambda: received.process.status("/ready") == 503, 30)
        status, answer, _ = await post(f"{received.url}/web", b"{}")
        assert (status, answer["code"]) == (503, "not_ready")
        assert json.loads(received.process.get("/ready")[1]) == {"ready": False, "reason": "starting"}
    finally:
        own_kafka.start()
    await poll_until(lambda: received.process.status("/ready") == 200, 60)
    assert (await post(f"{received.url}/web", b"{}"))[0] == 200
    assert received.process.stop() == 0


class Load:
    """Clients that post records with numbers, one after another, and again where they were not taken."""

    def __init__(self, received: Received) -> None:
        """Take the receiver."""
        self._received = received
        self._number = 0
        self.acknowledged: set[int] = set()
        self.refused = 0
        self.stopping = False

    async def run(self, clients: int = 16) -> None:
        """Post until told to stop."""
        async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as tasks:
            for _ in range(clients):
                tasks.create_task(self._client(session))

    def has_acknowledged(self, more_than: int) -> bool:
        """Return whether more records than so many were taken."""
        return len(self.acknowledged) > more_than

    async def _client(self, session: aiohttp.ClientSession) -> None:
        while not self.stopping:
            self._number += 1
            await poll_until(functools.partial(self._done, session, self._number), 60)

    async def _done(self, session: aiohttp.ClientSession, number: int) -> bool:
        return await self._taken(session, number) or self.stopping

    async def _taken(self, session: aiohttp.ClientSession, number: int) -> bool:
        try:
            async with session.post(f"{self._received.url}/web", data=json.dumps({"number": number})) as answer:
                if answer.status == 200:
                    self.acknowledged.add(number)
                    return True
        except aiohttp.ClientError:
            pass
        self.refused += 1
        return False


async def numbers(received: Received) -> set[int]:
    """Read the numbers that Kafka has."""
    return {json.loads(record.value)["number"] for record in await received.records("web")}


async def test_killed_under_load_and_started_again_it_loses_nothing_that_it_has_acknowledged(
    make_system: MakeSystem,
) -> None:
    limits = "[limits]\nrecords_per_second = 1000000\n"
    with running(make_system(POLICY), limits) as received:
        load = Load(received)
        clients = asyncio.create_task(load.run())
        for _ in range(4):
            so_far = len(load.acknowledged)
            await poll_until(functools.partial(load.has_acknowledged, so_far + 300), 30)
            received.process.kill()
            received.process.start()
            await asyncio.to_thread(received.process.wait_ready)
        so_far = len(load.acknowledged)
        await poll_until(functools.partial(load.has_acknowledged, so_far + 300), 30)
        load.stopping = True
        await clients
        assert load.refused > 4, "nothing was on its way when it was killed"
        assert load.acknowledged - await numbers(received) == set()


async def test_stopped_under_load_it_answers_what_it_has_taken_and_ends(make_system: MakeSystem) -> None:
    with running(make_system(POLICY), "[limits]\nrecords_per_second = 1000000\n") as received:
        load = Load(received)
        clients = asyncio.create_task(load.run())
        await poll_until(lambda: len(load.acknowledged) > 500, 30)
        assert await asyncio.to_thread(received.process.stop) == 0
        load.stopping = True
        await clients
        # All that has been taken has been answered: whatever is in Kafka was acknowledged, and the other way round.
        assert await numbers(received) == load.acknowledged
        assert "Traceback" not in received.process.log_tail(1_000)


async def test_segments_own_library_posts_to_it_and_the_customer_has_a_score(make_system: MakeSystem) -> None:
    system = make_system(POLICY)
    await system.create_topics()
    customer = system.customer("ada")
    with running(system) as received, system.worker():
        failed: list[Exception] = []
        client = Client(
            SHARED, host=received.url, gzip=True, on_error=lambda error, _: failed.append(error), max_retries=1
        )
        client.page(customer, None, "Home")
        client.track(customer, "Product Added", {"price": 9.5})
        client.track(customer, "Product Added", message_id="the same")
        client.track(customer, "Product Added", message_id="the same")
        client.identify(customer, {"email": "ada@example.com"})
        await asyncio.to_thread(client.shutdown)
        assert failed == []
        await system.wait_for_score(customer, "11")
        records = await received.records("web")
        assert len(records) == 5
        assert {record.key for record in records} == {customer.encode()}
        assert SHARED.encode() not in b"".join(record.value for record in records)


async def test_a_script_of_another_site_may_post_as_analytics_js_does(make_system: MakeSystem) -> None:
    with running(make_system(POLICY)) as received:
        call = {"writeKey": SHARED, "anonymousId": "a", "type": "track", "event": "Product Added"}
        headers = {"Content-Type": "text/plain", "Origin": "https://shop.example"}
        status, answer, got = await post(f"{received.url}/v1/t", json.dumps(call).encode(), headers=headers)
        assert (status, answer, got["Access-Control-Allow-Origin"]) == (200, {"success": True}, "*")
        (record,) = await received.records("web")
        assert json.loads(record.value)["type"] == "track"
        # A refusal can be read as well, and other kinds of bodies are asked for first.
        _, _, got = await post(f"{received.url}/v1/t", b"{}", headers=headers)
        assert got["Access-Control-Allow-Origin"] == "*"
        asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
        url = f"{received.url}/v1/batch"
        async with aiohttp.ClientSession() as session, session.options(url, headers=headers | asked) as allowed:
            assert allowed.status == 204
            assert "Authorization" in allowed.headers["Access-Control-Allow-Headers"]
            assert allowed.headers["Access-Control-Allow-Methods"] == "POST"


async def test_who_has_no_token_sees_neither_metrics_nor_reasons(make_system: MakeSystem) -> None:
    system = make_system(POLICY)
    system.environment["ENGAGEMENT_WEB_TOKEN"] = OPERATOR
    with running(system) as received:
        assert received.process.status("/metrics") == 401
        assert json.loads(received.process.get("/ready")[1]) == {"ready": True}
        body = received.process.get("/metrics", token=OPERATOR)[1]
        assert re.search(r"^engagement_receiver_ready 1\.0$", body, re.MULTILINE)


def test_a_mistake_in_its_file_ends_it_with_a_message(make_system: MakeSystem, tmp_path: Path) -> None:
    system = make_system(POLICY)
    path = tmp_path / "wrong.toml"
    path.write_text('[sources.nobody]\nsignature = "none"', encoding="utf-8")
    done = run_command(system.environment, "receive", "--receiver", str(path), status=2)
    assert "the policy has no source of this name; it has shop, web, mandrill" in done.stderr
    done = run_command(system.environment, "receive", status=2)
    assert "ENGAGEMENT_RECEIVER_FILE: is needed" in done.stderr


async def test_a_port_that_is_taken_ends_it_with_a_message(make_system: MakeSystem) -> None:
    with running(make_system(POLICY)) as received:
        environment = {**received.system.environment, "ENGAGEMENT_WEB_PORT": str(received.process.port)}
        file = str(received.system.folder / "receiver.toml")
        done = await asyncio.to_thread(run_command, environment, "receive", "--receiver", file, status=1)
        assert "nothing can listen on 127.0.0.1" in done.stderr
        assert "Traceback" not in done.stderr
