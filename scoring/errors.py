"""The errors of the scoring core.

ScoringError
├── PolicyError    the policy is refused; carries every problem found
└── InvalidEvent   one event is bad input; carries the reason for its dead letter
"""

from __future__ import annotations

from collections.abc import Sequence


class ScoringError(Exception):
    """Base of every error that the scoring core raises."""


class PolicyError(ScoringError):
    """A policy that cannot be used; it is refused whole, with all its problems."""

    def __init__(self, problems: Sequence[str]) -> None:
        """Keep the problems.

        Args:
            problems: one sentence each, naming the key and what is allowed.
        """
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class InvalidEvent(ScoringError):
    """An event that can never be scored, however often it is read again."""

    def __init__(self, reason: str, detail: str = "") -> None:
        """Keep the reason.

        Args:
            reason: a short, stable name, such as ``customer_id_missing``.
            detail: one sentence for a person.
        """
        self.reason = reason
        self.detail = detail
        super().__init__(f"{reason}: {detail}" if detail else reason)
