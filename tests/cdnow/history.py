"""Writes CDNOW's purchases as files that `engagement validate` and `engagement policy fit` read.

`python -m tests.cdnow.history cdnow-sample.txt FOLDER` takes the columns master id, sample id, date, CDs, dollars
(Fader and Hardie; in the package `lifetimes`, MIT). A purchase becomes an event `purchase` and one `cd` for each CD.
The history ends with September 1997; who buys nothing after it has churned, on no day that could be told.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import orjson

#: The first day that is not known to the score.
END = date(1997, 10, 1)


class Purchase(NamedTuple):
    """One line of the file."""

    customer: str
    day: date
    discs: int


def read_purchases(path: Path) -> Iterator[Purchase]:
    """Read the file."""
    for line in path.read_text().splitlines():
        _, customer, day, discs, _ = line.split()
        yield Purchase(customer, date(int(day[:4]), int(day[4:6]), int(day[6:])), int(discs))


def events_of(purchases: list[Purchase]) -> Iterator[dict[str, str]]:
    """Make the events of all days, in the order of time; the last ones carry the clock past the end of the history."""
    for number, purchase in enumerate(sorted(purchases, key=lambda each: each.day)):
        for index, kind in enumerate(["purchase", *["cd"] * purchase.discs]):
            yield {
                "channel": "shop",
                "event_id": f"{number}-{index}",
                "customer_id": purchase.customer,
                "type": kind,
                "timestamp": f"{purchase.day}T12:00:00Z",
            }


def write_history(path: Path, folder: Path) -> tuple[Path, Path]:
    """Convert.

    Args:
        path: of the purchases.
        folder: where the two files go.

    Returns:
        The file of events and that of outcomes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    purchases = list(read_purchases(path))
    events, outcomes = folder / "events.jsonl", folder / "outcomes.csv"
    events.write_bytes(b"".join(orjson.dumps(event) + b"\n" for event in events_of(purchases)))
    bought_again = {purchase.customer for purchase in purchases if purchase.day >= END}
    with outcomes.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("customer_id", "churned", "until"))
        for customer in dict.fromkeys(purchase.customer for purchase in purchases if purchase.day < END):
            # Alerts are counted as long as the score is asked for, and a day more, so that it can be asked at the end.
            writer.writerow((customer, "no" if customer in bought_again else "yes", END + timedelta(days=1)))
    return events, outcomes


def main() -> None:
    """Convert, by the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("purchases", type=Path)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    for path in write_history(arguments.purchases, arguments.folder):
        print(path)


if __name__ == "__main__":
    main()
