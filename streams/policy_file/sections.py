"""The tables of a policy file that stand once and hold plain values: window, bands, alerts, clock and their like.

Rests on decision 16.
"""

from __future__ import annotations

from typing import Annotated, Final

from scoring.instants import format_duration
from scoring.policy.policy import AT_RISK, BANDS, DISENGAGED
from scoring.rules.segments import Profiles
from streams.policy_file.absence import AbsenceOrSwitch
from streams.policy_file.table import Check, Table, given
from streams.policy_file.words import MOST_POINTS, Duration, Points, Topic, one_of, points_within, text, whole

_MOST_PANES: Final = 10_000
_MOST_AT_LEAST: Final = 1_000_000
_LONGEST_FIELD: Final = 100
_DROPS: Final = (BANDS[DISENGAGED], BANDS[AT_RISK])


class Window(Table):
    """How far the score looks back, and in which steps."""

    length: Duration = given("30d", "how far the score looks back")
    pane: Duration = given("1d", "the steps in which the window moves; must divide the length")
    trend: Duration = given("7d", "the trend compares with the score this long ago")
    half_life: Duration = given("0s", "the time in which a pane's points halve; 0s: they count until they leave")

    def check(self, problems: list[str]) -> None:
        """Hold the lengths against each other.

        Args:
            problems: what is wrong is added.
        """
        length, pane = self.length, self.pane
        if pane <= 0 or length <= 0:
            problems.append("window.length and window.pane: must be more than 0")
        elif length % pane:
            problems.append(
                f"window.pane: {format_duration(pane)} does not divide window.length {format_duration(length)}; "
                "the length must be a whole number of panes"
            )
        elif length // pane > _MOST_PANES:
            problems.append(f"window.pane: the window may hold at most {_MOST_PANES} panes")
        if 0 < self.half_life < pane / 50:
            problems.append("window.half_life: must be at least a fiftieth of window.pane, or left out")


class Bands(Table):
    """The lower bounds of the bands, in points."""

    disengaged: Points = given(0, "lower bound; below it a customer is at_risk")
    engaged: Points = given(41, "lower bound; below it a customer is churning")
    highly_engaged: Points = given(71, "lower bound")
    power: Points = given(101, "lower bound")

    def bounds(self, problems: list[str]) -> tuple[int, int, int, int]:
        """Give the bounds, which must rise.

        Args:
            problems: what is wrong is added.
        """
        if not self.disengaged < self.engaged < self.highly_engaged < self.power:
            problems.append(f"bands: out of order; the lower bounds must rise: {' < '.join(BANDS[1:])}")
        return self.disengaged, self.engaged, self.highly_engaged, self.power


Drops = Annotated[str, one_of(_DROPS, f"must be {' or '.join(_DROPS)}")]
Margin = Annotated[int, points_within(0, MOST_POINTS, "must be 0 or more points")]


class Alerts(Table):
    """When a drop or an absence raises an alert."""

    drops: Drops = given(BANDS[DISENGAGED], "the highest band into which a fall raises an alert")
    rearm_margin: Margin = given(5, "points above engaged at which an episode ends")
    absence: AbsenceOrSwitch = given(default=False, description="when a customer has been absent for too long")
    cooldown: Duration = given("24h", "the least time between the last alert of an episode and the next one's first")
    warn_before: Duration = given("0s", "how long before an upcoming drop there is a warning; 0s: none")

    def check(self, window: Window, problems: list[str]) -> None:
        """Hold the warning against the window.

        Args:
            window: of the policy.
            problems: what is wrong is added.
        """
        if self.warn_before >= window.length > 0:
            problems.append("alerts.warn_before: must be less than window.length; no drop is foreseen for longer")

    @property
    def drops_into(self) -> int:
        """The index of the band."""
        return BANDS.index(self.drops)


class Clock(Table):
    """What the stream clock waits for."""

    lateness: Duration = given("0s", "how far behind the newest event others may still come")
    idle_after: Duration = given("10s", "how long a partition without records holds the clock back")


class Events(Table):
    """What is remembered of events."""

    remember_ids: Duration = given("72h", "how long an event_id is remembered, at least")


class DeadLetters(Table):
    """When there are so many bad records that no more are read."""

    stop_above: Annotated[int, points_within(0, 1, "must be a share from 0 to 1; 1 never stops")] = given(
        0.95, "above this share of bad records in a channel the worker stops; 1: never"
    )
    at_least: Annotated[int, whole(1, _MOST_AT_LEAST, f"a number of records, 1 to {_MOST_AT_LEAST}")] = given(
        100, "the share is taken over no fewer records"
    )
    over: Duration = given("1m", "the share is taken over this much of the log")

    def check(self, problems: list[str]) -> None:
        """Refuse a share over no time.

        Args:
            problems: what is wrong is added.
        """
        if self.over <= 0:
            problems.append("dead_letters.over: must be more than 0")


class Identities(Table):
    """Where the links between ids come from; without the table there are none."""

    topic: Topic = given("identities", "Kafka topic of the links")


def _field(value: object) -> object:
    if value == "customer_id":
        raise ValueError(_no_field(value))
    return value


def _no_field(value: object) -> str:
    return f"{value!r} is not the name of a field of 1 to {_LONGEST_FIELD} characters"


class ProfilesTable(Table):
    """Where attributes of customers come from; without the table, and without segments, there are none."""

    topic: Topic = given(Profiles().topic, "Kafka topic of the profiles")
    segment: Annotated[str, text(_LONGEST_FIELD, _no_field, "segment"), Check(_field)] = given(
        Profiles().segment, "the field of a profile, and the property of an event, that names the segment"
    )
