"""One record by itself: whether it makes a difference, and the least of it that does."""

from __future__ import annotations

from collections.abc import Callable

from tests.fuzz.accounts import DifferenceError
from tests.fuzz.contract import judge
from tests.fuzz.epoch import Epoch

_MOST_TRIES = 3_000


def difference(value: bytes | None, channel: str, wall: int, clock: str) -> str:
    """Read one record and compare.

    Args:
        value: of the record.
        channel: that it comes from.
        wall: the worker's clock, in microseconds.
        clock: ``stream`` or ``wall``.

    Returns:
        What the product makes of it that it should not; '' if it is right.
    """
    epoch = Epoch(0, ("stream", "wall").index(clock))
    epoch.bench.now = wall
    verdict = judge(value, wall, wall // 1000 * 1000, epoch.window)
    try:
        submission = epoch.decoded(channel, [value], 0)
        epoch.compare(channel, [value], [verdict], submission.batch)
    except DifferenceError as error:
        return str(error)
    return ""


def shrunk(value: bytes, still_wrong: Callable[[bytes], bool]) -> bytes:
    """Take parts away as long as what is left is wrong too.

    Args:
        value: that is wrong.
        still_wrong: tells it of another one.

    Returns:
        A value from which no single byte can be taken, unless it takes too many tries.
    """
    tries, size = 0, len(value)
    while size:
        size = min((size + 1) // 2 if size > 1 else 1, len(value))
        at, before = 0, len(value)
        while at < len(value) and tries < _MOST_TRIES:
            tries += 1
            without = value[:at] + value[at + size :]
            if still_wrong(without):
                value = without
            else:
                at += size
        if tries >= _MOST_TRIES or (size == 1 and len(value) == before):
            break
    return value
