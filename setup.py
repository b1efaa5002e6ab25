"""Builds the package; COMPILE_HOT_PATH=1 has mypyc compile the hot path, which takes a C compiler and mypy.

The sources are plain Python and run without. Compiled they are the same program and take about a third less time.
"""

import os
from pathlib import Path

from setuptools import setup

#: What is run for each event and each customer: all files of some folders, and some of others.
#: Nothing here waits, so nothing here needs asyncio.
HOT_FOLDERS = (
    *("scoring", "scoring/rules", "scoring/events", "scoring/customer", "scoring/feeds", "scoring/judging"),
    *("scoring/judging/signals",),
    *("scoring/figures", "scoring/mapping", "streams/store/sums", "streams/store/fields"),
)
HOT_FILES = (
    *("scoring/policy/channels.py", "scoring/policy/policy.py"),
    *("streams/records.py", "streams/store/protocol.py", "streams/store/redis/writes.py"),
    *("streams/ingest/event_decoding.py", "streams/ingest/source_decoding.py", "streams/ingest/source_reading.py"),
    *("streams/ingest/encodings.py", "streams/ingest/field_decoding.py", "streams/ingest/framing.py"),
    *("streams/rounds/event_sorting.py", "streams/rounds/cache.py"),
    *("streams/rounds/positions.py", "streams/rounds/judging.py"),
)
HOT_PATH = [
    *(path.as_posix() for folder in HOT_FOLDERS for path in sorted(Path(folder).glob("[!_]*.py"))),
    *HOT_FILES,
]


def extensions() -> list:
    """List what is to be compiled."""
    if os.environ.get("COMPILE_HOT_PATH") != "1":
        return []
    from mypyc.build import mypycify  # noqa: PLC0415 - only here is it needed

    return mypycify(HOT_PATH, opt_level="3")


setup(ext_modules=extensions())
