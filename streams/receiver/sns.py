"""Amazon SNS asks a new subscriber to visit a URL; this is done for one topic, and only where the file names it.

Rests on decision 89.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

import aiohttp
import orjson

from streams.errors import RequestRefused

_HOST: Final = re.compile(r"sns\.[a-z0-9-]+\.amazonaws\.com(\.cn)?")
_SECONDS: Final = 10.0
_UNAVAILABLE: Final = 503


def confirmation_url(body: bytes, topic: str) -> str:
    """Find the URL that confirms a subscription.

    Args:
        body: of a request.
        topic: the ARN of the one topic whose subscription is wanted.

    Returns:
        A URL of Amazon SNS; '' if the request asks for no confirmation, for another topic, or leads elsewhere.
    """
    try:
        message = orjson.loads(body)
        url = str(message["SubscribeURL"])
        wanted = message["Type"] == "SubscriptionConfirmation" and message["TopicArn"] == topic
        parts = urlsplit(url)
    except (ValueError, LookupError, TypeError):
        return ""
    return url if wanted and parts.scheme == "https" and _HOST.fullmatch(parts.netloc) else ""


async def confirm(url: str) -> None:
    """Visit a URL.

    Args:
        url: found by `confirmation_url`.

    Raises:
        RequestRefused: if it does not answer as it should; SNS sends its request again.
    """
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(_SECONDS)) as session,
            session.get(url, allow_redirects=False) as answer,
        ):
            status = answer.status
    except (aiohttp.ClientError, TimeoutError) as error:
        raise RequestRefused(_UNAVAILABLE, "not_confirmed", f"SNS cannot be reached: {error!r}", 1.0) from error
    if status != HTTPStatus.OK:
        raise RequestRefused(_UNAVAILABLE, "not_confirmed", f"SNS answers with {status}", 1.0)
