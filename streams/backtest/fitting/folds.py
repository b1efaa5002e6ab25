"""The folds of a cross-validation: customers who are judged by what was learned from all others."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Final

_FOLDS: Final = 5


def folds_of(strata: Mapping[str, str]) -> dict[str, int]:
    """Put customers into folds: whole strata where there are enough of them, else each by the digest of the name.

    Args:
        strata: by customer.

    Returns:
        By customer, from 0 to 4.
    """
    numbers = {stratum: index for index, stratum in enumerate(dict.fromkeys(strata.values()))}
    if len(numbers) > 2:  # noqa: PLR2004 - with two, half of the history would be left to learn from
        return {name: numbers[stratum] % _FOLDS for name, stratum in strata.items()}
    return {name: zlib.crc32(name.encode("utf-8", "surrogatepass")) % _FOLDS for name in strata}
