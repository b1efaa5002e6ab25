"""A random mix of faults: which there are, and how one is drawn after another."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping

from tests.faults import redis_faults
from tests.faults.run import FaultRun
from tests.faults.workers import freeze, join, kill, leave, replace, vanish

Fault = Callable[[FaultRun], None]

_MOST_WORKERS = 4
#: Seconds; with Redis empty, the log is applied again from its start.
_GOES_ON_WITHIN = 240.0


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


#: What is drawn from, by name, with how often it comes in relation to the others. What belongs to a server of the
#: run's own is added by the one who starts it.
FAULTS: Mapping[str, tuple[Fault, float]] = {
    "worker killed": (kill, 4),
    "worker replaced": (replace, 4),
    "worker joins or leaves": (come_or_go, 4),
    "worker frozen": (freeze_one_of_several, 2),
    "Redis killed": (redis_faults.crash, 1),
    "Redis loses its last writes": (redis_faults.cut_power, 1),
    "Redis flushed": (redis_faults.flush, 0.3),
    "Redis full": (redis_faults.fill, 0.5),
    "Redis busy": (redis_faults.keep_busy, 0.5),
    "Redis a replica": (redis_faults.demote, 0.5),
}


def soak(run: FaultRun, faults: Mapping[str, tuple[Fault, float]], seconds: float) -> Counter[str]:
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
    weights = [weight for _, weight in faults.values()]
    while time.monotonic() < begun + seconds:
        (name,) = run.dice.choices(list(faults), weights)
        next(run.faults(1, within=_GOES_ON_WITHIN))
        print(f"{time.monotonic() - begun:6.1f} s  {run.applied():>9,} records applied  {name}", flush=True)
        faults[name][0](run)
        injected[name] += 1
    return injected
