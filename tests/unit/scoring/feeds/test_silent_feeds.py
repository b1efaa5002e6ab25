"""A silent feed is not a churn wave: drops that it had a part in are held back, and judged anew when it is back."""

from __future__ import annotations

import pytest

from scoring.events.event import Event
from scoring.feeds.feeds import MOST_STRETCHES, NO_FEEDS, Feeds, shared_topics, watched_feeds
from scoring.instants import DAY, HOUR, NEVER
from scoring.judging.alerts import Alert
from scoring.notices.feed_notices import Notice, Told, follow, notice_message
from scoring.policy.policy import Policy
from streams.policy_file.document import parse_policy
from tests.unit.scoring.customers import POLICY, Customer, at, policy_with

WATCHED = policy_with(('topic = "web"', 'topic = "web"\nsilence_after = "6h"'))
BOTH = policy_with(
    ('topic = "web"', 'topic = "web"\nsilence_after = "6h"'),
    ('topic = "social"', 'topic = "social"\nsilence_after = "24h"'),
)


def feeds(policy: Policy = WATCHED, **times: list[str]) -> Feeds:
    """Give feeds whose events were at some times."""
    return Feeds(policy, {name: [(at(time), at(time)) for time in some] for name, some in times.items()})


def engaged(known: Feeds, policy: Policy = WATCHED, kind: str = "buy", count: int = 3) -> Customer:
    """Give a customer who has 10 points or more from the 1st, and falls out of engaged on the 4th at midnight."""
    anna = Customer(policy)
    anna.feeds = known
    anna.do(kind, "01 09:00", count)
    return anna


def test_a_drop_waits_while_the_feed_is_silent_but_score_and_band_do_not() -> None:
    anna = engaged(feeds(web=["01 09:00", "03 17:00"]))
    outcome = anna.judge("04 00:00")

    assert (anna.score, anna.band, anna.story) == (0, "disengaged", [])
    assert anna.changes[-1] == ("disengaged", "04 00:00")
    assert (list(outcome.holding), anna.due, anna.state.due_crosses) == (["web"], "05 00:00", True)


def test_a_drop_at_the_last_moment_before_the_silence_does_not_wait() -> None:
    anna = engaged(feeds(web=["01 09:00", "03 18:00:00.000001"]))
    anna.judge("04 00:00")
    assert anna.story == [("churn_risk", "04 00:00", 0)]

    anna = engaged(feeds(web=["01 09:00", "03 18:00"]))
    anna.judge("04 00:00")
    assert anna.story == []


@pytest.mark.parametrize(("heard", "raised_at"), [("04 06:00", "04 06:00"), ("04 01:00", "05 00:00")])
def test_a_drop_whose_cooldown_a_policy_shortens_asks_the_feeds_when_the_customer_was_judged_last(
    heard: str, raised_at: str
) -> None:
    text = ('cooldown = "12h"', 'cooldown = "30h"')
    watched = ('topic = "web"', 'topic = "web"\nsilence_after = "4h"')
    anna = engaged(feeds(policy_with(watched), web=["01 09:00", heard, "04 23:00"]), policy_with(watched, text))
    anna.do("complain", "03 10:00")
    anna.do("buy", "03 11:00")
    anna.judge("04 06:00")
    assert anna.story[2:] == []

    anna.policy = policy_with(watched, ('"by-hand"', '"next"'))
    anna.judge("05 12:00")
    assert anna.story[2:] == [("churn_risk", raised_at, 0.5)]


def test_a_feed_that_is_back_at_the_boundary_is_not_silent() -> None:
    anna = engaged(feeds(web=["01 09:00", "04 00:00"]))
    anna.judge("04 00:00")
    assert anna.story == [("churn_risk", "04 00:00", 0)]


def test_who_is_still_below_at_the_first_boundary_after_the_return_is_told_of_then() -> None:
    anna = engaged(feeds(web=["01 09:00", "03 10:00", "06 15:00", "06 20:00"]))
    for now in ("04 00:00", "05 00:00", "06 00:00", "06 23:59"):
        anna.judge(now)
        assert anna.story == []
    anna.judge("09 00:00")

    assert anna.story == [("churn_risk", "07 00:00", 0)]
    (alert,) = [each for each in anna.transitions if isinstance(each, Alert)]
    assert (alert.previous_score, alert.previous_band, alert.reasons[0]["cause"]) == (13_500_000, 2, "expired")
    assert anna.due == ""


