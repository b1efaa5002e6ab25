"""A worker to which two seconds are the hour after which left-out records are told."""

from __future__ import annotations

import os
import sys

from scoring.instants import SECOND
from streams.app import build_app, run_app
from streams.ingest import source_decoding
from streams.settings.settings import read_settings

if __name__ == "__main__":
    source_decoding.SKIPPING_AFTER = 2 * SECOND
    sys.exit(run_app(build_app(read_settings(dict(os.environ)))))
