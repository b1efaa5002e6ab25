"""The file that says what is received: the sources, how each proves where it comes from, and the limits.

Rests on decision 88.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from scoring.instants import SECOND, parse_duration
from scoring.mapping.source import Source
from scoring.policy.policy import Policy
from streams.errors import SettingsError, why_unreadable
from streams.kafka.topics import MOST_RECORD_BYTES
from streams.receiver.signatures import SCHEMES, TIMED, Signature

_KEYS: Final = {"signature", "secret_file", "max_age", "write_key_file", "confirm_sns"}
#: Paths of the receiver's own, under which no source can be posted to.
_OWN_PATHS: Final = ("health", "ready", "metrics", "v1")
#: Limits with their default, the least and the most.
_LIMITS: Final = {
    "body_bytes": (1 << 20, 1 << 10, MOST_RECORD_BYTES),
    "backlog_bytes": (64 << 20, 1 << 10, 1 << 40),
    "records_per_second": (2_000, 1, 1_000_000),
}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A source that is received: as webhooks with a `signature`, by Segment's tracking API with a `write_key`, or both.

    `confirm_sns` is the ARN of the SNS topic whose subscription is confirmed; '' for none.
    """

    source: Source
    signature: Signature | None = None
    write_key: str = field(default="", repr=False)
    confirm_sns: str = ""


@dataclass(frozen=True, slots=True)
class ReceiverPlan:
    """What is received, by the names of the sources, and at most how much.

    `body_bytes` limits a request, `backlog_bytes` what Kafka has not acknowledged, `records_per_second` each source.
    """

    endpoints: Mapping[str, Endpoint]
    body_bytes: int = _LIMITS["body_bytes"][0]
    backlog_bytes: int = _LIMITS["backlog_bytes"][0]
    records_per_second: int = _LIMITS["records_per_second"][0]


def read_receiver_file(path: str, policy: Policy) -> ReceiverPlan:
    """Read the file.

    Args:
        path: of a TOML file.
        policy: has the sources.

    Returns:
        What it says.

    Raises:
        ExtraMissing: if the packages that a signature needs are not installed.
        SettingsError: with every problem.
    """
    if not path:
        raise SettingsError(["ENGAGEMENT_RECEIVER_FILE: is needed, or --receiver: the file that says what is received"])
    try:
        document = tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError([f"{path}: not TOML: {error}"]) from error
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([f"{path}: {why_unreadable(error)}"]) from error
    return _Reader(path, {source.name: source for source in policy.sources}).plan(document)


class _Reader:
    def __init__(self, path: str, sources: Mapping[str, Source]) -> None:
        self._path, self._sources = path, sources
        self._problems: list[str] = []

    def plan(self, document: Mapping[str, Any]) -> ReceiverPlan:
        for key in document.keys() - {"sources", "limits"}:
            self._report(key, "is not known here; there are sources and limits")
        limits = self._limits(self._table(document, "limits"))
        tables = self._table(document, "sources")
        if not tables:
            self._report("sources", "names no source, so there is nothing to receive")
        endpoints = {name: self._endpoint(name, self._table(tables, name, "sources.")) for name in tables}
        keys = [found.write_key for found in endpoints.values() if found is not None and found.write_key]
        if len(set(keys)) < len(keys):
            self._report("sources", "two of them have the same write key, by which the tracking API tells them apart")
        if self._problems:
            raise SettingsError(self._problems)
        return ReceiverPlan({name: found for name, found in endpoints.items() if found is not None}, **limits)

    def _endpoint(self, name: str, table: Mapping[str, Any]) -> Endpoint | None:
        where = f"sources.{name}"
        source = self._sources.get(name)
        if source is None:
            known = ", ".join(self._sources) or "none"
            self._report(where, f"the policy has no source of this name; it has {known}")
        if name in _OWN_PATHS:
            self._report(where, f"nothing can be posted to /{name}, which is the receiver's own; rename the source")
        for key in table.keys() - _KEYS:
            self._report(f"{where}.{key}", f"is not known; there are {', '.join(sorted(_KEYS))}")
        signature = self._signature(where, table)
        write_key = (
            self._secret(f"{where}.write_key_file", table["write_key_file"]) if "write_key_file" in table else ""
        )
        if "signature" not in table and "write_key_file" not in table:
            self._report(where, f"has neither a signature ({', '.join(SCHEMES)}) nor a write_key_file")
        arn = table.get("confirm_sns", "")
        if not isinstance(arn, str) or (arn and not arn.startswith("arn:")):
            self._report(f"{where}.confirm_sns", f"{arn!r} is not the ARN of a topic")
        return None if source is None else Endpoint(source, signature, write_key, str(arn))

    def _signature(self, where: str, table: Mapping[str, Any]) -> Signature | None:
        scheme = table.get("signature")
        if scheme is None:
            for key in ("secret_file", "max_age", "confirm_sns"):
                if key in table:
                    self._report(f"{where}.{key}", "is not used without a signature")
            return None
        if scheme not in SCHEMES:
            self._report(f"{where}.signature", f"{scheme!r} is not one of {', '.join(SCHEMES)}")
            return None
        secret = ""
        if scheme == "none":
            if "secret_file" in table:
                self._report(f"{where}.secret_file", 'is not used with signature = "none"')
        elif not (secret := self._secret(f"{where}.secret_file", table.get("secret_file"))):
            return None
        seconds = self._max_age(where, scheme, table.get("max_age"))
        try:
            return Signature(scheme, secret, seconds)
        except ValueError as error:
            self._report(f"{where}.secret_file", str(error))
            return None

    def _max_age(self, where: str, scheme: str, written: object) -> float | None:
        if written is None:
            return None
        if scheme not in TIMED:
            self._report(f"{where}.max_age", f"{scheme} signs no time; {', '.join(TIMED)} do")
            return None
        try:
            return parse_duration(str(written)) / SECOND
        except ValueError as error:
            self._report(f"{where}.max_age", str(error))
            return None

    def _secret(self, where: str, path: object) -> str:
        if not isinstance(path, str) or not path:
            self._report(where, "is needed: the file that holds the secret")
            return ""
        try:
            word = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            # Somebody may have put the secret itself where its file belongs, so neither path nor error is repeated.
            self._report(where, f"cannot be read as text: {why_unreadable(error)}")
            return ""
        if not word:
            self._report(where, "the file is empty")
        return word

    def _limits(self, table: Mapping[str, Any]) -> dict[str, int]:
        for key in table.keys() - _LIMITS.keys():
            self._report(f"limits.{key}", f"is not known; there are {', '.join(_LIMITS)}")
        found = {}
        for name, (usual, least, most) in _LIMITS.items():
            value = table.get(name, usual)
            if type(value) is not int or not least <= value <= most:
                self._report(f"limits.{name}", f"{value!r} is not a whole number from {least} to {most}")
            else:
                found[name] = value
        return found

    def _table(self, above: Mapping[str, Any], name: str, prefix: str = "") -> Mapping[str, Any]:
        table = above.get(name, {})
        if isinstance(table, dict):
            return table
        self._report(prefix + name, "must be a table")
        return {}

    def _report(self, where: str, problem: str) -> None:
        self._problems.append(f"{self._path}: {where}: {problem}")
