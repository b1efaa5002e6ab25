"""The least rights, as the runbook lists them: what the tests give is what is documented."""

from __future__ import annotations

from tests.services.kafka.secured import Right
from tests.unit.docs.reading import DEPLOY, Document, names_in

RUNBOOK = Document(DEPLOY / "RUNBOOK.md")


def kafka_rights(who: str) -> list[Right]:
    """Read the rights on Kafka.

    Args:
        who: ``worker``, or a command in backticks.
    """
    found = []
    for row in RUNBOOK.table("who", "resource", "names", "operation"):
        if who in row[0].split(", "):
            found += [Right(row[1], name, row[3]) for name in names_in(row[2])]
    assert found, who
    return found


def redis_user(name: str, password: str) -> str:
    """Read the line of a Redis user, with a password filled in."""
    (block,) = [block for block in RUNBOOK.blocks("conf") if block.startswith("user ")]
    (line,) = [line for line in block.splitlines() if line.startswith(f"user {name} ")]
    return line.replace("PASSWORD", password)


def redis_commands(line: str) -> list[str]:
    """List the commands that a line allows."""
    return [word[1:] for word in line.split() if word.startswith("+")]