def test_who_has_come_back_by_then_is_not_told_of_and_the_next_drop_is() -> None:
    anna = engaged(feeds(web=["01 09:00", "03 10:00", "06 15:00", "09 23:00"]))
    anna.judge("04 00:00")
    anna.do("buy", "06 15:00", 3)
    assert (anna.band, anna.state.held) == ("engaged", None)

    anna.judge("09 00:00")
    anna.judge("10 00:00")
    assert anna.story == [("churn_risk", "10 00:00", 0)]


def test_a_feed_that_falls_silent_again_before_the_boundary_goes_on_holding() -> None:
    anna = engaged(feeds(web=["01 09:00", "03 10:00", "06 15:00", "07 21:00"]))
    anna.judge("09 00:00")
    assert anna.story == [("churn_risk", "08 00:00", 0)]


def test_the_same_is_told_however_rarely_the_customer_is_judged() -> None:
    known = feeds(web=["01 09:00", "03 10:00", "06 15:00", "06 20:00"])
    seldom, often = engaged(known), engaged(known)
    seldom.judge("20 00:00")
    for day in range(2, 21):
        for hour in (0, 7, 19):
            often.judge(f"{day:02} {hour:02}:00")

    assert seldom.story == often.story == [("churn_risk", "07 00:00", 0)]


def test_a_feed_that_brought_no_points_holds_nothing() -> None:
    anna = engaged(feeds(BOTH, web=["01 09:00", "03 23:00"], social=["01 09:00"]), BOTH)
    anna.do("impression", "01 10:00")
    anna.judge("04 00:00")
    assert anna.story == [("churn_risk", "04 00:00", 0)]


def test_what_a_feed_took_away_is_not_what_it_brought() -> None:
    policy = policy_with(
        ('topic = "social"', 'topic = "social"\nsilence_after = "1h"'),
        ("weights = { post = 2, impression = 0 }", "weights = { post = 2, unfollow = -1 }"),
    )
    anna = Customer(policy)
    anna.feeds = feeds(policy, social=["01 09:00"])
    code = next(kind.code for kind in policy.types.values() if kind.name == "unfollow")
    unfollow = Event(at("01 10:00"), code, "")
    anna.judge("01 10:00", *[anna.event("buy", "01 09:00")] * 3, unfollow)
    anna.judge("04 00:00")
    assert anna.story == [("churn_risk", "04 00:00", 0)]


def test_a_feed_whose_last_points_go_in_the_drop_itself_had_a_part_in_it() -> None:
    anna = engaged(feeds(BOTH, web=["01 09:00", "03 23:00"], social=["01 09:00"]), BOTH, "post", 5)
    anna.do("buy", "02 09:00")
    outcome = anna.judge("04 00:00")
    assert (anna.score, anna.story, list(outcome.holding)) == (4.5, [], ["social"])


def test_a_drop_waits_for_all_feeds_that_had_a_part() -> None:
    known = feeds(BOTH, web=["01 09:00", "05 23:00", "06 23:00"], social=["01 09:00", "06 12:00"])
    anna = engaged(known, BOTH)
    anna.do("post", "01 10:00")
    anna.judge("09 00:00")
    assert anna.story == [("churn_risk", "07 00:00", 0)]


def test_an_event_alerts_at_once_however_silent_the_feeds_are() -> None:
    anna = engaged(feeds(web=["01 09:00"]), BOTH)
    anna.do("quit", "02 09:00")
    assert anna.story == [("churn_risk", "02 09:00", -16.5)]


def test_an_event_that_takes_more_away_alerts_who_was_waiting() -> None:
    anna = engaged(feeds(web=["01 09:00", "05 09:00", "05 10:00"]))
    anna.judge("04 12:00")
    anna.do("view", "05 09:00")
    assert anna.story == []

    anna.do("quit", "05 10:00")
    (alert,) = [each for each in anna.transitions if isinstance(each, Alert)]
    assert anna.story == [("churn_risk", "05 10:00", -29)]
    assert [reason["type"] for reason in alert.reasons] == ["quit", "buy"]
    assert (alert.severity, alert.previous_score) == ("critical", 13_500_000)


def test_a_late_event_that_takes_more_away_alerts_who_was_waiting_no_earlier_than_the_fall() -> None:
    anna = engaged(feeds(web=["01 09:00"]))
    anna.do("glance", "03 09:00", 40)
    anna.judge("04 12:00")
    assert anna.story == []
    anna.do("complain", "03 10:00", now="04 13:00")
    assert anna.story == [("churn_risk", "04 00:00", 1)]


