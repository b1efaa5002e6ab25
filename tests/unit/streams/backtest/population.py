"""A made-up population whose answer is known: those who go quiet leave, and only `work` is a sign of staying."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

START = datetime(2024, 1, 1, tzinfo=UTC)
POLICY = """
version = "made-up"
[window]
length = "10d"
[bands]
disengaged = 0
engaged = 10
highly_engaged = 20
power = 40
[alerts]
cooldown = "5d"
[channels.web]
weights = { work = 1, noise = 1 }
"""
#: Leave on this day after the start; the last events are those of the day before it.
LEAVES = 20
LENGTH = 40


def made_up(folder: Path, customers: int = 60, *, decline: int = 4) -> tuple[Path, Path, Path]:
    """Write a policy, events and outcomes.

    Every second customer leaves. All are active every day until then, and make as much noise as chance has it; who is
    about to leave works once a day instead of three times, from `decline` days before on.
    """
    chance = random.Random(7)
    lines, outcomes = [], ["customer_id,team,start,churned,churned_at"]
    for number in range(customers):
        leaves = number % 2 == 0
        gone = (START + timedelta(days=LEAVES)).date().isoformat() if leaves else ""
        outcomes.append(
            f"c{number},{'red' if number % 4 < 2 else 'blue'},{START.date()},{'yes' if leaves else 'no'},{gone}"
        )
        for day in range(LEAVES if leaves else LENGTH):
            works = 1 if leaves and day >= LEAVES - decline else 3
            # Everybody's last event of a day is at the same hour, so that recency tells nothing.
            kinds = [*["work"] * works, *["noise"] * chance.randint(0, 6)]
            for index, kind in enumerate([*kinds, "noise"]):
                minutes = 20 * index if index < len(kinds) else 23 * 60
                at = START + timedelta(days=day, minutes=minutes, seconds=number)
                lines.append({"customer_id": f"c{number}", "type": kind, "timestamp": at.isoformat(), "channel": "web"})
    lines.sort(key=lambda line: line["timestamp"])
    policy, events, told = folder / "policy.toml", folder / "events.jsonl", folder / "outcomes.csv"
    policy.write_text(POLICY)
    events.write_text("".join(json.dumps(line) + "\n" for line in lines))
    told.write_text("\n".join(outcomes) + "\n")
    return policy, events, told
