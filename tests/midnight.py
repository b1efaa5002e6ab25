"""Times at which what a test tells is all of one day, as figures by the day need it."""

import time

from tests.polling import poll_until

_DAY, _HALF_HOUR, _NEAR = 86_400, 1_800, 90


def early_enough(ago: float = 0) -> float:
    """Give a time so many seconds ago, or a little earlier, in Unix seconds: half an hour later it is the same day."""
    now = time.time() - ago
    return min(now, now - now % _DAY + _DAY - _HALF_HOUR)


async def away_from_midnight() -> None:
    """Wait until a day neither ends nor has begun within a minute and a half."""
    await poll_until(lambda: _NEAR < time.time() % _DAY < _DAY - _NEAR, 3 * _NEAR)