def test_the_end_of_a_cooldown_is_held_as_a_boundary_is() -> None:
    anna = engaged(feeds(web=["01 09:00", "01 13:00", "04 20:00", "05 01:00"]))
    anna.do("quit", "01 10:00")
    anna.do("buy", "01 11:00", 7)
    anna.do("complain", "01 12:00", 4)
    assert [kind for kind, _, _ in anna.story] == ["churn_risk", "recovered"]

    assert list(anna.judge("01 22:00").holding) == ["web"]
    anna.judge("09 00:00")
    assert anna.story[2:] == [("churn_risk", "05 00:00", 0)]


def test_the_cooldown_goes_on_after_the_feed_is_back() -> None:
    policy = policy_with(
        ('topic = "web"', 'topic = "web"\nsilence_after = "6h"'), ('cooldown = "12h"', 'cooldown = "100h"')
    )
    anna = engaged(feeds(policy, web=["01 09:00", "04 23:00", "05 12:00"]), policy)
    anna.do("quit", "01 10:00")
    anna.do("buy", "01 11:00", 7)
    anna.judge("05 06:00")
    assert anna.story[2:] == []

    anna.judge("09 00:00")
    assert anna.story[2:] == [("churn_risk", "05 14:00", 0)]


def test_what_a_feed_brings_after_the_drop_gives_it_no_part_in_it() -> None:
    policy = policy_with(
        ('topic = "web"', 'topic = "web"\nsilence_after = "12h"'),
        ('topic = "social"', 'topic = "social"\nsilence_after = "1h"'),
    )
    for cut in (4, 5):
        anna = engaged(feeds(policy, web=["01 09:00", "01 12:00"], social=["01 12:10"]), policy)
        anna.do("quit", "01 10:00")
        anna.do("buy", "01 11:00", 7)
        batch = [*[anna.event("complain", "01 12:00")] * 4, anna.event("post", "01 12:10")]
        anna.judge("01 12:10", *batch[:cut])
        anna.judge("01 23:00", *batch[cut:])
        assert anna.story[2:] == [("churn_risk", "01 22:00", 1)]


def test_a_drop_by_a_late_event_is_judged_at_the_end_of_the_cooldown_that_has_passed() -> None:
    anna = engaged(feeds(web=["01 09:00", "01 20:00"]))
    anna.do("quit", "01 10:00")
    anna.do("buy", "01 11:00", 7)
    anna.judge("01 23:00")
    anna.do("complain", "01 12:00", 4, now="01 23:30")
    assert anna.story[2:] == [("churn_risk", "01 22:00", -1)]


def test_late_events_of_the_feed_do_not_take_back_that_it_was_silent_when_judged() -> None:
    anna = engaged(feeds(web=["01 09:00", "03 10:00"]))
    anna.judge("05 00:00")
    anna.feeds = feeds(web=["01 09:00", *[f"{day:02} {hour:02}:30" for day in range(3, 6) for hour in range(0, 24, 5)]])
    anna.judge("05 12:00")
    assert anna.story == []

    anna.judge("06 00:00")
    assert anna.story == [("churn_risk", "06 00:00", 0)]


def test_with_another_policy_that_watches_nothing_the_drop_is_told_at_the_next_boundary() -> None:
    anna = engaged(feeds(web=["01 09:00"]))
    anna.judge("04 12:00")
    anna.policy, anna.feeds = policy_with(('version = "by-hand"', 'version = "unwatched"')), NO_FEEDS
    anna.judge("04 13:00")
    anna.judge("05 00:00")
    assert anna.story == [("churn_risk", "05 00:00", 0)]


def test_a_feed_without_a_first_event_is_not_silent() -> None:
    known = feeds(web=["04 10:00"])
    assert known.silence_at("web", at("04 09:59")) is None
    assert known.silence_at("social", at("04 09:59")) is None
    assert known.next_silence("social", 0) is None
    assert known.next_clear(["web"], at("04 17:00"), DAY) == NEVER


def test_of_very_many_silences_the_oldest_are_forgotten() -> None:
    times = [at("01 00:00") + n * 12 * HOUR for n in range(MOST_STRETCHES + 1)]
    known = Feeds(WATCHED, {"web": [(time, time) for time in times]})
    assert known.silence_at("web", times[0] + 7 * HOUR) is None
    assert known.silence_at("web", times[1] + 7 * HOUR) == (times[1], times[1] + 6 * HOUR, times[2])


