"""Quiet hours by the clock on the wall, over midnight and over changes of the clock."""

import pytest

from scoring.instants import format_instant, parse_timestamp
from scoring.rules.quiet_hours import QuietHours

NIGHT = QuietHours(22 * 60, 8 * 60, "Europe/Berlin")
TWICE = QuietHours(22 * 60, 2 * 60 + 30, "Europe/Berlin")
NOON = QuietHours(12 * 60, 13 * 60)


@pytest.mark.parametrize(
    ("hours", "at", "end"),
    [
        (NIGHT, "2024-01-01T20:59:59Z", ""),
        (NIGHT, "2024-01-01T21:00:00Z", "2024-01-02T07:00:00Z"),
        (NIGHT, "2024-01-02T06:59:59.5Z", "2024-01-02T07:00:00Z"),
        (NIGHT, "2024-01-02T07:00:00Z", ""),
        # Summer time begins: the night has one hour less.
        (NIGHT, "2024-03-30T21:00:00Z", "2024-03-31T06:00:00Z"),
        # And ends.
        (NIGHT, "2024-10-26T20:00:00Z", "2024-10-27T07:00:00Z"),
        # Half past two comes twice.
        (TWICE, "2024-10-27T00:10:00Z", "2024-10-27T00:30:00Z"),
        (TWICE, "2024-10-27T00:40:00Z", ""),
        (TWICE, "2024-10-27T01:10:00Z", "2024-10-27T01:30:00Z"),
        (NOON, "2024-01-01T11:59:59Z", ""),
        (NOON, "2024-01-01T12:30:00Z", "2024-01-01T13:00:00Z"),
        (NOON, "2024-01-01T13:00:00Z", ""),
    ],
)
def test_they_end_at_their_hour_of_the_time_zone(hours: QuietHours, at: str, end: str) -> None:
    found = hours.end_after(parse_timestamp(at))
    assert (format_instant(found) if found else "") == end
