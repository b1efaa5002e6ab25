"""Checks a policy against the marks for OULAD: how well its score tells who will leave, beside recency alone.

`python -m tests.oulad.predict DATA_DIR` converts the runs that the policy was not fitted to (`--run` for others),
replays them through the scoring core, and prints each figure with its mark. The exit status is 1 if one is missed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
from click.testing import CliRunner

from streams.cli.main import engagement
from tests.oulad.history import write_history

#: Fitted to the 2013B runs; reported on those of 2013J.
POLICY = Path(__file__).parents[2] / "deploy" / "policies" / "oulad-fitted.toml"
REPORTED = ("AAA-2013J", "BBB-2013J", "DDD-2013J", "EEE-2013J", "FFF-2013J", "GGG-2013J")
#: By day: the AUC for ending Withdrawn or Fail, and that for falling silent for 28 days.
MARKS = {30: (0.71, 0.85), 60: (0.75, 0.85), 90: (0.79, 0.85), 120: (0.83, 0.85), 180: (0.89, 0.85)}
ABOVE_RECENCY = 0.02


def figures(data: Path, policy: Path, runs: tuple[str, ...], processes: int) -> dict[str, Any]:
    """Run `engagement validate` on some runs."""
    with tempfile.TemporaryDirectory() as folder:
        events, outcomes = write_history(data, Path(folder), runs)
        days = [word for day in MARKS for word in ("--day", str(day))]
        words = ["validate", str(events), str(outcomes), "--policy", str(policy), "--within", "run", *days]
        words += ["--silent", "28d", "--json", "--processes", str(processes)]
        result = CliRunner().invoke(engagement, words, catch_exceptions=False)
    if result.exit_code:
        raise SystemExit(result.stderr)
    found: dict[str, Any] = orjson.loads(result.stdout)
    return found


def lines(found: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    """Compare the figures with the marks; a line for each, and whether it is met."""
    for column in found["moments"]:
        day = int(column["moment"].removeprefix("day "))
        mark = MARKS[day][column["outcome"] != "churned"]
        score, recency = column["auc"]["score"], column["auc"]["recency"]
        wanted = max(mark, recency + ABOVE_RECENCY)
        met = score > wanted
        line = (
            f"{column['outcome']:<15} day {day:>3}  {column['customers']:>6,} students  score {score:.3f}  "
            f"recency {recency:.3f}  events {column['auc']['events']:.3f}  mark {mark:.2f}  "
            f"{'met' if met else f'{score - wanted:+.3f}'}"
        )
        yield line, met


def main() -> int:
    """Print the figures; return 1 where a mark is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--policy", type=Path, default=POLICY)
    parser.add_argument("--run", action="append", default=[], help="a run to report on; may be given several times")
    parser.add_argument("--processes", type=int, default=1)
    arguments = parser.parse_args()
    runs = tuple(arguments.run) or REPORTED
    print(f"{arguments.policy.name}, ranked within each of {', '.join(runs)}")
    compared = list(lines(figures(arguments.data, arguments.policy, runs, arguments.processes)))
    print("\n".join(line for line, _ in compared))
    return 0 if all(met for _, met in compared) else 1


if __name__ == "__main__":
    sys.exit(main())
