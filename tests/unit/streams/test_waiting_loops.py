"""Whatever tries again counts its attempts and reports a change once: by a `Backoff`, or it says here why not.

Rests on decision 147.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import streams
from streams import errors
from streams.errors import Refused, TransientError

ROOT = Path(streams.__path__[0]).parent

PASSING = (TransientError, Refused)
#: Calls that wait by the clock, and errors of the outside that a loop survives.
PAUSES = {"sleep", "wait_for", "timeout"}
FAULTS = {
    *(name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, PASSING)),
    *("StreamsError", "KafkaError", "GroupCoordinatorNotAvailableError", "RedisError"),
    *("ConnectionError", "OSError", "TimeoutError"),
}
#: Loops that wait or survive an error without a `Backoff`.
WITHOUT = {
    # Nothing is tried: they look, or are in time.
    "streams/worker/agents.py: score": "until the machine's clock is believed; `/ready` and the log say so",
    "streams/worker/faust_app.py: run_timer": "looks whether the timer has to take a turn, which has a Backoff",
    "streams/rounds/round_queue.py: gather": "waits for records, for a moment",
    "streams/kafka/group_watch.py: _look_again_and_again": "the client tries; what it was made to try is counted there",
    "streams/cli/replay_run.py: _send_lines": "sends at the pace of the events",
    "streams/rebuild/rebuild.py: _renew": "renews the hold, and a failure is the end of the rebuild",
    # What is refused is counted as a refused write, and done anew at once.
    "streams/rounds/pipeline.py: _store_round": "reads the fences anew",
    "streams/rounds/scorer.py: _judge_and_store": "keeps the refusal for those who judge anew",
    # They end by themselves, soon, and whoever asked tries again or says why not.
    "streams/kafka/access.py: _coordinator": "20 times, until a new cluster has one",
    "streams/kafka/access.py: log_in": "each broker once",
    "streams/doctor/kafka.py: check_brokers": "each broker once",
    "streams/rebuild/rebuild.py: _held": "until another rebuild lets go, or this one is refused",
    "streams/demo/stack.py: _await_ready": "until the worker of the demonstration is ready, or not in time",
    "streams/embedded/server.py: _poll": "until a child process answers, or not in time",
}


def loops(path: Path) -> Iterator[tuple[str, ast.stmt]]:
    """Give the loops of a file, each with the name of the function that it stands in."""

    def within(node: ast.AST, function: str) -> Iterator[tuple[str, ast.stmt]]:
        for child in ast.iter_child_nodes(node):
            name = child.name if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) else function
            if isinstance(child, ast.While | ast.For | ast.AsyncFor):
                yield function, child
            yield from within(child, name)

    return within(ast.parse(path.read_text(encoding="utf-8")), "")


def called(node: ast.AST) -> set[str]:
    """Give the names of what is called in a piece of code."""
    calls = [each.func for each in ast.walk(node) if isinstance(each, ast.Call)]
    return {func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "") for func in calls}


def caught(node: ast.AST) -> set[str]:
    """Give the names of the errors that a piece of code catches, and does not raise as another."""
    handlers = [each for each in ast.walk(node) if isinstance(each, ast.ExceptHandler)]
    kept = [each.type for each in handlers if each.type is not None and not isinstance(each.body[-1], ast.Raise)]
    return {name.id for kind in kept for name in ast.walk(kind) if isinstance(name, ast.Name)}


def waiting() -> Iterator[str]:
    """Name the functions with a loop that waits by the clock, or survives an error of the outside."""
    for path in sorted((ROOT / "streams").rglob("*.py")):
        for function, loop in loops(path):
            if (called(loop) & PAUSES or caught(loop) & FAULTS) and "note" not in called(loop):
                yield f"{path.relative_to(ROOT).as_posix()}: {function}"


def test_every_loop_that_tries_again_has_a_backoff_or_says_why_it_has_none() -> None:
    assert sorted(set(waiting())) == sorted(WITHOUT)


def test_a_loop_that_waits_or_survives_a_fault_is_seen() -> None:
    found = sorted(set(waiting()))
    assert "streams/kafka/access.py: _coordinator" in found  # it pauses
    assert "streams/kafka/access.py: log_in" in found  # it goes on after an error
    assert "streams/kafka/topic_follower.py: _records" not in found  # it has a Backoff
