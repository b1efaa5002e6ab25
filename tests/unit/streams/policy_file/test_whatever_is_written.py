"""Whatever stands in a policy file, it is read or refused; nothing that is wrong is an error of another kind."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from scoring.errors import PolicyError
from streams.policy_file.document import PolicyFile, parse_policy
from streams.policy_file.table import read_table

tomli_w = pytest.importorskip("tomli_w")

WHOLE: dict[str, Any] = {
    "version": "whole-1",
    "window": {"length": "30d", "pane": "1d", "trend": "7d", "half_life": "3d"},
    "bands": {"engaged": 41},
    "alerts": {"drops": "at_risk", "rearm_margin": 5, "absence": {"share": 1, "memory": "90d", "least_members": 5}},
    "clock": {"lateness": "5s"},
    "dead_letters": {"stop_above": 0.5, "at_least": 7, "over": "1m"},
    "kpi": {
        "keep": "90d",
        "by_day": True,
        "groups": {"plans": {"property": "plan", "of": ["shop.buy"], "largest": 5}},
        "churn": {"after": "60d", "by": ["shop.cancel"]},
    },
    "signals": {
        "angry": {"on": ["shop.cancel"], "cooldown": "1d", "quiet": "22:00-08:00", "timezone": "Europe/Berlin"},
        "cart": {"after": "shop.buy", "without": ["shop.view"], "within": "1h", "severity": "info", "title": "t"},
        "upsell": {"reaches": "power"},
        "few": {"measure": "nps", "at_least": 1, "at_most": 2.5},
        "way": {"funnel": "way", "step": 2},
        "fall": {"falls_by": "50%", "within": "1d"},
    },
    "identities": {"topic": "links"},
    "profiles": {"topic": "crm", "segment": "plan"},
    "channels": {
        "shop": {
            "topic": "orders",
            "weights": {"view": 1, "buy": 5, "cancel": 0},
            "cap": {"view": 3},
            "silence_after": "1d",
            "sessions": "30m",
            "session_types": ["view", "buy"],
            "pages": ["view"],
            "machine": {"view": "bot"},
            "types": [
                {"type": ["buy"], "as": "view", "when": {"properties.a": {"at_most": 6}}, "unless": {"properties.b": 1}}
            ],
            "points": {"buy": {"property": "amount", "points": 2, "per": 10, "cap": 50}},
            "retracts": {"cancel": ["buy"]},
            "retracts_key": "order",
            "gateway": {"view": {"after": "cancel", "within": "5s", "key": "order"}},
            "durations": {"answer": {"from": "buy", "to": ["cancel"], "key": "order"}},
        },
    },
    "measures": {
        "spent": {"kind": "sum", "of": ["shop.buy"], "property": "amount", "over": "7d", "per": "1d", "times": 2},
        "rate": {"kind": "ratio", "of": ["shop"], "to": ["shop.view"], "to_latest": "seats"},
        "nps": {"kind": "balance", "of": ["shop.buy"], "property": "score", "high": 9, "low": 6},
        "visits": {"kind": "sessions", "channel": "shop"},
        "wait": {"kind": "duration", "channel": "shop", "duration": "answer"},
    },
    "funnels": {"way": {"steps": ["shop.view", ["shop.buy", "shop.cancel"]], "within": "7d"}},
    "targets": {"spent": {"at_least": 3, "benchmark": 4.5}},
    "segments": {"vip": {"window": {"half_life": "9d"}, "bands": {"power": 120}, "alerts": {"cooldown": "1h"}}},
    "scores": {"other": {"alerts": True, "bands": {"power": 120}, "channels": {"shop": {"weights": {"buy": 3}}}}},
    "sources": {
        "web": {
            "format": "segment",
            "channel": "shop",
            "topic": "calls",
            "encoding": "json",
            "silence_after": "1d",
            "unwrap": "payload",
            "each": ["events[]"],
            "when": {"op": ["c"]},
            "email_ids": "lower",
            "types": {"Product Viewed": "view", "a": {"b": "shop.buy"}},
            "ignore": ["ping"],
            "only_types": True,
            "time_format": "auto",
            "properties": {"amount": {"path": "total", "as": "number"}},
            "links": [{"id": "anonymousId", "customer": ["userId", {"is": "x"}], "when": {"a": 1}}],
            "events": [{"type": {"is": "view"}, "json": "body", "unless": {"b": True}}],
        },
    },
}
WRONG: tuple[object, ...] = (3, math.nan, True, "", "[", [], [3], [{}], {"x": 3}, {"": ""})


def places(value: Any, place: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Give every place in a document."""
    if place:
        yield place
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(inner, (*place, key))


def with_wrong(place: tuple[str | int, ...], wrong: object) -> dict[str, Any]:
    """Write something else at a place; with None, take away what is there."""
    document = copy.deepcopy(WHOLE)
    *before, last = place
    parent: Any = document
    for step in before:
        parent = parent[step]
    if wrong is None:
        del parent[last]
    else:
        parent[last] = wrong
    return document


def test_the_whole_policy_is_read() -> None:
    policy = parse_policy(tomli_w.dumps(WHOLE))

    assert (len(policy.measures), len(policy.sources), len(policy.scores), len(policy.segments)) == (5, 1, 1, 1)


@pytest.mark.parametrize("place", list(places(WHOLE)), ids=lambda place: ".".join(map(str, place)))
def test_what_is_wrong_at_any_place_is_read_or_refused(place: tuple[str | int, ...]) -> None:
    for wrong in (*WRONG, None):
        text = tomli_w.dumps(with_wrong(place, wrong))
        problems: Sequence[str] = ()
        try:
            parse_policy(text)
        except PolicyError as error:
            problems = error.problems
        assert all(": " in problem and "\n" not in problem for problem in problems), problems


@pytest.mark.parametrize("place", list(places(WHOLE)), ids=lambda place: ".".join(map(str, place)))
def test_a_problem_of_the_form_hides_no_other_place(place: tuple[str | int, ...]) -> None:
    if place[0] in ("version", "colour"):
        return
    for wrong in (3, [3], {"x": {"x": 3}}):
        problems: list[str] = []
        read_table(PolicyFile, {**with_wrong(place, wrong), "version": 3, "colour": "red"}, problems)
        assert {"version", "colour"} <= {problem.partition(":")[0] for problem in problems}
