"""The part of a policy file that is about named scores: other weights for the same counts, side by side."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from scoring.errors import PolicyError
from scoring.policy import BANDS, NamedScore, Policy
from scoring.segment_file import channel_tables

SCORE_KEYS = ("scores",)
_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
#: Each is computed whenever a customer is written.
MOST_SCORES = 10
_ALLOWED = ("alerts", "bands", "channels")

Table = Mapping[str, Any]


def with_scores(policy: Policy, document: Table, read: Callable[[Table], Policy]) -> Policy:
    """Add named scores.

    Args:
        policy: of the file, without them.
        document: of the file.
        read: makes a policy of a document.

    Returns:
        The policy with a policy for each named score, whose types have the weights that the score gives them, or none.

    Raises:
        PolicyError: with every problem, if there is any.
    """
    tables = document.get("scores")
    if tables is None:
        return policy
    if not isinstance(tables, dict):
        raise PolicyError(["scores: must be a table of tables, [scores.NAME]"])
    problems: list[str] = []
    if len(tables) > MOST_SCORES:
        problems.append(f"scores: there may be at most {MOST_SCORES}")
    found = []
    for name, table in tables.items():
        wrong = list(_problems_of(policy, name, table))
        if not wrong:
            try:
                own = read(_document(policy, document, table))
                found.append(NamedScore(name, own, table.get("alerts", False)))
            except PolicyError as error:
                wrong += error.problems
        problems += [f"scores.{name}: {problem}" for problem in wrong]
    if problems:
        raise PolicyError(problems)
    return replace(policy, scores=tuple(found))


def _problems_of(policy: Policy, name: str, table: object) -> Iterator[str]:
    if not _NAME.fullmatch(name):
        yield "a score's name is 1 to 32 characters out of a-z 0-9 _, a letter first"
    if not isinstance(table, dict):
        yield f"must be a table, [scores.{name}]"
        return
    for key in table:
        if key not in _ALLOWED:
            yield f"{key}: unknown key; allowed here: {', '.join(_ALLOWED)}"
    if not isinstance(table.get("alerts", False), bool):
        yield "alerts: must be true or false"
    bands = table.get("bands", {})
    if not isinstance(bands, dict):
        yield "bands: must be a table"
    else:
        known = BANDS[1:]
        yield from (f"bands.{key}: unknown key; allowed here: {', '.join(known)}" for key in bands if key not in known)
    channels = table.get("channels")
    if not isinstance(channels, dict) or not channels:
        yield "channels: must hold at least one table with weights"
        return
    for channel, inner in channels.items():
        yield from _problems_of_channel(policy, channel, inner)


def _problems_of_channel(policy: Policy, name: str, table: object) -> Iterator[str]:
    where = f"channels.{name}"
    known = {channel.name: {kind.name for kind in channel.types} for channel in policy.channels}
    if name not in known:
        yield f"{where}: the policy has no such channel"
    elif not isinstance(table, dict) or not isinstance(table.get("weights"), dict):
        yield f"{where}: must be a table with weights"
    else:
        for key, content in table.items():
            if key not in ("weights", "cap"):
                yield f"{where}.{key}: unknown key; allowed here: weights, cap"
            elif not isinstance(content, dict):
                yield f"{where}.{key}: must be a table such as {{ open = 1, click = 5 }}"
            else:
                for kind in [kind for kind in content if kind not in known[name]]:
                    yield f"{where}.{key}.{kind}: the policy has no weight for this type, not even 0"


def _document(policy: Policy, document: Table, table: Table) -> Table:
    own = {key: value for key, value in document.items() if key not in ("profiles", "segments", "scores", "measures")}
    own["version"] = policy.version
    own["bands"] = {**own.get("bands", {}), **table.get("bands", {})}
    weighed = table["channels"]
    own["channels"] = {
        name: _channel(channel, weighed.get(name, {})) for name, channel in channel_tables(document).items()
    }
    return own


def _channel(table: Table, own: Table) -> Table:
    """Weigh the types of a channel anew; caps stay where there are no others."""
    weights = dict.fromkeys(table.get("weights", {}), 0) | own.get("weights", {})
    return {**table, "weights": weights, "cap": {**table.get("cap", {}), **own.get("cap", {})}}
