"""The process of a worker: Faust's, with its own log and signals."""

from __future__ import annotations

import signal
from typing import Protocol, cast

from streams.log_limit import QuietWorker


class Reloads(Protocol):
    """An app that can read its policy file again."""

    def reload_policy(self) -> None:
        """Read the policy file again."""


class EngagementWorker(QuietWorker):
    """Runs an app until SIGTERM or SIGINT; SIGHUP has it read the policy file again."""

    def install_signal_handlers(self) -> None:
        """Take signals."""
        super().install_signal_handlers()
        self.loop.add_signal_handler(signal.SIGHUP, cast("Reloads", self.app).reload_policy)
