"""The confirmation of a subscription to SNS: only of the topic that is named, and only at Amazon."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from streams.embedded.ports import free_ports
from streams.errors import RequestRefused
from streams.receiver.sns import confirm, confirmation_url

TOPIC = "arn:aws:sns:eu-west-1:123456789012:mail"
URL = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=arn&Token=2336412f37"
MESSAGE = {"Type": "SubscriptionConfirmation", "TopicArn": TOPIC, "SubscribeURL": URL, "Token": "2336412f37"}


def url(**changed: Any) -> str:
    """Find the URL in a message."""
    return confirmation_url(orjson.dumps({**MESSAGE, **changed}), TOPIC)


def test_the_url_of_amazon_is_found() -> None:
    assert url() == URL
    china = "https://sns.cn-north-1.amazonaws.com.cn/?Action=ConfirmSubscription"
    assert url(SubscribeURL=china) == china


@pytest.mark.parametrize(
    "changed",
    [
        {"Type": "Notification"},
        {"Type": "UnsubscribeConfirmation"},
        {"TopicArn": TOPIC + "2"},
        {"TopicArn": None},
        {"SubscribeURL": "http://sns.eu-west-1.amazonaws.com/"},
        {"SubscribeURL": "https://sns.eu-west-1.amazonaws.com.evil.example/"},
        {"SubscribeURL": "https://evil.example/sns.eu-west-1.amazonaws.com"},
        {"SubscribeURL": "https://evil.example@sns.eu-west-1.amazonaws.com/"},
        {"SubscribeURL": "https://sns.eu-west-1.amazonaws.com:22/"},
        {"SubscribeURL": "https://s3.eu-west-1.amazonaws.com/"},
        {"SubscribeURL": "https://[sns.eu-west-1.amazonaws.com/"},
        {"SubscribeURL": 5},
    ],
    ids=str,
)
def test_nothing_else_is_visited(changed: dict[str, Any]) -> None:
    assert url(**changed) == ""


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"5", b'"SubscribeURL"', b"not json"])
def test_what_is_no_message_of_sns_asks_for_nothing(body: bytes) -> None:
    assert confirmation_url(body, TOPIC) == ""


@pytest.mark.parametrize("status", [200, 302, 403, 500])
async def test_a_confirmation_is_one_if_it_is_answered_with_200(status: int) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Location": "/elsewhere"})

    app = web.Application()
    app.router.add_get("/", answer)
    async with TestServer(app, host="127.0.0.1") as server:
        if status == 200:
            await confirm(str(server.make_url("/")))
            return
        with pytest.raises(RequestRefused, match=f"SNS answers with {status}") as error:
            await confirm(str(server.make_url("/")))
        assert (error.value.status, error.value.code) == (503, "not_confirmed")


async def test_a_confirmation_that_cannot_be_reached_comes_again() -> None:
    with pytest.raises(RequestRefused, match="SNS cannot be reached") as error:
        await confirm(f"http://127.0.0.1:{free_ports(1)[0]}/")
    assert (error.value.status, error.value.retry_after) == (503, 1)
