"""`python -m tests.fuzz`: mutated records and random sources through decoding and scoring, against oracles."""

from __future__ import annotations

import argparse
import ast
import asyncio
import secrets
import sys
from collections import Counter

from tests.fuzz import mappings
from tests.fuzz.accounts import DifferenceError
from tests.fuzz.contract import EVENT, OUTDATED, judge
from tests.fuzz.epoch import EPOCH, Epoch
from tests.fuzz.reproduction import difference, shrunk

_CHANNELS = ("clickstream", "email", "social")


def main() -> int:
    """Run, or explain one record."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000, help="how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, help="the same seed draws the same records; by default one at random")
    parser.add_argument("--from-epoch", type=int, default=0, help=f"begin at this epoch; each has {EPOCH:,} records")
    parser.add_argument("--sources", type=int, default=2_000, help="random ones, each with records of other shapes")
    parser.add_argument("--explain", metavar="BYTES", help="say what one record becomes, written as a bytes literal")
    parser.add_argument("--channel", choices=_CHANNELS, default="email", help="of the record to explain")
    parser.add_argument("--clock", choices=("stream", "wall"), default="stream", help="of the record to explain")
    parser.add_argument("--wall", type=int, default=1_767_312_000_000_000, help="microseconds, for the same")
    arguments = parser.parse_args()
    if arguments.explain is not None:
        return explain(ast.literal_eval(arguments.explain), arguments.channel, arguments.wall, arguments.clock)
    seed = secrets.randbelow(1 << 32) if arguments.seed is None else arguments.seed
    return run(arguments.records, seed, arguments.from_epoch) or run_sources(arguments.sources, seed)


def run(records: int, seed: int, first: int) -> int:
    """Run epoch after epoch and print what became of the records; 1 if something is wrong."""
    print(f"{records:,} records, seed {seed}", flush=True)
    outcomes: Counter[str] = Counter()
    scored: Counter[str] = Counter()
    number = first
    while (left := records - outcomes.total()) > 0:
        epoch = Epoch(seed, number)
        try:
            outcomes += asyncio.run(epoch.run(min(EPOCH, left)))
        except DifferenceError as error:
            print(f"\nWRONG in epoch {number} (--seed {seed} --from-epoch {number}), {epoch.clock} clock")
            tell(error, epoch.clock)
            return 1
        scored += epoch.scored
        number += 1
        print(f"\r{outcomes.total():>13,} of {records:,}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    report(outcomes, scored)
    return 0


def run_sources(sources: int, seed: int) -> int:
    """Read records by random sources and print what became of their parts; a difference ends it with the example."""
    if not sources:
        return 0
    ends = mappings.run(sources, seed)
    print(f"\n{sources:,} random sources read {ends.total():,} parts of records as the rules say: ", end="")
    print(f"{ends['customer_id']:,} events, {ends['link']:,} links, {ends['skipped']:,} left out, the rest bad")
    return 0


def tell(error: DifferenceError, clock: str) -> None:
    """Print what is wrong, and the record that shows it, made as small as may be."""
    print(error)
    if error.value is None or not error.channel:
        return
    value, wall = error.value, error.wall
    if difference(value, error.channel, wall, clock):
        value = shrunk(value, lambda part: bool(difference(part, error.channel, wall, clock)))
        print(f"shrunk from {len(error.value)} bytes to {len(value)}: {difference(value, error.channel, wall, clock)}")
    print(f"--channel {error.channel} --clock {clock} --wall {wall} --explain {ascii(value)!r}")


def explain(value: bytes | None, channel: str, wall: int, clock: str) -> int:
    """Print what a record should become, and whether it does; 1 if not."""
    window = Epoch(0, ("stream", "wall").index(clock)).window
    print("should be:", judge(value, wall, wall // 1000 * 1000, window))
    wrong = difference(value, channel, wall, clock)
    print(wrong or "and that is what it becomes")
    return 1 if wrong else 0


def report(outcomes: Counter[str], scored: Counter[str]) -> None:
    """Print the records by outcome, and the events by what scoring did with them."""
    print("| record | |\n| --- | --- |")
    print(f"| an event | {outcomes[EVENT]:,} |")
    for name, count in outcomes.most_common():
        if name != EVENT:
            print(f"| {'older than the window' if name == OUTDATED else f'dead letter: {name}'} | {count:,} |")
    print("\n| event | |\n| --- | --- |")
    for name in ("taken", "late", "duplicates", "outdated", "ahead"):
        print(f"| {name}{' (of those taken)' if name == 'late' else ''} | {scored[name]:,} |")
    print(f"\n{scored['customers']:,} customers have exactly the counts and scores of their events; ", end="")
    print(f"{scored['transitions']:,} alerts and changes of band were raised")


if __name__ == "__main__":
    sys.exit(main())
