"""The quickstart: what it sends makes the score and the alert that it shows."""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

from scoring.instants import parse_timestamp
from scoring.judging.alerts import message
from streams.views.alert_line import alert_line
from streams.views.customer_view import customer_text
from tests.unit.docs import maria
from tests.unit.docs.reading import page
from tests.unit.docs.test_readme_screens import block, printed

NAME = "noor.haddad"
FIRST, LEAVING = "2026-11-14T09:30:00Z", "2026-11-14T09:35:00Z"


def sent(time: str) -> list[Any]:
    """Read the events of the next file that the page sends, at a time."""
    (text,) = [block for block in page("quickstart").blocks("sh") if f"> {FILES[time]}" in block]
    lines = [json.loads(line) for line in re.sub(r"\$\(date[^)]*\)", time, text).splitlines() if line.startswith("{")]
    return [maria.event(line, line.pop("channel"))[1] for line in lines]


FILES = {FIRST: "first.jsonl", LEAVING: "leaving.jsonl"}


def test_the_customer_has_the_score_that_is_shown() -> None:
    seen = "2026-11-14T09:30:06Z"
    record, alerts = maria.judged(sent(FIRST), seen)
    assert not alerts
    assert block(NAME) == printed(customer_text(maria.POLICY, NAME, record, parse_timestamp(seen)))


def test_the_alert_is_the_one_that_is_shown() -> None:
    _, (alert,) = maria.judged(sent(FIRST) + sent(LEAVING), LEAVING)
    made = message(NAME, alert, parse_timestamp(LEAVING), maria.POLICY.version)
    assert block(LEAVING[:10]) == printed(alert_line(orjson.dumps(made)), width=1000)
