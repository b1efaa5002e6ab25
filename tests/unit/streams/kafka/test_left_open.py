"""Readers of whole topics leave no client behind where Kafka does not answer: its end would be told on the terminal."""

from __future__ import annotations

import gc
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from streams.errors import BrokerUnavailable
from streams.kafka.topic_range import open_range
from streams.rebuild.source_log import SourceLog
from streams.settings.settings import Settings, read_settings


@pytest.mark.parametrize("opened", [lambda settings: open_range(settings, "clickstream"), SourceLog])
async def test_no_client_is_left_open(
    opened: Callable[[Settings], AbstractAsyncContextManager[Any]], caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(BrokerUnavailable):
        async with opened(read_settings({"ENGAGEMENT_KAFKA_BROKERS": "127.0.0.1:1"})):
            pass

    gc.collect()
    assert "Unclosed" not in caplog.text
