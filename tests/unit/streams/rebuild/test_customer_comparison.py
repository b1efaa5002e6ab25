"""What a rebuild takes for wrong, and what not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from streams.policy_file.document import parse_policy
from streams.rebuild.customer_comparison import Comparison
from streams.settings.settings import Settings
from streams.store.fields.customer_writing import encode, index_changes
from streams.store.protocol import CustomerRecord
from streams.store.redis.replacing import View
from tests.unit.scoring.customers import POLICY, Customer, at
from tests.unit.scoring.judging.test_named_scores import LOUD
from tests.unit.scoring.rules.test_pairing import PAIRED
from tests.unit.scoring.rules.test_pairing import anna as paired_customer
from tests.unit.scoring.rules.test_segments import profile

SETTINGS = Settings(parse_policy(POLICY), clock="stream")
NOWHERE = View({}, {}, None, None)


def anna(*, posts: int = 5, judged: str = "02 00:00", event_id: str | None = None) -> View:
    """Give a customer as she would be stored."""
    customer = Customer()
    customer.do("post", "01 09:00", posts)
    customer.do("view", "01 10:00", event_id=event_id)
    customer.judge(judged)
    record = CustomerRecord(customer.state)
    _, band, since, schedule = index_changes(record)
    flat, _ = encode(SETTINGS.policy, record, "v1")
    times = {"c": None, "r": None} | ({schedule[0]: int(schedule[1:])} if schedule not in ("", "-") else {})
    return View(dict(zip(flat[::2], flat[1::2], strict=True)), {band: since}, times["c"], times["r"])


def compare(live: View, rebuilt: View, *, time: str = "02 00:00", whole: bool = False) -> list[str]:
    return Comparison(SETTINGS, at(time), whole).differences(live, rebuilt)


def with_field(name: str, value: str) -> Callable[[View], View]:
    return lambda view: replace(view, fields={**view.fields, name: value})


def without(start: str) -> Callable[[View], View]:
    return lambda view: replace(view, fields={n: v for n, v in view.fields.items() if not n.startswith(start)})


def test_who_is_as_the_log_says_is_right() -> None:
    assert compare(anna(), anna(), whole=True) == []
    assert compare(NOWHERE, NOWHERE) == []


def test_it_does_not_matter_up_to_when_each_has_been_judged() -> None:
    assert compare(anna(judged="01 12:00"), anna(judged="03 12:00")) == []
    assert compare(anna(judged="03 12:00"), anna(judged="01 12:00"), time="09 00:00") == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (with_field("score", "99"), "score is 99, by the counts 11"),
        (with_field("band", "power"), "band is power, by the log engaged"),
        (with_field("disengages_at", ""), "disengages_at is , by the counts 2024-01-04T00:00:00Z"),
        (with_field("last_event_at", "2024-01-01T10:00:01Z"), "last_event_at is 2024-01-01T10:00:01Z, by the log"),
        (without("score"), "score is missing, by the counts 11"),
        (without("_p"), "score is 0, by the log 11"),
        (with_field("_p19600", "abcd4"), "the pane of 2023-08-31T00:00:00Z is {'abcd': 4}, by the log nothing"),
        (with_field("_p19723", "abcd4"), "the pane of 2024-01-01T00:00:00Z is {'abcd': 4}, by the log"),
        (with_field("_s", "nonsense"), "cannot be read"),
        (without("_s"), "cannot be read"),
        (without("_v"), "cannot be read"),
        (lambda view: replace(view, bands={}), "stands in the index of no band"),
        (lambda view: replace(view, bands={"engaged": 1}), "stands in the index of engaged"),
        (lambda view: replace(view, bands={**view.bands, "power": 1}), "stands in the index of engaged, power"),
        (lambda view: replace(view, crossing=None), "is scheduled for another time"),
        (lambda view: replace(view, refresh=5), "is scheduled for another time"),
    ],
)
def test_what_somebody_has_changed_is_told(change: Callable[[View], View], words: str) -> None:
    right = anna(event_id="x")
    found = compare(change(right), right)
    assert any(words in each for each in found), found


def test_which_event_ids_are_remembered_is_not_compared() -> None:
    assert compare(without("_i")(anna(event_id="x")), anna(event_id="x"), whole=True) == []


def liked(*, apart: bool = False, order: int = 1) -> View:
    """Give a customer who liked and unliked, and liked again."""
    rows = [("feed.like", "01 09:00", "p"), ("feed.unlike", "01 10:00", "p"), ("feed.like", "01 11:00", "p")]
    customer = paired_customer(*rows[::order], now="02 00:00")
    if apart:
        customer.state.objects = None
    flat, _ = encode(PAIRED, CustomerRecord(customer.state), "v1")
    return View(dict(zip(flat[::2], flat[1::2], strict=True)), {}, None, None)


def test_what_was_done_to_objects_is_compared_in_whatever_order_it_came() -> None:
    comparison = Comparison(Settings(PAIRED, clock="stream"), at("02 00:00"), whole_history=False)
    assert not [each for each in comparison.differences(liked(order=-1), liked()) if "by the log" in each]
    for live, rebuilt in ((liked(apart=True), liked()), (liked(), liked(apart=True))):
        assert any("what was done to objects is" in each for each in comparison.differences(live, rebuilt))
    [name] = [name for name in liked().fields if name.startswith("_k")]
    assert comparison.differences(with_field(name, "nonsense;")(liked()), liked()) == ["cannot be read"]


def test_history_is_compared_only_where_the_log_tells_it() -> None:
    changed = with_field("previous_band", "power")(anna())
    assert compare(changed, anna()) == []
    assert compare(changed, anna(), whole=True) == ["previous_band is power, by the log disengaged"]
    alerted = with_field("_s", anna().fields["_s"].replace(";-1;", ";1704067200000000;"))(anna())
    assert any(each.startswith("last alert is 2024-01-01") for each in compare(alerted, anna(), whole=True))


def test_one_who_is_not_stored_is_missing() -> None:
    assert compare(NOWHERE, anna()) == ["is missing"]


def test_an_entry_of_an_index_without_a_customer_is_told() -> None:
    assert compare(View({}, {"power": 5}, None, None), NOWHERE) == ["has no hash"]


def test_one_of_whom_the_log_holds_nothing_may_stay_with_nothing_in_the_window() -> None:
    assert compare(anna(), NOWHERE) == ["the log holds nothing of the customer"]
    assert compare(anna(judged="20 00:00"), NOWHERE, time="20 00:00") == []
    assert compare(anna(), NOWHERE, time="20 00:00") == []
    assert compare(with_field("score", "7")(anna(judged="20 00:00")), NOWHERE, time="20 00:00") == [
        "score is 7, by the counts 0"
    ]


SEGMENTED = Settings(parse_policy(POLICY + "[segments.large.bands]\nengaged = 15\n" + LOUD), clock="stream")


def in_segment(segment: str, told: str = "01 08:00", *, posts: int = 6) -> View:
    """Give a customer in a segment as she would be stored."""
    customer = Customer(SEGMENTED.policy)
    customer.judge("01 08:00", profile(segment, told))
    customer.do("post", "01 09:00", posts)
    customer.judge("02 00:00")
    record = CustomerRecord(customer.state)
    _, band, since, schedule = index_changes(record)
    flat, _ = encode(SEGMENTED.policy, record, "v1")
    times = {"c": None, "r": None, schedule[0]: int(schedule[1:])}
    return View(dict(zip(flat[::2], flat[1::2], strict=True)), {band: since}, times["c"], times["r"])


def test_segments_and_named_scores_are_compared() -> None:
    comparison = Comparison(SEGMENTED, at("02 00:00"), whole_history=True)
    right = in_segment("large")

    assert comparison.differences(right, in_segment("large")) == []
    told = comparison.differences(in_segment("small"), right)
    assert "segment is small, by the log large" in told
    assert "band is engaged, by the log disengaged" in told
    wrong = replace(right, fields={**right.fields, "score:loud": "7"})
    assert comparison.differences(wrong, right) == ["score:loud is 7, by the counts 60"]


def test_a_segment_of_which_the_log_does_not_tell_any_more_is_taken_over() -> None:
    live, rebuilt = in_segment("large", "01 08:00"), in_segment("small", "01 07:00")
    partly = Comparison(SEGMENTED, at("02 00:00"), whole_history=False, since=3)

    assert partly.forgotten(live, rebuilt) == (at("01 08:00"), "large")
    assert partly.forgotten(rebuilt, live) is None
    assert partly.forgotten(live, NOWHERE) is None
    assert Comparison(SEGMENTED, at("02 00:00"), whole_history=True).forgotten(live, rebuilt) is None
    assert Comparison(SETTINGS, at("02 00:00"), whole_history=False, since=3).forgotten(live, rebuilt) is None
