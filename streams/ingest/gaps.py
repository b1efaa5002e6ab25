"""Gaps between what has been applied and what the log still holds: found, and accepted by an operator.

Rests on decisions 35 and 70.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from streams.errors import FenceMoved, LogGap
from streams.ingest.gap_messages import another_log_message
from streams.kafka.access import check_rights
from streams.kafka.topic_ids import topic_ids
from streams.kafka.topic_range import log_ranges
from streams.records import Partition
from streams.settings.settings import Settings
from streams.store.protocol import ERASURES_PARTITION, Fence, FenceMove, GroupWrite, Store
from streams.topic_names import ERASURES

# Nothing is written for any customer here, so no erasure can be missed; up to where Lua counts exactly.
_WHATEVER_IS_ERASED = 1 << 53


class Gap(NamedTuple):
    """A partition whose log does not hold the next record to apply.

    `applied` is the offset of that record, `first` the first one that the log holds, `end` where the log ends, `log`
    the id of its topic where Kafka tells it. `another` says that what has been applied is of a topic with another id.
    """

    partition: Partition
    applied: int
    first: int
    end: int
    log: str = ""
    another: bool = False

    @property
    def made_anew(self) -> bool:
        """Whether it is another log under the old name: by its id, or as it ends before what has been applied."""
        return self.another or self.applied > self.end

    @property
    def lost(self) -> int:
        """How many offsets were deleted before they were applied; 0 for a log that was made anew."""
        return 0 if self.made_anew else self.first - self.applied


async def find_gaps(settings: Settings, store: Store, topics: Iterable[str]) -> list[Gap]:
    """Compare the fences with the logs.

    Args:
        settings: name the brokers and how to get in.
        store: where the fences are, opened.
        topics: the source topics; one that does not exist has no gap.

    Returns:
        The gaps, by topic and number.

    Raises:
        AccessDenied: if Kafka or the store does not let this user look.
        BrokerUnavailable: if Kafka does not answer.
        StoreUnavailable: if the store does not.
    """
    wanted = list(topics)
    # A topic that is hidden looks like one that does not exist.
    await check_rights(settings, {"Describe": wanted})
    # That of the erasures is no source, but what is remembered of it is a fence, too, whatever its prefix.
    erasures = settings.written(ERASURES)
    wanted.append(erasures)
    ids = await topic_ids(settings, wanted)
    found = await log_ranges(settings, wanted)
    ranges = {ERASURES_PARTITION if at.topic == erasures else at: bounds for at, bounds in found.items()}
    ids[ERASURES] = ids.pop(erasures)
    noted = await store.logs(sorted(ranges))
    gaps = []
    for partition, fences in (await store.fences(sorted(ranges))).items():
        known = [fence.offset for fence in fences if fence is not None]
        first, end = ranges[partition]
        log = ids[partition.topic]
        another = bool(known and log and noted[partition] not in ("", log))
        # A group learns of an erasure when it has one: its fence may be anywhere before the others.
        least = first if partition == ERASURES_PARTITION else min(known, default=first)
        if another or (known and not first <= least <= max(known) <= end):
            applied = max(known) if another or max(known) > end else min(known)
            gaps.append(Gap(partition, applied, first, end, log, another))
    return gaps


async def check_logs(store: Store, logs: Mapping[Partition, str]) -> None:
    """Hold logs against those of which the fences speak, and note those of which nothing is known yet.

    Args:
        store: where the fences are.
        logs: the ids of the topics by partition, as they are now; '' where Kafka tells none.

    Raises:
        LogGap: if records of another log under the same name have been applied.
        StoreUnavailable: if the store does not answer.
    """
    told = {partition: log for partition, log in logs.items() if log}
    noted = await store.logs(list(told))
    differing = [partition for partition, log in told.items() if noted[partition] not in ("", log)]
    for partition, fences in (await store.fences(differing)).items():
        # A log of which nothing has been applied may be any.
        if any(fences):
            raise LogGap(another_log_message(partition))
    await store.note_logs({partition: log for partition, log in told.items() if noted[partition] != log})


async def accept_gap(store: Store, gap: Gap) -> None:
    """Move the fences of a partition to the start of its log, so that workers go on there.

    Args:
        store: where the fences are, opened.
        gap: as found.

    Raises:
        FenceMoved: if a worker has applied records in the meantime; what is left of the gap has to be looked for anew.
        StoreUnavailable: if the store does not answer; some fences may have moved, and the same can be done again.
    """
    fences = (await store.fences([gap.partition]))[gap.partition]
    writes = [
        GroupWrite(
            group,
            [FenceMove(gap.partition, fence.offset, Fence(gap.first, fence.newest))],
            erasures=_WHATEVER_IS_ERASED,
        )
        for group, fence in enumerate(fences)
        if fence is not None and (gap.another or not gap.first <= fence.offset <= gap.end)
    ]
    for result in await store.apply(writes, time.time_ns() // 1000):
        if isinstance(result, FenceMoved):
            raise result
    if gap.log:
        # Last of all: as long as it is the old one, the gap is found again.
        await store.note_logs({gap.partition: gap.log})
    if gap.made_anew:
        # It speaks of offsets that the new log may never reach, and writes would be held back until it has.
        await store.forget_mark(gap.partition)
