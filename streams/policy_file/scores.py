"""`[scores.NAME]`: other weights for the same counts, side by side.

Rests on decision 20.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Final

from scoring.policy.channels import Channel
from scoring.policy.policy import NamedScore, Policy
from streams.policy_file.rule_tables import Document, OwnBands, OwnChannel, channels_with, check_channels
from streams.policy_file.table import Table, container, given, needed
from streams.policy_file.words import Flag, Weights, check_name, named

#: Each is computed whenever a customer is written.
MOST_SCORES: Final = 10
_LEFT_OUT: Final = ("profiles", "segments", "scores", "measures", "targets", "signals")
_UNKNOWN_TYPE: Final = "the policy has no weight for this type, not even 0"


class ScoreChannel(OwnChannel):
    """The weights of a named score for a channel."""

    weights: Weights = needed("points by event type; types that are left out bring none")


class ScoreTable(Table):
    """A named score: the same counts by other weights."""

    alerts: Flag = given(default=False, description="whether it raises alerts of its own")
    bands: OwnBands = given(OwnBands, "lower bounds of its bands; those that are left out are as for the score")
    channels: Annotated[dict[str, ScoreChannel], container(dict, "must hold at least one table with weights")] = needed(
        "weights and caps by channel"
    )


Scores = Annotated[
    dict[str, ScoreTable], container(dict, "must be a table of tables, [scores.NAME]"), named(MOST_SCORES)
]


def check_scores(tables: Mapping[str, ScoreTable], channels: Sequence[Channel], problems: list[str]) -> None:
    """Hold named scores against the policy.

    Args:
        tables: of the file, by the names of the scores.
        channels: of the policy.
        problems: what is wrong is added.
    """
    if len(tables) > MOST_SCORES:
        problems.append(f"scores: there may be at most {MOST_SCORES}")
    for name, table in tables.items():
        where = f"scores.{name}"
        check_name(where, "a score's name", name, problems)
        if not table.channels:
            problems.append(f"{where}.channels: must hold at least one table with weights")
        check_channels(where, table.channels, channels, _UNKNOWN_TYPE, problems)


def named_scores(document: Document, version: str, read: Callable[[Document, str], Policy]) -> tuple[NamedScore, ...]:
    """Make the named scores: a policy each, whose types have the weights that the score gives them, or none.

    Args:
        document: of the file; there is nothing wrong with it but, perhaps, how these fit together.
        version: of the policy.
        read: makes a policy of a document, given its place in the file.
    """
    return tuple(
        [
            NamedScore(name, read(_document(document, version, table), f"scores.{name}"), table.get("alerts", False))
            for name, table in document.get("scores", {}).items()
        ]
    )


def _document(document: Document, version: str, table: Document) -> Document:
    own = {key: value for key, value in document.items() if key not in _LEFT_OUT}
    own["version"] = version
    own["bands"] = {**own.get("bands", {}), **table.get("bands", {})}
    own["channels"] = channels_with(document, table["channels"], _without_weights)
    return own


def _without_weights(table: Document) -> Document:
    return {**table, "weights": dict.fromkeys(table.get("weights", {}), 0), "points": {}}
