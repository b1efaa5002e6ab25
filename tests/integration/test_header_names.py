"""Kafka takes any bytes as the name of a header: neither workers nor commands stumble over them."""

from __future__ import annotations

import time
from typing import Any

import pytest
from aiokafka.producer import message_accumulator
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy

from tests.integration.conftest import MakeSystem
from tests.integration.policies import COUNTING
from tests.polling import poll_until
from tests.services.command import run_command
from tests.services.kafka_client import Record
from tests.services.system import event, event_record
from tests.unit.streams.kafka.test_any_header_name import Name

AT = time.time() - 3600


async def test_a_name_that_is_not_utf_8_ends_no_worker_and_no_command(
    make_system: MakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_accumulator, "DefaultRecordBatchBuilder", _DefaultRecordBatchBuilderPy)
    system = make_system(COUNTING)
    await system.create_topics()
    customer = system.customer("named")
    name: Any = Name("größe".encode("latin-1"))
    good = event_record(event(customer, "page_view", AT))
    records = [good, Record(good.value, good.key, [(name, b"38")]), good, Record(b"{", b"k", [(name, b"39")])]
    await system.send_raw("clickstream", records)
    with system.worker():
        await system.wait_for_score(customer, "3")
        [letter] = await poll_until(system.dead_letters, 30)
    assert dict(letter.headers)["gr\ufffd\ufffde"] == b"39"
    assert "0 differ" in run_command(system.environment, "rebuild", "--dry-run").stdout
    sent = run_command(system.environment, "dead-letters", "replay", "--topic", system.topic("clickstream")).stdout
    assert "1 dead letter replayed" in sent
