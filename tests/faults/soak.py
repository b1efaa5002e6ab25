"""A random mix of faults: which there are, and how one is drawn after another."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence

from tests.faults.run import FaultRun
from tests.faults.workers import freeze, join, kill, leave, replace, vanish

Fault = Callable[[FaultRun], None]

_MOST_WORKERS = 4


def come_or_go(run: FaultRun) -> None:
    """Let a worker join, or leave in any way, so that there are 1 to 4."""
    number = len(run.workers.running)
    ways = [join] * (number < _MOST_WORKERS) + [leave, vanish] * (number > 1)
    run.dice.choice(ways)(run)


def freeze_one_of_several(run: FaultRun) -> None:
    """Freeze a worker, with another there to take over."""
    if len(run.workers.running) == 1:
        join(run)
    freeze(run)


#: What is drawn from, with equal chances. A fault that kills and heals something else belongs here, too.
WORKER_FAULTS: Sequence[Fault] = (kill, replace, come_or_go, freeze_one_of_several)


def soak(run: FaultRun, faults: Sequence[Fault], seconds: float) -> Counter[str]:
    """Inject faults for a while, each after the system has gone on since the one before.

    Args:
        run: that flows.
        faults: to draw from.
        seconds: of the clock on the wall; the last fault begins before they are over.

    Returns:
        How often each was injected.
    """
    injected: Counter[str] = Counter()
    begun = time.monotonic()
    while time.monotonic() < begun + seconds:
        fault = run.dice.choice(faults)
        next(run.faults(1))
        name = fault.__name__.replace("_", " ")
        print(f"{time.monotonic() - begun:6.1f} s  {run.applied():>9,} records applied  {name}", flush=True)
        fault(run)
        injected[name] += 1
    return injected
