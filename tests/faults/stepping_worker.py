"""The worker on a machine whose clock is off: by the seconds in the file that CLOCK_OFF names."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from scoring.instants import SECOND
from streams.app import build_app, run_app
from streams.machine_clock import wall_clock
from streams.settings.settings import read_settings


def main() -> int:
    """Run the worker."""
    off = Path(os.environ["CLOCK_OFF"])
    return run_app(build_app(read_settings(), wall=lambda: wall_clock() + int(off.read_text() or 0) * SECOND))


if __name__ == "__main__":
    sys.exit(main())
