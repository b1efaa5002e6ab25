"""Builds the package; COMPILE_HOT_PATH=1 has mypyc compile the hot path, which takes a C compiler and mypy.

The sources are plain Python and run without. Compiled they are the same program and take about a third less time.
"""

import os

from setuptools import setup

#: What is run for each event and each customer. Nothing here waits, so nothing here needs asyncio.
HOT_PATH = [
    *(f"scoring/{name}.py" for name in ("errors", "instants", "points", "details", "sessions", "pairing", "objects")),
    *(f"scoring/{name}.py" for name in ("measures", "tally", "segments", "policy", "events", "profiles", "seen")),
    *(f"scoring/{name}.py" for name in ("counted", "activity", "episodes", "state", "measuring", "watermark")),
    *(f"scoring/{name}.py" for name in ("corrections", "reasons", "score", "feeds", "alerts", "alert_machine")),
    *(f"scoring/{name}.py" for name in ("outlook", "active_days", "unknown_types", "named_scores", "tally_gains")),
    "scoring/walk.py",
    *(f"streams/{name}.py" for name in ("records", "decoding", "grouping", "cache", "cursors", "judging")),
    *(f"streams/store/{name}.py" for name in ("protocol", "visits", "sums", "shares", "episodes", "encoding")),
    *(f"streams/store/{name}.py" for name in ("decoding", "score_fields", "bookkeeping", "redis_writes")),
]


def extensions() -> list:
    """List what is to be compiled."""
    if os.environ.get("COMPILE_HOT_PATH") != "1":
        return []
    from mypyc.build import mypycify  # noqa: PLC0415 - only here is it needed

    return mypycify(HOT_PATH, opt_level="3")


setup(ext_modules=extensions())
