"""What is made of measured figures: percentiles, laws of growth, tables to paste."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence


def percentile(values: Sequence[float], percent: float) -> float:
    """Give the nearest-rank percentile: the smallest value that this share of all values does not exceed.

    Args:
        values: at least one; infinity stands for what never came.
        percent: 0 to 100; 50 of [1, 2, 3, 4] is 2, 99 of a hundred values is the second largest.

    Returns:
        One of the values.
    """
    return sorted(values)[max(math.ceil(len(values) * percent / 100), 1) - 1]


def growth(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Fit y = factor x x ** exponent to points, by least squares of the logarithms.

    Args:
        points: x and y, all above 0, with at least two different x.

    Returns:
        Factor and exponent; (3, 2) for 3, 12 and 27 at 1, 2 and 3.
    """
    logs = [(math.log(x), math.log(y)) for x, y in points]
    mean_x = sum(x for x, _ in logs) / len(logs)
    mean_y = sum(y for _, y in logs) / len(logs)
    exponent = sum((x - mean_x) * (y - mean_y) for x, y in logs) / sum((x - mean_x) ** 2 for x, _ in logs)
    return math.exp(mean_y - exponent * mean_x), exponent


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a Markdown table.

    Args:
        head: of the columns.
        rows: as many cells each.

    Returns:
        Its lines.
    """
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
