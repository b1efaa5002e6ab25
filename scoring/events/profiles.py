"""Profiles: attributes of a customer, as a record of their own or as a property of an event.

Rests on decisions 18 and 52.
"""

from __future__ import annotations

from scoring.errors import InvalidEvent
from scoring.events.event import MOST_AHEAD, Event, EventReader
from scoring.ids import MOST_ID_BYTES, check_id
from scoring.instants import parse_timestamp
from scoring.json_words import not_an_object, why_ahead, why_no_time
from scoring.policy.channels import Channel
from scoring.policy.policy import Policy
from scoring.rules.details import PROFILE, Detail
from scoring.rules.segments import Profiles, read_segment
from scoring.rules.sentiment import Analyzer


class ProfileReader:
    """Reads the records of the topic of profiles."""

    def __init__(self, profiles: Profiles) -> None:
        """Prepare.

        Args:
            profiles: of the policy in force.
        """
        self._segment = profiles.segment

    def read(self, value: object, recorded_at: int, latest: int) -> tuple[str, Event] | None:
        """Check one decoded value.

        Args:
            value: what the JSON of the record decodes to.
            recorded_at: the time of the record, in microseconds; holds where the profile has no `timestamp`.
            latest: the newest time that is let in.

        Returns:
            The customer's id, and what is said as an event with the code `PROFILE`, whose detail holds the segment; ''
            for a customer who has left it. None where nothing is said of the segment.

        Raises:
            InvalidEvent: with the reason, if a field is missing or wrong.
        """
        if type(value) is not dict:
            raise InvalidEvent("not_an_object", not_an_object(value))
        customer = value.get("customer_id")
        if type(customer) is not str or not customer or len(customer) > MOST_ID_BYTES // 4:
            check_id(value, "customer_id")
        written = value.get("timestamp")
        try:
            time = recorded_at if written is None else parse_timestamp(written)
        except ValueError as error:
            raise InvalidEvent("timestamp_invalid", why_no_time(value, str(error))) from None
        if time > latest:
            raise InvalidEvent("timestamp_in_future", why_ahead(value, time, latest - MOST_AHEAD))
        if self._segment not in value:
            return None
        segment = value[self._segment]
        told = Detail((), "", "" if segment is None else read_segment(segment))
        return customer, Event(time, PROFILE, "", told)  # type: ignore[return-value]


class SegmentedEventReader(EventReader):
    """Reads the events of one channel with the segment that they tell."""

    def __init__(self, channel: Channel, policy: Policy, profiles: Profiles, analyze: Analyzer | None = None) -> None:
        """Index the channel's types.

        Args:
            channel: of the policy.
            policy: in force.
            profiles: name the property.
            analyze: as of `EventReader`.
        """
        super().__init__(channel, policy.types, policy.figures.groupings, analyze)
        self._segment = profiles.segment
        self._asks = True

    def properties(self) -> frozenset[str]:
        """Name the properties that are of any use."""
        return super().properties() | {self._segment}

    def event(self, kind: str, time: int, event_id: object, properties: object) -> Event:
        """Make an event of what has been checked, as `EventReader.event` does; its detail holds the segment.

        A segment of the wrong type takes nothing from the event itself, as with any property.

        Args:
            kind: its type.
            time: in microseconds.
            event_id: None or '' for none.
            properties: as JSON decodes them.

        Raises:
            InvalidEvent: if the id is neither a text nor a whole number.
        """
        event = super().event(kind, time, event_id, properties)
        written = properties.get(self._segment) if type(properties) is dict else None
        if written is None or written == "":
            return event
        try:
            segment = read_segment(written)
        except InvalidEvent:
            self._ignored += 1
            return event
        return event.with_detail((event.detail or Detail(()))._replace(segment=segment))


def event_reader(channel: Channel, policy: Policy, analyze: Analyzer | None = None) -> EventReader:
    """Make a reader of a channel's events.

    Args:
        channel: of the policy.
        policy: in force.
        analyze: as of `EventReader`.

    Returns:
        One that looks for segments only where the policy asks for them.
    """
    if policy.profiles is None:
        return EventReader(channel, policy.types, policy.figures.groupings, analyze)
    return SegmentedEventReader(channel, policy, policy.profiles, analyze)
