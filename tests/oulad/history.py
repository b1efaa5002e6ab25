"""Writes OULAD's daily visits and outcomes as files that `engagement validate` and `engagement policy fit` read.

`python -m tests.oulad.history DATA FOLDER` takes the files `oulad-*-daily.parquet` (or `.csv`, `.csv.gz`) with the
columns run, id_student, day, activity_type, pages, clicks, and `oulad-*-outcomes.csv`. Parquet needs pyarrow, which is
not installed with the tests. OULAD is CC BY 4.0: Kuzilek, Hlosta, Zdrahal 2017, doi:10.1038/sdata.2017.171.
"""

from __future__ import annotations

import argparse
import csv
import gzip
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import orjson

#: A row: the run, the student, the day from the start of the course, the kind of page, pages, clicks.
Row = tuple[str, int, int, str, int, int]
_COLUMNS = ("run", "id_student", "day", "activity_type", "pages", "clicks")
#: What is done with others; the rest is clickstream.
SOCIAL = {"forumng", "ouwiki", "oucollaborate"}
#: OULAD tells no dates: runs of February (B) and October (J) are set to begin on the first of the month.
_MONTHS = {"B": 2, "J": 10}
_DAY_SECONDS = 86_400


def start_of(run: str) -> datetime:
    """Set the start of a run such as ``BBB-2013B``."""
    year = run.rpartition("-")[2]
    return datetime(int(year[:4]), _MONTHS[year[4]], 1, tzinfo=UTC)


def read_rows(path: Path) -> list[Row]:
    """Read the daily visits."""
    if path.suffix != ".parquet":
        with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
            found = csv.DictReader(lines)
            return [
                (row["run"], int(row["id_student"]), int(row["day"]), row["activity_type"], int(row["pages"]),
                 int(row["clicks"]))
                for row in found
            ]  # fmt: skip
    try:
        from pyarrow import parquet  # noqa: PLC0415 - only where there is such a file
    except ImportError:
        raise SystemExit(f"{path} needs pyarrow: pip install pyarrow") from None
    table = parquet.read_table(path, columns=list(_COLUMNS))
    return list(zip(*(table.column(name).to_pylist() for name in _COLUMNS), strict=True))


def events_of(rows: Sequence[Row], runs: Collection[str] = ()) -> Iterator[dict[str, object]]:
    """Make the events of some runs, in the order of time; a day's rows are spread evenly over the day."""
    starts = {run: start_of(run) for run in {row[0] for row in rows} if not runs or run in runs}
    dated = [(starts[row[0]] + timedelta(days=row[2]), row[0], row) for row in rows if row[0] in starts]
    dated.sort(key=itemgetter(0, 1))
    numbers = dict.fromkeys(starts, 0)
    for date, of_day in groupby(dated, key=itemgetter(0)):
        alike = [row for _, _, row in of_day]
        for index, (run, student, _, kind, pages, clicks) in enumerate(alike):
            at = date + timedelta(seconds=index * _DAY_SECONDS // len(alike))
            yield {
                "channel": "social" if kind in SOCIAL else "clickstream",
                "event_id": f"{run}-{numbers[run]}",
                "customer_id": f"{run}-{student}",
                "type": kind,
                "timestamp": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "properties": {"pages": pages, "clicks": clicks},
            }
            numbers[run] += 1


def outcomes_of(path: Path, lengths: dict[str, int], runs: Collection[str] = ()) -> Iterator[dict[str, object]]:
    """Make the outcomes: who withdrew or failed has churned; who withdrew, on a day."""
    with path.open(newline="") as lines:
        for row in csv.DictReader(lines):
            run = row["run"]
            if run not in lengths or (runs and run not in runs):
                continue
            start = start_of(run)
            left = row["unregistered_day"]
            yield {
                "customer_id": f"{run}-{row['id_student']}",
                "run": run,
                "start": start.date().isoformat(),
                "until": (start + timedelta(days=lengths[run] + 1)).date().isoformat(),
                "churned": "yes" if row["final_result"] in ("Withdrawn", "Fail") else "no",
                "churned_at": (start + timedelta(days=int(left))).date().isoformat() if left else "",
            }


def write_history(data: Path, folder: Path, runs: Collection[str] = ()) -> tuple[Path, Path]:
    """Convert.

    Args:
        data: the folder of OULAD's files.
        folder: where the two files go.
        runs: which; none for all.

    Returns:
        The file of events and that of outcomes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows = [row for path in sorted(data.glob("oulad-*-daily.*")) for row in read_rows(path)]
    lengths: dict[str, int] = {}
    for run, _, day, *_ in rows:
        lengths[run] = max(lengths.get(run, 0), day)
    events, outcomes = folder / "events.jsonl.gz", folder / "outcomes.csv"
    with gzip.open(events, "wb", compresslevel=1) as file:
        for event in events_of(rows, runs):
            file.write(orjson.dumps(event) + b"\n")
    with outcomes.open("w", newline="") as file:
        writer = csv.DictWriter(file, ("customer_id", "run", "start", "until", "churned", "churned_at"))
        writer.writeheader()
        for path in sorted(data.glob("oulad-*-outcomes.csv")):
            writer.writerows(outcomes_of(path, lengths, runs))
    return events, outcomes


def main() -> None:
    """Convert, by the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--run", action="append", default=[], help="only this run; may be given several times")
    arguments = parser.parse_args()
    for path in write_history(arguments.data, arguments.folder, arguments.run):
        print(path)


if __name__ == "__main__":
    main()
