"""The part of a policy file that says where the links between ids come from.

Rests on decision 16.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")
_DEFAULT = "identities"


def check_topic(where: str, topic: object, problems: list[str]) -> None:
    """Note a topic whose name Kafka would not take.

    Args:
        where: the table in the file.
        topic: as it is written there.
        problems: what is wrong is added.
    """
    if not isinstance(topic, str) or not _TOPIC.fullmatch(topic):
        problems.append(f"{where}.topic: {topic!r} is not a topic name (letters, digits, '.', '_', '-')")


def read_identities(document: Mapping[str, Any], problems: list[str]) -> str:
    """Read which topic the links are in.

    Args:
        document: the file.
        problems: what is wrong is added.

    Returns:
        The topic; '' without the section.
    """
    if "identities" not in document:
        return ""
    table = document["identities"]
    if not isinstance(table, dict):
        problems.append("identities: must be a table, [identities]")
        return ""
    problems += [f"identities.{key}: unknown key; allowed here: topic" for key in table if key != "topic"]
    topic = table.get("topic", _DEFAULT)
    check_topic("identities", topic, problems)
    return str(topic)
