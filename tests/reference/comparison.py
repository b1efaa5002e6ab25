"""Compares what the product has stored and published with what the brute force says, to the last digit."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import redis

from tests.reference import brute_force

Rows = Mapping[str, Mapping[str, Any]]
"""Customers as the brute force tells them: its `Customer` as a dictionary, by id."""

_WORDS = ("band", "band_since", "previous_band", "disengages_at", "last_event_at")
_ALERT = ("kind", "severity", "occurred_at", "score", "previous_score", "band", "previous_band", "disengages_at")
_CHANGE = ("occurred_at", "score", "previous_score", "band", "previous_band")
#: The number of characters of a message that a difference shows.
_SHOWN = 300


def expected(policy: Path, events: Path) -> dict[str, Any]:
    """Compute what should come out, in a process of its own that shares no code with the product.

    Args:
        policy: TOML file.
        events: JSON Lines, plain or gzipped.

    Returns:
        Rows by customer.
    """
    command = [sys.executable, "-m", brute_force.__name__, str(policy.resolve()), str(events.resolve())]
    root = Path(brute_force.__file__).parents[2]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=root).stdout
    return {row["customer_id"]: row for row in map(json.loads, output.splitlines())}


def judged_to_the_end(url: str, namespace: str, customers: int, until: int) -> bool:
    """Return whether everybody has been judged up to a time, and nothing waits to be published.

    Args:
        url: of Redis.
        namespace: the prefix of the keys.
        customers: how many there have to be.
        until: the evaluation time, in microseconds.

    Returns:
        False also while some schedule holds a time that has come, or a day of the clocks of absence is not closed.
    """
    client: Any = redis.Redis.from_url(url, decode_responses=True)
    try:
        names = [name for name in client.keys(f"{namespace}:_*") if name.split(":")[1] in ("_crossings", "_refreshes")]
        due = sum(client.zcount(name, "-inf", until) for name in names)
        waiting = sum(client.zcard(name) for name in client.keys(f"{namespace}:_outbox:*"))
        found = sum(client.zcard(name) for name in client.keys(f"{namespace}:band:*"))
        for name in client.keys(f"{namespace}:_absences:*"):
            clock = client.hgetall(f"{namespace}:_clock:{unquote(name.split(':')[2])}")
            if int(clock.get("last", 0)) < until // (86_400 * brute_force.MILLION):
                return False
            due += client.zcount(name, "-inf", int(clock[clock["last"]]))
    finally:
        client.close()
    return bool(due == 0 and waiting == 0 and found == customers)


def score_differences(wanted: Rows, found: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """Compare the published fields of every customer.

    Args:
        wanted: by the brute force.
        found: fields by customer.

    Yields:
        A sentence for each difference.
    """
    for customer in sorted(wanted.keys() | found.keys()):
        if customer not in wanted or customer not in found:
            yield f"{customer}: only in {'the store' if customer in found else 'the reference'}"
            continue
        right, stored = wanted[customer], found[customer]
        for name, value in {"score": right["score"], "trend": right["trend"], **right["points"]}.items():
            if Decimal(stored.get(name, "NaN")) != Decimal(value):
                yield f"{customer}: {name} is {stored.get(name)}, not {value}"
        for name in _WORDS:
            if stored.get(name) != right[name]:
                yield f"{customer}: {name} is {stored.get(name)!r}, not {right[name]!r}"


def index_differences(wanted: Rows, found: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    """Compare the indexes of the bands.

    Args:
        wanted: by the brute force.
        found: for each band the Unix second of the entry by customer.

    Yields:
        A sentence for each difference.
    """
    stands: dict[str, dict[str, float]] = defaultdict(dict)
    for band, members in found.items():
        for customer, since in members.items():
            stands[customer][band] = since
    for customer in sorted(wanted.keys() | stands.keys()):
        row = wanted.get(customer)
        right = {row["band"]: brute_force.micros(row["band_since"]) // brute_force.MILLION} if row else {}
        if {band: int(since) for band, since in stands[customer].items()} != right:
            yield f"{customer}: the indexes say {stands[customer]}, not {right}"


def alert_differences(wanted: Rows, found: Sequence[Mapping[str, Any]]) -> list[str]:
    """Compare the alerts; one may have come several times, with the same id and the same contents.

    Args:
        wanted: by the brute force.
        found: in the order of the topic.

    Returns:
        A sentence for each difference.
    """
    return _message_differences("alert", wanted, "alerts", found, "alert_id", _ALERT)


def band_change_differences(wanted: Rows, found: Sequence[Mapping[str, Any]]) -> list[str]:
    """Compare the band changes, as `alert_differences` does the alerts."""
    return _message_differences("band change", wanted, "band_changes", found, "change_id", _CHANGE)


def _message_differences(
    what: str,
    wanted: Rows,
    kind: str,
    found: Sequence[Mapping[str, Any]],
    identity: str,
    names: tuple[str, ...],
) -> list[str]:
    by_id: dict[str, Mapping[str, Any]] = {}
    differences = []
    for message in found:
        first = by_id.setdefault(message[identity], message)
        if _contents(first) != _contents(message):
            shown = f"{_contents(first)[:_SHOWN]} {_contents(message)[:_SHOWN]}"
            differences.append(f"{what} repeated with other contents: {shown}")
    came = [(_words(message["customer_id"], message, names), message[identity]) for message in by_id.values()]
    ids: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for words, name in came:
        ids[words].add(name)
    differences += [f"{what} under several ids: {words} {names}" for words, names in ids.items() if len(names) > 1]
    right = {_words(customer, entry, names) for customer, row in wanted.items() for entry in row[kind]}
    differences += [f"{what} missing: {words}" for words in sorted(right - ids.keys())]
    differences += [f"{what} wrong: {words}" for words in sorted(ids.keys() - right)]
    return differences


def _contents(message: Mapping[str, Any]) -> str:
    # What is judged again, as after a loss of the store, is noticed at another time.
    return json.dumps({name: value for name, value in message.items() if name != "detected_at"}, sort_keys=True)


def _words(customer: str, entry: Mapping[str, Any], names: tuple[str, ...]) -> tuple[str, ...]:
    words = [customer]
    for name in names:
        value = entry.get(name, "") if name == "disengages_at" else entry[name]  # of a warning only
        if name == "severity" and value == "info":
            value = ""  # the brute force gives a recovery none
        words.append(f"{Decimal(str(value)):.2f}" if name.endswith("score") else str(value))
    return tuple(words)
