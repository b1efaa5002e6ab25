"""What a check says."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from streams.errors import StreamsError


class Level(StrEnum):
    """How it stands."""

    RIGHT = "right"
    #: The service works; something about it may not be what is meant.
    DOUBTFUL = "doubtful"
    WRONG = "wrong"
    #: It could not be looked at, for a reason that is no fault of what was to be looked at.
    NOT_CHECKED = "not checked"


class Finding(NamedTuple):
    """One sentence on how it stands, and one on what to do; '' where nothing is to be done."""

    level: Level
    says: str
    remedy: str = ""


class Untold(StreamsError):
    """A server does not tell what a check wants to know, which says nothing about the service."""


def right(says: str) -> Finding:
    """Say that something is as it has to be."""
    return Finding(Level.RIGHT, says)


def doubtful(says: str, remedy: str) -> Finding:
    """Say that something may not be what is meant."""
    return Finding(Level.DOUBTFUL, says, remedy)


def wrong(says: str, remedy: str = "") -> Finding:
    """Say that the service does not work like this; an error's message may hold the remedy already."""
    return Finding(Level.WRONG, says, remedy)


def not_checked(says: str, remedy: str = "") -> Finding:
    """Say that something was not looked at, and why."""
    return Finding(Level.NOT_CHECKED, says, remedy)
