"""An alert as one line."""

import orjson
import pytest

from scoring.customer.signals import Signal
from scoring.feeds.feeds import Feed, watched_feeds
from scoring.instants import DAY, HOUR, parse_timestamp
from scoring.judging.alerts import Alert, BandChange, message
from scoring.notices import target_notices
from scoring.notices.feed_notices import Notice, notice_message
from scoring.policy.policy import DISENGAGED, ENGAGED
from streams.policy_file.document import parse_policy
from streams.views.alert_line import alert_line, reasons_in_words

AT = parse_timestamp("2026-11-21T09:30:00.25Z")
EXPIRED = {"channel": "email", "type": "click", "points": -15.0, "count": 3, "cause": "expired", "pane": ""}
EVENT = {"channel": "email", "type": "unsubscribe", "points": -40.0, "count": 1, "cause": "event", "at": ""}


def test_a_churn_alert_is_one_line() -> None:
    alert = Alert("churn_risk", DISENGAGED, ENGAGED, 30_500_000, 45_500_000, AT, [EXPIRED])
    line = alert_line(orjson.dumps(message("ada", alert, AT, "v1")))
    assert line.plain == (
        "2026-11-21 09:30:00  churn risk  warning   ada  45.5 → 30.5  engaged → disengaged  expired: email click x3 -15"
    )


def test_an_alert_of_a_named_score_names_it() -> None:
    alert = Alert("churn_risk", DISENGAGED, ENGAGED, 30_500_000, 45_500_000, AT, [EXPIRED], score_name="shop")
    line = alert_line(orjson.dumps(message("ada", alert, AT, "v1")))
    assert "warning   ada by shop  45.5 → 30.5  engaged → disengaged" in line.plain


def test_a_large_number_has_all_its_digits() -> None:
    alert = Alert("churn_risk", DISENGAGED, ENGAGED, 30_500_000, 12_345_670_000, AT, [{**EXPIRED, "points": -12315.17}])
    line = alert_line(orjson.dumps(message("ada", alert, AT, "v1")))
    assert "12345.67 → 30.5" in line.plain
    assert line.plain.endswith("x3 -12315.17")


def test_a_warning_of_a_coming_drop_is_one_line() -> None:
    reasons = [{**EXPIRED, "cause": "expires"}]
    alert = Alert("disengaging_soon", ENGAGED, ENGAGED, 45_500_000, 45_500_000, AT, reasons, AT + 72 * HOUR)
    line = alert_line(orjson.dumps(message("ada", alert, AT, "v1")))
    assert line.plain == (
        "2026-11-21 09:30:00  drops soon  notice    ada  45.5  engaged until 2026-11-24 09:30:00  "
        "expires: email click x3 -15"
    )


@pytest.mark.parametrize(
    ("longest", "before"),
    [
        (0, "never was away before"),
        (4.1, "never came back from more than 4.1"),
        (14.2, "came back from 14.2 once"),
    ],
)
def test_an_absence_is_told_beside_the_longest_before(longest: float, before: str) -> None:
    reason = {"cause": "absence", "missed": 11.3, "since": "2026-11-15T00:00:00Z", "longest": longest}
    alert = Alert("absent", ENGAGED, ENGAGED, 45_500_000, 45_500_000, AT, [reason])
    line = alert_line(orjson.dumps(message("ada", alert, AT, "v1")))
    assert line.plain.endswith(f"missed 11.3 of the segment's days since 2026-11-15; {before}")


def test_a_band_change_tells_its_reasons() -> None:
    change = BandChange(DISENGAGED, ENGAGED, 30_500_000, 45_500_000, AT, "expired", [EXPIRED])
    line = alert_line(orjson.dumps(message("ada", change, AT, "v1")))
    assert line.plain.endswith("45.5 → 30.5  engaged → disengaged  expired: email click x3 -15")


def test_a_band_change_is_one_line() -> None:
    change = BandChange(ENGAGED, DISENGAGED, 41_000_000, 40_000_000, AT, "event")
    line = alert_line(orjson.dumps(message("ada\n", change, AT, "v1")))
    assert line.plain == "2026-11-21 09:30:00  band change           ada\\n  40 → 41  disengaged → engaged  event"


