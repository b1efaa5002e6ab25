"""What a worker is made of, around the engine.

Rests on decision 82.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from streams.machine_clock import elapsed
from streams.policies.in_force import PolicyInForce
from streams.rounds.engine import Engine
from streams.rounds.log import Log
from streams.rounds.pipeline import Pipeline
from streams.upkeep.absence_watch import AbsenceWatch
from streams.upkeep.figure_report import FigureReport
from streams.upkeep.policy_sweep import PolicySweep
from streams.upkeep.target_watch import TargetWatch
from streams.upkeep.timer import Timer


@dataclass(frozen=True, slots=True)
class Parts:
    """What applies batches, and what is done regularly; `policies` tells all that goes by the policy of a change."""

    engine: Engine
    policies: PolicyInForce
    pipeline: Pipeline
    sweep: PolicySweep
    absences: AbsenceWatch
    figures: FigureReport
    targets: TargetWatch
    timer: Timer


def build_parts(engine: Engine, log: Log, elapsed: Callable[[], int] = elapsed) -> Parts:
    """Put the parts of a worker together.

    Args:
        engine: judges, stores and publishes.
        log: where batches come from.
        elapsed: reads a clock that nobody sets, in microseconds.

    Returns:
        The parts, not started.
    """
    settings, store, metrics = engine.settings, engine.store, engine.metrics
    absences, targets = AbsenceWatch(engine), TargetWatch(engine)
    figures = FigureReport(settings.policy, store, metrics)
    followers = [*engine.followers, absences, figures, targets]
    policies = PolicyInForce(settings, store, metrics, engine.clock.wall, followers)
    pipeline = Pipeline(engine, policies, log)
    sweep = PolicySweep(engine, pipeline, policies)
    timer = Timer(engine, pipeline, sweep, absences, elapsed)
    return Parts(engine, policies, pipeline, sweep, absences, figures, targets, timer)
