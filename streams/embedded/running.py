"""What is started at the beginning of a `with` block and stopped for good at its end."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class Running(ABC):
    """A server, or several, that a `with` block starts and closes; a start that fails closes too."""

    @abstractmethod
    def start(self) -> None:
        """Start and wait until it serves."""

    @abstractmethod
    def close(self) -> None:
        """Stop for good."""

    def __enter__(self) -> Self:
        """Start.

        Returns:
            This, running.
        """
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop for good."""
        self.close()