def test_a_silent_feed_is_one_line() -> None:
    policy = parse_policy('[channels.email]\nweights = { open = 1 }\nsilence_after = "6h"')
    notice = Notice("feed_silent", AT, AT - 6 * HOUR, AT)
    line = alert_line(orjson.dumps(notice_message(policy, watched_feeds(policy)[0], notice, AT)))
    since = "  silent since 2026-11-21 09:30:00, last event 2026-11-21 03:30:00"
    assert line.plain == f"2026-11-21 09:30:00  feed silent warning   email{since}"
    source = Feed("source ses", "email", "ses", HOUR, "ses")
    line = alert_line(orjson.dumps(notice_message(policy, source, notice, AT)))
    assert line.plain == f"2026-11-21 09:30:00  feed silent warning   email ses{since}"


@pytest.mark.parametrize("value", [b"\x1b[2J", b"[]", b"{}", b"7", b'{"occurred_at": 1, "kind": "recovered"}', b""])
def test_what_is_no_alert_is_written_as_it_stands(value: bytes) -> None:
    assert alert_line(value).plain == value.decode().replace("\x1b", "\\x1b")


@pytest.mark.parametrize(
    ("reasons", "words"),
    [
        ([], ""),
        ([EVENT], "email unsubscribe -40"),
        ([EXPIRED, EXPIRED], "expired: email click x3 -15, email click x3 -15"),
        ([EXPIRED] * 5, "expired: email click x3 -15, email click x3 -15, email click x3 -15, and 2 more"),
        ([{"cause": "faded"}], "faded"),
        ([{**EXPIRED, "cause": "retracted"}], "email click x3 -15 (taken back)"),
        ([{**EXPIRED, "cause": "expires"}, {"cause": "fades"}], "expires: email click x3 -15, fades"),
    ],
)
def test_reasons_are_said(reasons: list[dict[str, object]], words: str) -> None:
    assert reasons_in_words(reasons) == words


@pytest.mark.parametrize(
    ("reasons", "words"),
    [
        ([EVENT], "email unsubscribe -40"),
        (
            [
                {"channel": "web", "type": "cart", "cause": "event", "at": "2026-11-21T08:30:00Z"},
                {"cause": "missing", "types": ["web.buy"], "band": ["power"], "within": "1h"},
            ],
            "web cart at 2026-11-21 08:30:00, no web.buy or power in 1h",
        ),
        (
            [{"cause": "moved", "points": -12.0, "from": 12.0, "since": "2026-11-14T09:30:00Z"}],
            "-12 since 2026-11-14 09:30:00",
        ),
        ([{"cause": "band", "band": "power", "at": "2026-11-21T09:30:00Z"}], "power"),
    ],
)
def test_a_signal_is_one_line_with_its_reasons(reasons: list[dict[str, object]], words: str) -> None:
    signal = Signal("upsell", "notice", ENGAGED, 45_500_000, AT, reasons, lasts=True)
    line = alert_line(orjson.dumps(message("ada", signal, AT, "v1")))
    assert line.plain == f"2026-11-21 09:30:00  upsell               notice    ada  45.5  engaged  {words}"


def test_the_end_of_a_signal_says_so() -> None:
    signal = Signal("upsell", "info", ENGAGED, 45_500_000, AT, [], lasts=True, ended=True)
    line = alert_line(orjson.dumps(message("ada", signal, AT, "v1")))
    assert line.plain == "2026-11-21 09:30:00  upsell ended         info      ada  45.5  engaged"


def test_a_figure_that_misses_its_target_is_one_line() -> None:
    policy = parse_policy("[channels.email]\nweights = { open = 1 }\n[targets.retention]\nat_least = 70\n")
    missed = target_notices.Notice("missed", 66.5, AT // DAY, AT // DAY)
    line = alert_line(orjson.dumps(target_notices.notice_message(policy, policy.targets[0], missed, AT)))
    assert line.plain == (
        "2026-11-22 00:00:00  target missed  notice    retention  66.5, missed since 2026-11-21  at least 70"
    )
