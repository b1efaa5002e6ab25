"""The part of a policy file that is about named scores: other weights for the same counts, side by side.

Rests on decision 20.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from scoring.policy.policy import BANDS, NamedScore, Policy
from streams.policy_file.rule_tables import OF_CHANNEL, Table, channel_problems, channels_with, read_tables

SCORE_KEYS = ("scores",)
_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
#: Each is computed whenever a customer is written.
MOST_SCORES = 10
_ALLOWED = ("alerts", "bands", "channels")
_LEFT_OUT = ("profiles", "segments", "scores", "measures", "targets", "signals")
_PROBLEMS = f"unknown key; allowed here: {', '.join(OF_CHANNEL)}", "the policy has no weight for this type, not even 0"


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
    limit = MOST_SCORES, f"scores: there may be at most {MOST_SCORES}"

    def made(name: str, table: Table) -> NamedScore:
        return NamedScore(name, read(_document(policy, document, table)), table.get("alerts", False))

    scores = read_tables(document, "scores", limit, partial(_problems_of, policy), made)
    return replace(policy, scores=tuple(scores)) if scores else policy


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
        yield from channel_problems(policy, channel, inner, *_PROBLEMS, needed="weights")


def _document(policy: Policy, document: Table, table: Table) -> Table:
    own = {key: value for key, value in document.items() if key not in _LEFT_OUT}
    own["version"] = policy.version
    own["bands"] = {**own.get("bands", {}), **table.get("bands", {})}
    own["channels"] = channels_with(document, table["channels"], _without_weights)
    return own


def _without_weights(table: Table) -> Table:
    return {**table, "weights": dict.fromkeys(table.get("weights", {}), 0), "points": {}}