def test_a_silence_that_late_events_move_is_told_once() -> None:
    told, first = follow(feeds(web=["01 00:00"]), "web", Told(at("01 00:00")), at("02 00:00"))
    assert first == [Notice("feed_silent", at("01 06:00"), at("01 00:00"), at("01 06:00"))]

    told, notices = follow(feeds(web=["01 00:00", "01 10:00"]), "web", told, at("02 01:00"))
    assert notices == []
    filled = feeds(web=[f"{day:02} {hour:02}:00" for day in (1, 2) for hour in range(0, 24, 5)])
    told, notices = follow(filled, "web", told, at("02 02:00"))
    assert [(notice.kind, notice.silent_since) for notice in notices] == [("feed_back", at("01 06:00"))]
    assert follow(filled, "web", told, at("02 02:00")) == (told, [])


def test_what_is_published_of_a_silence_tells_whose_since_when_and_from_what() -> None:
    (web,) = watched_feeds(WATCHED)
    silent = Notice("feed_silent", at("01 06:00"), at("01 00:00"), at("01 06:00"))
    back = Notice("feed_back", at("01 06:00"), at("01 00:00"), at("01 09:00"))
    message = notice_message(WATCHED, web, silent, at("01 06:01"))
    other = notice_message(WATCHED, web, back, at("01 09:01"))

    assert {name: value for name, value in message.items() if name != "alert_id"} == {
        "kind": "feed_silent",
        "namespace": "engagement",
        "severity": "warning",
        "channel": "web",
        "source": "",
        "topic": "web",
        "silence_after": "6h",
        "last_event_at": "2024-01-01T00:00:00Z",
        "silent_since": "2024-01-01T06:00:00Z",
        "occurred_at": "2024-01-01T06:00:00Z",
        "detected_at": "2024-01-01T06:01:00Z",
        "policy_version": "by-hand",
    }
    assert message["alert_id"] == notice_message(WATCHED, web, silent, at("01 07:00"))["alert_id"]
    assert (other["kind"], other["severity"]) == ("feed_back", "info")
    assert other["alert_id"] != message["alert_id"]


SOURCES = """
[sources.site]
topic = "segment"
format = "segment"
channel = "web"
silence_after = "2h"
[sources.phone]
topic = "calls"
format = "segment"
channel = "web"
silence_after = "3h"
[sources.quiet]
topic = "quiet"
format = "segment"
channel = "social"
"""


def test_a_source_is_reported_by_its_name_and_not_its_channel_which_only_it_has_watched() -> None:
    feeds_of = {feed.name: feed for feed in watched_feeds(parse_policy(POLICY + SOURCES))}
    assert {name: (feed.silence_after, feed.reported) for name, feed in feeds_of.items()} == {
        "web": (3 * HOUR, False),
        "source site": (2 * HOUR, True),
        "source phone": (3 * HOUR, True),
    }
    silent = Notice("feed_silent", at("01 06:00"), at("01 00:00"), at("01 06:00"))
    site, phone = (notice_message(WATCHED, feeds_of[f"source {name}"], silent, 0) for name in ("site", "phone"))
    assert (site["channel"], site["source"], site["topic"]) == ("web", "site", "segment")
    assert site["alert_id"] != phone["alert_id"]
    own = parse_policy(POLICY.replace('topic = "web"', 'topic = "web"\nsilence_after = "1h"') + SOURCES)
    assert [feed.reported for feed in watched_feeds(own)] == [True, True, True]


def test_a_topic_is_shared_by_several_sources_or_channels() -> None:
    assert shared_topics(parse_policy(POLICY + SOURCES)) == frozenset()
    assert shared_topics(parse_policy(POLICY + SOURCES.replace("calls", "segment"))) == {"segment"}
    several = '[[sources.site.events]]\ntype = "event"\n[[sources.site.events]]\ntype = "event"\nchannel = "social"\n'
    assert shared_topics(parse_policy(POLICY + SOURCES.replace("[sources.phone]", several + "[sources.phone]"))) == {
        "segment"
    }


@pytest.mark.parametrize(("text", "watched"), [("6h", {0: ("web", 6 * HOUR)}), ("0s", {})])
def test_a_policy_says_which_feeds_are_watched(text: str, watched: dict[int, tuple[str, int]]) -> None:
    policy = policy_with(('topic = "web"', f'topic = "web"\nsilence_after = "{text}"'), text=POLICY)
    assert policy.watched == watched
