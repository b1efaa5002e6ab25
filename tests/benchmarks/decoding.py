"""`make bench`: the stage that decodes records, by their shapes, side by side in one run."""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import orjson

from scoring.events.event import MOST_AHEAD
from scoring.events.event import Event as ScoredEvent
from scoring.events.profiles import event_reader
from streams.app import _GARBAGE_THRESHOLDS
from streams.ingest.event_decoding import Decoder
from streams.ingest.schemas import SchemaFile
from streams.ingest.source_decoding import SourceDecoder
from streams.metrics import Metrics
from streams.policy_file.builtin import BUILTIN_POLICY
from streams.policy_file.document import parse_policy
from streams.records import Partition, RecordBatch
from tests.benchmarks.figures import table
from tests.benchmarks.product import COMPILED
from tests.benchmarks.rounds import Measured, Program, run_in_turn
from tests.benchmarks.shapes import OWN, SHAPES, Event, Shape, schema_file
from tests.benchmarks.workload import events

_CUSTOMERS = 100_000
_HEAD = ("shape", "bytes an event", "events/s", "of the own shape's", "its decoder alone, events/s", "of the decoder's")
#: A fetch of a partition brings so many bytes at most.
_FETCH = 1 << 20
_CHANNEL = "clickstream"
_MICROSECONDS = 1_000_000


class Record(NamedTuple):
    """A Kafka record."""

    offset: int
    timestamp: int
    value: bytes
    key: None = None
    headers: tuple[tuple[str, bytes], ...] = ()


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.decoding", description=__doc__)
    parser.add_argument("--events", type=int, default=20_000, help="of each shape (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=12, help="the first is dropped (default: %(default)s)")
    parser.add_argument("--plain", action="store_true", help="measure the sources instead of the compiled package")
    parser.add_argument("--here", action="store_true", help="measure the package that this Python finds")
    arguments = parser.parse_args()
    if arguments.here:
        print("\n" + measure(arguments.events, arguments.rounds))
        return 0
    if not arguments.plain and not COMPILED.is_dir():
        parser.error("there is no compiled package; run `make bench`, or `make compiled` first")
    root = Path(__file__).parents[2]
    path = os.pathsep.join([*([] if arguments.plain else [str(COMPILED)]), str(root)])
    words = ["--here", "--events", str(arguments.events), "--rounds", str(arguments.rounds)]
    command = [sys.executable, "-m", "tests.benchmarks.decoding", *words]
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONSAFEPATH": "1"}
    return subprocess.run(command, env=environment, check=False).returncode


def measure(count: int, rounds: int) -> str:
    """Measure all shapes.

    Args:
        count: events of each.
        rounds: how many.

    Returns:
        The report in Markdown.
    """
    made = [orjson.loads(value) for topic, _, value in events(4 * count, _CUSTOMERS, 3) if topic == _CHANNEL]
    stages = [Stage(shape, made[:count]) for shape in SHAPES]
    # As in a worker: else the shapes that leave fewer objects behind seem the faster ones.
    gc.freeze()
    gc.set_threshold(*_GARBAGE_THRESHOLDS)
    measured = run_in_turn([Program(stage.shape.title, "", stage.run) for stage in stages], rounds)
    return report(stages, measured)


def report(stages: Sequence[Stage], measured: Sequence[Measured]) -> str:
    """Write the table.

    Args:
        stages: one for each row; the first has the own shape.
        measured: in the same order.
    """
    own = measured[0]
    rows = []
    for stage, one in zip(stages, measured, strict=True):
        shares = [rate / other for rate, other in zip(one.rates, own.rates, strict=True)]
        alone = statistics.median(result["events"] / result["alone"] for result in one.results)
        cells = [stage.shape.title, f"{stage.bytes_each:,.0f}", f"{one.rate:,.0f}", f"{statistics.median(shares):.2f}"]
        rows.append([*cells, f"{alone:,.0f}", f"{one.rate / alone:.2f}"])
    return table(_HEAD, rows)


class Stage:
    """Decodes the records of one shape as a worker does, to events for scoring."""

    def __init__(self, shape: Shape, made: Sequence[Event]) -> None:
        """Write the records.

        Args:
            shape: of the records.
            made: the events.
        """
        self.shape = shape
        self._events = len(made)
        now = max(event["timestamp"] for event in made)
        self._latest = round(now * _MICROSECONDS) + MOST_AHEAD
        parts = [made[at : at + shape.together] for at in range(0, len(made), shape.together)]
        values = [shape.write(part) for part in parts]
        size = sum(len(value) for value in values)
        self.bytes_each = size / len(made)
        most = max(_FETCH * len(values) // size, 1)
        records = [Record(offset, round(now * 1_000), value) for offset, value in enumerate(values)]
        self._batches = [records[at : at + most] for at in range(0, len(records), most)]
        self._decoder = decoder(shape)

    def decode(self, records: Sequence[Record]) -> list[tuple[int, str, ScoredEvent]]:
        """Decode records.

        Args:
            records: of one batch.

        Returns:
            Their events, each with its offset and customer.
        """
        batch = RecordBatch(Partition(_CHANNEL, 0), records[0].offset, records)
        return self._decoder.decode(batch, self._latest).events

    def run(self) -> Mapping[str, float]:
        """Decode everything once.

        Returns:
            Events; seconds of this process's time; seconds in `alone` for decoding the records and nothing else.

        Raises:
            AssertionError: if an event has not been read.
        """
        began = time.process_time()
        read = 0
        for records in self._batches:
            read += len(self.decode(records))
        seconds = time.process_time() - began
        assert read == self._events, f"{self.shape.title}: {read:,} of {self._events:,} events"
        began = time.process_time()
        for records in self._batches:
            for record in records:
                self.shape.alone(record.value)
        return {"events": read, "seconds": seconds, "alone": time.process_time() - began}


def decoder(shape: Shape) -> Decoder | SourceDecoder:
    """Make the decoder of a topic as a worker on the wall clock has it.

    Args:
        shape: of its records.
    """
    metrics = Metrics()
    if shape is OWN:
        policy = parse_policy(BUILTIN_POLICY)
        (channel,) = [channel for channel in policy.channels if channel.name == _CHANNEL]
        return Decoder(_CHANNEL, event_reader(channel, policy), metrics, policy.length)
    policy = parse_policy(BUILTIN_POLICY + shape.source("feed", _CHANNEL))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "schemas.json"
        path.write_text(schema_file())
        return SourceDecoder("feed", policy, metrics, policy.length, schemas=SchemaFile.read(path))


if __name__ == "__main__":
    sys.exit(main())
