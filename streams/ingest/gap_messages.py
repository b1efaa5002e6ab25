"""What is said of a log that does not hold the next record to apply.

Rests on decisions 35 and 70.
"""

from __future__ import annotations

from streams.records import Partition


def another_log_message(partition: Partition) -> str:
    """Say that the log is another one than that of which records have been applied.

    Args:
        partition: of the log.
    """
    return (
        f"{partition.topic}[{partition.number}]: the scores hold records of another log under this name: the topic was "
        f"made anew. To go on with the new log: engagement gaps accept {partition.label}"
    )


def gap_message(partition: Partition, wanted: int, start: int) -> str:
    """Say that the log starts after the next offset to apply.

    Args:
        partition: of the log.
        wanted: the next offset to apply.
        start: the first offset that the log still holds.
    """
    return (
        f"{partition.topic}[{partition.number}]: the next record to apply has offset {wanted}, but the log now starts "
        f"at {start}: {start - wanted} offsets were deleted before they were applied. Keep the topic longer than the "
        f"longest outage. To go on without them: engagement gaps accept {partition.label}"
    )


def new_log_message(partition: Partition, applied: int, end: int) -> str:
    """Say that the log ends before what has been applied.

    Args:
        partition: of the log.
        applied: the next offset to apply.
        end: the offset at which the log ends.
    """
    return (
        f"{partition.topic}[{partition.number}]: the scores hold records up to offset {applied}, but the log ends at "
        f"{end}: the topic was made anew. To go on with the new log: engagement gaps accept {partition.label}"
    )
