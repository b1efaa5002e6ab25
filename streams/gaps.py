"""Gaps between what has been applied and what the log still holds: found, and accepted by an operator."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import NamedTuple

from streams.errors import FenceMoved
from streams.kafka_access import check_rights
from streams.records import Partition
from streams.settings import Settings
from streams.store.protocol import Fence, FenceMove, GroupWrite, Store
from streams.topic_range import log_ranges

# Nothing is written for any customer here, so no erasure can be missed; up to where Lua counts exactly.
_WHATEVER_IS_ERASED = 1 << 53


class Gap(NamedTuple):
    """A partition whose log does not hold the next record to apply.

    `applied` is the offset of that record, `first` the first one that the log holds, `end` where the log ends.
    """

    partition: Partition
    applied: int
    first: int
    end: int

    @property
    def made_anew(self) -> bool:
        """Whether the log ends before what has been applied: it is another log under the old name."""
        return self.applied > self.end

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
    ranges = await log_ranges(settings, wanted)
    gaps = []
    for partition, fences in (await store.fences(sorted(ranges))).items():
        known = [fence.offset for fence in fences if fence is not None]
        first, end = ranges[partition]
        if known and not first <= min(known) <= max(known) <= end:
            applied = max(known) if max(known) > end else min(known)
            gaps.append(Gap(partition, applied, first, end))
    return gaps


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
        if fence is not None and not gap.first <= fence.offset <= gap.end
    ]
    for result in await store.apply(writes, time.time_ns() // 1000):
        if isinstance(result, FenceMoved):
            raise result
    if gap.made_anew:
        # It speaks of offsets that the new log may never reach, and writes would be held back until it has.
        await store.forget_mark(gap.partition)
