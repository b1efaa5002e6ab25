"""How what is kept beside the customers is written as text: fences, marks, feeds and messages that wait."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import orjson

from scoring.events.unknown_names import Names
from scoring.feeds.feeds import Stretch
from scoring.feeds.watermark import Mark
from streams.records import Message, Partition
from streams.store.protocol import ERASURES_PARTITION, Fence, StoredFeed

#: For so many hours the counts of unknown types are kept.
HOURS_KEPT = 24
_HELD = 2


def encode_message(message: Message) -> str:
    """Write a message that waits to be published."""
    return orjson.dumps((message.topic, message.body)).decode()


def decode_message(words: str) -> Message:
    """Read a message back."""
    return Message(*orjson.loads(words))


def encode_fence(fence: Fence) -> str:
    """Write a fence."""
    return f"{fence.offset};{fence.newest}"


def decode_fence(words: str | None) -> Fence | None:
    """Read a fence back."""
    if words is None:
        return None
    offset, _, newest = words.partition(";")
    return Fence(int(offset), int(newest))


def encode_stretches(stretches: Sequence[Stretch]) -> str:
    """Write stretches of events."""
    return ",".join([f"{first}-{last}" for first, last in stretches])


def decode_feeds(stored: Mapping[str, str]) -> dict[str, StoredFeed]:
    """Read what is stored of the feeds back, by channel."""
    feeds: dict[str, StoredFeed] = {}
    for name, words in stored.items():
        feed = feeds.get(name[1:], StoredFeed())
        if name[0] == "s":
            ends = [stretch.split("-") for stretch in words.split(",")]
            feed = feed._replace(stretches=[(int(first), int(last)) for first, last in ends])
        else:
            feed = feed._replace(told=words)
        feeds[name[1:]] = feed
    return feeds


def decode_offsets(fences: Mapping[str, str]) -> dict[Partition, int]:
    """Read the offsets of all fences of a group back, by the label of their partition; not that of the erasures."""
    offsets = {_partition(label): int(words.partition(";")[0]) for label, words in fences.items()}
    offsets.pop(ERASURES_PARTITION, None)
    return offsets


def encode_mark(mark: Mark) -> str:
    """Write a mark; generation, time of the report and offset stand first, where the function library looks."""
    head = f"{mark.generation};{mark.reported_at};{mark.offset}"
    # One field for both: a worker of an earlier release reads as many fields as there were.
    end = _HELD if mark.held else int(mark.caught_up)
    return f"{head};{mark.newest};{mark.applied_to};{end};{mark.moving_since};{mark.moved_at}"


def decode_marks(stored: Mapping[str, str]) -> dict[Partition, Mark]:
    """Read all marks back, by the label of their partition."""
    return {_partition(label): _mark(words) for label, words in stored.items()}


def _partition(label: str) -> Partition:
    topic, _, number = label.rpartition("/")
    return Partition(topic, int(number))


def _mark(words: str) -> Mark:
    generation, reported_at, offset, newest, applied_to, end, since, moved_at = map(int, words.split(";"))
    return Mark(newest, applied_to, end == 1, since, moved_at, reported_at, generation, offset, end == _HELD)


def counts_of_day(stored: Mapping[str, str], hour: int) -> Names:
    """Add up what was counted of unknown types.

    Args:
        stored: by hour, channel and type, separated by line breaks.
        hour: the last one that counts.
    """
    found: Names = {}
    for field, count in stored.items():
        at, *names = field.split("\n", 2)
        if len(names) != 2 or not (at.isdecimal() and count.isdecimal()):  # noqa: PLR2004 - channel and type
            continue  # somebody has changed it by hand
        channel, kind = names
        if hour - HOURS_KEPT < int(at) <= hour:
            found[channel, kind] = found.get((channel, kind), 0) + int(count)
    return found
