"""The ids of notices: consumers know them, so no release may give the same notice another one."""

from __future__ import annotations

from scoring.feeds.feeds import Feed
from scoring.instants import DAY, HOUR
from scoring.notices import feed_notices, segment_notices, target_notices
from scoring.rules.targets import Target
from streams.policy_file.document import parse_policy

POLICY = parse_policy('version = "x"')
NOON = 19_000 * DAY + 12 * HOUR


def test_a_notice_has_the_id_that_it_always_had() -> None:
    feed = Feed("email", "email", "email", HOUR)
    silent = feed_notices.Notice("feed_silent", NOON, NOON - HOUR, NOON)
    left = segment_notices.Notice("segment_left", 19_000, 18_990, 3, 280)
    missed = target_notices.Notice("missed", 2.5, 19_000, 18_990)
    target = Target("measure:spent", at_least=3.0)
    messages = [
        message
        for namespace in ("engagement", "acme")
        for message in (
            feed_notices.notice_message(POLICY, feed, silent, NOON, namespace),
            segment_notices.notice_message(POLICY, "trial", left, NOON, namespace),
            target_notices.notice_message(POLICY, target, missed, NOON, namespace),
        )
    ]
    assert [message["alert_id"] for message in messages] == [
        "b10b807c-64e1-54d5-95f8-0cc112d59637",
        "5d22b0b4-c998-57dc-944a-251b0f5db568",
        "f445757c-c1be-514e-8e3c-7f01872446ba",
        "13df5277-e8c2-5b66-bd88-d928d33b153c",
        "e45af5f6-881f-55d3-bdaa-afffa9b4b5dd",
        "6d867bad-5e4b-5bc4-81fa-5eeee921ac9d",
    ]
