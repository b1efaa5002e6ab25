"""From the silences of a feed to what operators are told: once that it is silent, once that it is back.

Rests on decisions 36 and 105.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from scoring.feeds.feeds import Feed, Feeds
from scoring.ids import DEFAULT_NAMESPACE
from scoring.instants import format_duration, format_instant
from scoring.notices.message import message_of
from scoring.policy.policy import Policy

_IDS: Final = uuid.UUID("d0a9a4f6-3c86-5f0a-8d7e-0f1c7c1b9e25")


class Told(NamedTuple):
    """What operators know of a feed: up to when it was judged, and the silence that is open (0: none); microseconds."""

    judged: int
    silent_since: int = 0
    last_event_at: int = 0


@dataclass(frozen=True, slots=True)
class Notice:
    """A feed has fallen silent (`feed_silent`) or is back (`feed_back`); times in microseconds.

    `silent_since` and `last_event_at` are those of the silence in both; `occurred_at` is when it began or ended.
    """

    kind: str
    silent_since: int
    last_event_at: int
    occurred_at: int


def follow(feeds: Feeds, feed: str, told: Told, until: int) -> tuple[Told, list[Notice]]:
    """Judge a feed from where it was judged last up to a time.

    A silence that is open stays open for as long as the feed is silent at each evaluation, also where late events
    move its beginning: a backlog that is being sent makes no notice before it has been caught up with.

    Args:
        feeds: what is known of the events.
        feed: its name.
        told: what operators know.
        until: the evaluation time, in microseconds; one before `told.judged` changes nothing.

    Returns:
        What operators know then, and the new notices in the order of their time.
    """
    notices: list[Notice] = []
    at = told.judged
    while at <= until:
        if told.silent_since:
            silence = feeds.silence_at(feed, at)
            if silence is not None and silence.until > until:
                break
            at = silence.until if silence else at
            notices.append(Notice("feed_back", told.silent_since, told.last_event_at, at))
            told = Told(at)
        else:
            silence = feeds.silence_at(feed, at) or feeds.next_silence(feed, at)
            if silence is None or silence.since > until:
                break
            at = max(at, silence.since)
            told = Told(at, silence.since, silence.last_event_at)
            notices.append(Notice("feed_silent", silence.since, silence.last_event_at, silence.since))
    return told._replace(judged=max(told.judged, until)), notices


def notice_message(
    policy: Policy, feed: Feed, notice: Notice, detected_at: int, namespace: str = DEFAULT_NAMESPACE
) -> dict[str, Any]:
    """Write a notice as it is published.

    Args:
        policy: in force.
        feed: which it is.
        notice: of the feed.
        detected_at: the wall clock when it was noticed, in microseconds.
        namespace: of the service.

    Returns:
        What the JSON of the message holds. The id is made of namespace, kind, feed and beginning of the silence.
    """
    own = {
        "channel": feed.channel,
        "topic": feed.topic,
        "source": feed.source,
        "silence_after": format_duration(feed.silence_after),
        "last_event_at": format_instant(notice.last_event_at),
        "silent_since": format_instant(notice.silent_since),
    }
    about = (notice.kind, notice.silent_since, feed.name)
    severity = "warning" if notice.kind == "feed_silent" else "info"
    return message_of(policy, _IDS, about, severity, own, notice.occurred_at, detected_at, namespace)
