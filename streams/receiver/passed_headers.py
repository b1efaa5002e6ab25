"""The headers of a request that go along into Kafka: those that the source reads, under the names by which it does.

Rests on decision 88.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass

from scoring.mapping.paths import HEADER, Path
from scoring.mapping.source import Source

#: CloudEvents' attributes, as they are called over HTTP and in Kafka.
_OVER_HTTP, _IN_KAFKA = "ce-", "ce_"
_CONTENT_TYPE = "content-type"


class PassedHeaders:
    """Chooses the headers of a source."""

    def __init__(self, source: Source) -> None:
        """Look which headers the source reads.

        Args:
            source: of the policy.
        """
        self.names = tuple(dict.fromkeys(path.name for path in _paths(source.readings) if path.origin == HEADER))
        self._with_attributes = source.encoding == "cloudevents"

    def of(self, headers: Mapping[str, str]) -> list[tuple[str, bytes]]:
        """Choose.

        Args:
            headers: of a request, found in any case.

        Returns:
            Names and contents for Kafka.
        """
        passed = {}
        for name in self.names:
            over_http = name.replace(_IN_KAFKA, _OVER_HTTP, 1) if name.startswith(_IN_KAFKA) else name
            value = headers.get(name, headers.get(over_http))
            if value is not None:
                passed[name] = value
        if self._with_attributes:
            for name, value in headers.items():
                lower = name.lower()
                if lower.startswith(_OVER_HTTP):
                    passed[lower.replace(_OVER_HTTP, _IN_KAFKA, 1)] = value
                elif lower == _CONTENT_TYPE:
                    passed[lower] = value
        return [(name, value.encode("utf-8", "surrogateescape")) for name, value in passed.items()]


def _paths(value: object) -> Iterator[Path]:
    """Give every path in a value of the mapping, however deep."""
    if isinstance(value, Path):
        yield value
    elif isinstance(value, tuple):
        for each in value:
            yield from _paths(each)
    elif is_dataclass(value):
        for each in fields(value):
            yield from _paths(getattr(value, each.name))
