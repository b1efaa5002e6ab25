"""The segment of a customer: where it is reported, what it may be called, and which of two reported ones holds.

Rests on decision 18.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from scoring.errors import InvalidEvent
from scoring.json_words import described

MOST_SEGMENT_BYTES: Final = 64
#: Segments that a policy may name; only these are told apart where their number matters.
MOST_SEGMENTS: Final = 50


@dataclass(frozen=True, slots=True)
class Profiles:
    """Where attributes of customers come from: a Kafka topic, and the field of a profile that names the segment.

    A property of an event has the same name as that field.
    """

    topic: str = "profiles"
    segment: str = "segment"


def read_segment(written: object) -> str:
    """Check the name of a segment.

    Args:
        written: as the JSON decodes.

    Returns:
        The name.

    Raises:
        InvalidEvent: if it is no string, has a character that cannot be printed, or is too long.
    """
    if type(written) is not str:
        raise InvalidEvent("segment_not_a_string", f"the segment is {described(written)}, and a string is wanted")
    if not written.isprintable():
        raise InvalidEvent(
            "segment_not_printable",
            f"the segment is {described(written)}, which has a character that cannot be printed",
        )
    size = len(written.encode("utf-8", "surrogatepass"))
    if size > MOST_SEGMENT_BYTES:
        raise InvalidEvent(
            "segment_too_long", f"the segment has {size} bytes, at most {MOST_SEGMENT_BYTES} are allowed"
        )
    return written
