"""What names a type, and not those as which some of its events count: these are left out there.

Rests on decision 94.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, Final

#: The tables of a policy that name types as CHANNEL.TYPE.
_SECTIONS: Final = ("measures", "signals", "funnels", "kpi")
#: The keys of a channel that name types of its own.
_OF_A_CHANNEL: Final = ("session_types", "pages", "retracts", "gateway", "durations")


def unnamed_types(text: str) -> Iterator[str]:
    """Name the places of a policy that name a type, but none of those as which its rules count some of its events.

    Args:
        text: of the policy, which was read without a problem.
    """
    document = tomllib.loads(text)
    for channel, table in document.get("channels", {}).items():
        for rule in table.get("types", ()):
            of = [rule["type"]] if isinstance(rule["type"], str) else rule["type"]
            split = {f"{channel}.{kind}": f"{channel}.{rule['as']}" for kind in of}
            for where, names in _lists(document):
                for kind in sorted(names & split.keys()):
                    if not names & {split[kind], channel}:
                        yield f"{where} names {kind} and not {split[kind]}, as which some of its events count"


def _lists(document: Mapping[str, Any]) -> Iterator[tuple[str, set[str]]]:
    """Give all places that name types, and the whole names of these."""
    for section in _SECTIONS:
        yield from _named(document.get(section, {}), section, "")
    for channel, table in document.get("channels", {}).items():
        own = {key: value for key, value in table.items() if key in _OF_A_CHANNEL}
        yield from _named(own, f"channels.{channel}", f"{channel}.")


def _named(value: object, where: str, channel: str) -> Iterator[tuple[str, set[str]]]:
    if isinstance(value, str):
        yield where, {channel + value}
    elif isinstance(value, Mapping):
        for key, inside in value.items():
            yield from _named(inside, f"{where}.{key}", channel)
    elif isinstance(value, list):
        texts = [each for some in value for each in (some if isinstance(some, list) else [some])]
        yield where, {f"{channel}{each}" for each in texts if isinstance(each, str)}
