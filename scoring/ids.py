"""Ids: those that records name, and those of messages."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from scoring.errors import InvalidEvent
from scoring.json_words import wanted

#: Its ids are not made from its name: they were there before ids told namespaces apart.
DEFAULT_NAMESPACE: Final = "engagement"

MOST_ID_BYTES: Final = 256


def check_id(value: Mapping[str, object], name: str) -> None:
    """Refuse an id that nobody can have.

    Args:
        value: what the JSON of a record decodes to.
        name: of the field that holds the id.

    Raises:
        InvalidEvent: with the reason, which begins with the name of the field.
    """
    written = value.get(name)
    if written is None:
        raise InvalidEvent(f"{name}_missing", wanted(value, name))
    if type(written) is not str:
        raise InvalidEvent(f"{name}_not_a_string", wanted(value, name))
    if not written:
        raise InvalidEvent(f"{name}_empty", wanted(value, name))
    size = len(written.encode("utf-8", "surrogatepass"))
    if size > MOST_ID_BYTES:
        raise InvalidEvent(
            f"{name}_too_long", f"{name} has {size:,} bytes of UTF-8, and at most {MOST_ID_BYTES} are allowed"
        )


@lru_cache(maxsize=64)
def ids_of(ids: uuid.UUID, namespace: str) -> uuid.UUID:
    """Give what the ids of a namespace are made from, so that those of two namespaces on one Kafka differ.

    Args:
        ids: what those of the default namespace are made from.
        namespace: of the service.
    """
    return ids if namespace == DEFAULT_NAMESPACE else uuid.uuid5(ids, namespace)
