"""Reads the values of past events, whatever file they come from."""

from __future__ import annotations

from scoring.events.event import Event
from scoring.events.profiles import ProfileReader
from scoring.policy.policy import Policy
from streams.ingest.profile_decoding import PROFILES
from streams.ingest.sentiment import reader_of


class ValueReader:
    """Reads events and profiles by a policy."""

    def __init__(self, policy: Policy) -> None:
        """Take the channels, and the profiles if the policy has them.

        Args:
            policy: that judges.
        """
        self._channels = {channel.name: reader_of(channel, policy) for channel in policy.channels}
        self._profiles = ProfileReader(policy.profiles) if policy.profiles is not None else None

    def read(self, channel: str, value: object, latest: int) -> tuple[str, Event] | None:
        """Read one value.

        Args:
            channel: the name of its channel, or `PROFILES`.
            value: as decoded.
            latest: the newest time that is let in, in microseconds.

        Returns:
            Whose it is, and what; None if the policy has no such channel, or a profile says nothing.

        Raises:
            InvalidEvent: if it cannot be taken.
        """
        if channel == PROFILES and self._profiles is not None:
            # Without a time of its own it holds from the beginning.
            return self._profiles.read(value, 0, latest)
        reader = self._channels.get(channel)
        return reader.read(value, latest) if reader is not None else None
