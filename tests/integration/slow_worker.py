"""Stands for a worker that takes its time: `/ready` refuses for some seconds, and the rounds go on, or do not."""

from __future__ import annotations

import os
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

READY_AFTER, GOES_ON = float(sys.argv[1]), sys.argv[2] == "goes-on"
BEGUN = time.monotonic()


class Pages(BaseHTTPRequestHandler):
    """Answers as a worker does."""

    def do_GET(self) -> None:
        """Answer."""
        passed = time.monotonic() - BEGUN
        self.send_response(503 if self.path == "/ready" and passed < READY_AFTER else 200)
        self.end_headers()
        if self.path == "/metrics":
            self.wfile.write(b"engagement_round_events_total %f\n" % (passed if GOES_ON else 1))
        else:
            self.wfile.write(b'{"reason": "catching up"}')


if __name__ == "__main__":
    HTTPServer(("127.0.0.1", int(os.environ["ENGAGEMENT_WEB_PORT"])), Pages).serve_forever()
