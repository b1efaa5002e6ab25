"""From files of history to a proposed policy.

Rests on decision 47.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from scoring.backtest.observations import Customer, CutOff, churned_after, fell_silent
from scoring.errors import PolicyError
from scoring.policy.channels import EventType, type_code
from scoring.policy.policy import Policy
from streams.backtest.fitting.counts import CountCollector, Questions, questions_of
from streams.backtest.fitting.search import Choice, Search, aligned, aucs
from streams.backtest.fitting.writing import FittedType, shares, threshold, write_policy, write_weights
from streams.backtest.replaying import Show, Survey, replay_here
from streams.errors import InvalidOutcomes
from streams.policy_file.document import parse_policy

_PANES = (1, 2, 3, 7)
_LENGTHS = (0.5, 1, 1.5, 2, 3)
_HALF_LIVES = (0.1, 0.2, 0.35, 0.5, 0.75, 1)
_RIDGES = (1e-4, 1e-3, 1e-2, 1e-1)
_RIDGE = 1e-3
_LEAST_EVENTS = 20
_LEAST_HAPPENED = 20


@dataclass(frozen=True)
class Proposal:
    """A policy as TOML, and what is known of it.

    `auc` is by column of the moments and outcome, of customers who were not learned from, before rounding; `kept` is
    the same measure over everybody with the weights as fitted, `rounded` with the weights as written. `left_out` are
    types that came too rarely.
    """

    text: str
    types: Sequence[FittedType]
    auc: Sequence[float | None]
    fitted: Sequence[float | None]
    rounded: Sequence[float | None]
    left_out: Sequence[str]
    questions: int


def counting_policy(base: Policy, survey: Survey, *, longest: int) -> tuple[Policy, list[str]]:
    """Make the policy under which events are counted: every type there is, no cap, no half-life, the longest window.

    Args:
        base: whose channels and pane are kept.
        survey: of the files.
        longest: the window, in panes.

    Returns:
        The policy, and the types that came too rarely to learn from.
    """
    rare, channels, codes = [], [], set()
    for index, channel in enumerate(base.channels):
        named = {kind.name for kind in channel.types}
        found = {kind: number for (name, kind), number in survey.types.items() if name == channel.name}
        for kind, number in sorted(found.items()):
            code = type_code(channel.name, kind)
            if number < _LEAST_EVENTS and kind not in named:
                rare.append(f"{channel.name}.{kind}")
            elif code in codes:
                raise PolicyError([f"{channel.name}.{kind} has the same stored code as another type; rename one"])
            codes.add(code)
        names = [kind for kind in (*named, *found) if f"{channel.name}.{kind}" not in rare]
        types = tuple(EventType(type_code(channel.name, kind), index, kind, 1) for kind in sorted(set(names)))
        channels.append(replace(channel, types=types, numbers=()))
    return (
        Policy(
            "counting",
            length=longest * base.pane,
            pane=base.pane,
            trend=0,
            channels=tuple(channels),
            lateness=base.lateness,
            remember_ids=base.remember_ids,
        ),
        rare,
    )


def signs_of(base: Policy, types: Sequence[EventType]) -> list[int]:
    """Take from a policy which types can only speak for staying (1), which only against (-1), and which either (0)."""
    found = []
    for kind in types:
        weight = base.types[kind.code].weight if kind.code in base.types else 0
        found.append((weight > 0) - (weight < 0))
    return found


@dataclass(frozen=True)
class TrainingData:
    """What to learn from.

    `survey` is of the files of events at `paths`, `moments` says when to look at each of the customers. `silence` is
    how long without an event counts as silent, in microseconds; 0: only the labels are learned from.
    """

    paths: Sequence[Path]
    survey: Survey
    customers: Mapping[str, Customer]
    moments: Mapping[str, Sequence[CutOff]]
    silence: int


def propose(
    history: TrainingData,
    base_text: str,
    version: str,
    *,
    keep_window: bool,
    show: Show,
    tell: Callable[[int], None],
) -> Proposal:
    """Fit a policy.

    Args:
        history: to learn from.
        base_text: of the policy to begin from; what is not fitted is taken from it, and the signs of the weights.
        version: of the new policy.
        keep_window: leave the window, its panes and the half-life as they are.
        show: how far the replay is.
        tell: how many choices have been tried.

    Returns:
        The proposal.

    Raises:
        InvalidOutcomes: if there is too little to learn from.
    """
    base = parse_policy(base_text)
    longest = base.panes if keep_window else round(base.panes * max(_LENGTHS)) + max(_PANES)
    counting, rare = counting_policy(base, history.survey, longest=longest)
    collector = CountCollector(counting)
    replayed = replay_here(history.paths, counting, history.moments, show, collector.look)
    questions = _questions(collector, history, replayed.known_until)
    search = Search(collector.counts(), questions, signs_of(base, collector.types), tell)
    half_life = base.half_life / base.pane
    start = Choice(1, base.panes, half_life, "none", _RIDGE)
    candidates: dict[str, Sequence[object]] = {"cap": Search.CAPS, "ridge": _RIDGES}
    if not keep_window:
        candidates = {
            "half_life": (0.0, *dict.fromkeys(float(max(round(base.panes * part), 1)) for part in _HALF_LIVES)),
            "pane": _PANES,
            "cap": Search.CAPS,
            "length": tuple(dict.fromkeys(max(round(base.panes * part), 1) for part in _LENGTHS)),
            "ridge": _RIDGES,
        }
    best = search.best(aligned(start), candidates)
    return _written(base, base_text, version, collector.types, questions, search, best, rare)


def _questions(collector: CountCollector, history: TrainingData, known_until: int) -> Questions:
    silence = history.silence
    asked: list[tuple[int, bool, int, str]] = []
    tasks: dict[tuple[int, int], int] = {}
    for row, seen in enumerate(collector.observations):
        customer = history.customers[seen.customer]
        answers = [churned_after(customer, seen), fell_silent(seen, silence, known_until) if silence else None]
        for outcome, happened in enumerate(answers):
            if happened is not None:
                task = tasks.setdefault((outcome, seen.moment.column), len(tasks))
                asked.append((row, happened, task, customer.stratum))
    churned = sum(happened for _, happened, *_ in asked)
    if min(churned, len(asked) - churned) < _LEAST_HAPPENED:
        raise InvalidOutcomes(
            [f"too little to learn from: {churned} of {len(asked)} times it came about; {_LEAST_HAPPENED} are needed"]
        )
    names = [collector.observations[row].customer for row, *_ in asked]
    return questions_of(asked, names)


def _written(
    base: Policy,
    base_text: str,
    version: str,
    types: Sequence[EventType],
    questions: Questions,
    search: Search,
    best: Choice,
    rare: Sequence[str],
) -> Proposal:
    features, weights = search.features(best), search.weights(best)
    parts = shares(features, weights, questions.strata)
    line = threshold(features @ weights, questions.happened)
    scale = base.engaged_from / 1e6 / line if line > 0 else 1.0 / max(float(np.abs(weights).max(initial=0.0)), 1e-9)
    fitted = write_weights(types, weights, search.shape(best).caps, parts, scale)
    window = {
        "length": best.length * base.pane,
        "pane": best.pane * base.pane,
        "half_life": round(best.half_life * base.pane),
    }
    chosen = search.by_task(best)
    known = [auc for auc in chosen if auc is not None]
    comments = [
        f"Fitted to the history of {len(set(questions.rows.tolist())):,} looks at customers, by engagement policy fit.",
        f"AUC of customers who were not learned from: {sum(known) / max(len(known), 1):.3f} in the mean.",
    ]
    text = write_policy(base_text, version, window, fitted, comments)
    parse_policy(text)
    rounded = np.array([one.weight for one in fitted])
    return Proposal(
        text,
        fitted,
        chosen,
        list(aucs(questions, -features @ weights)),
        list(aucs(questions, -features @ rounded)),
        rare,
        len(questions.rows),
    )
