"""What is wrong with a policy file: each problem names the key and what is allowed, and all come at once."""

from __future__ import annotations

import pytest

from scoring.errors import PolicyError
from scoring.policy.policy import RESERVED_NAMES
from streams.policy_file import channels
from streams.policy_file.channels import ChannelTable
from streams.policy_file.document import PolicyFile, parse_policy
from streams.policy_file.figures import Kpi


def problems(text: str) -> list[str]:
    """Parse a policy that must be refused."""
    with pytest.raises(PolicyError) as refused:
        parse_policy(text)
    assert str(refused.value) == "\n".join(refused.value.problems)
    return list(refused.value.problems)


def channel(rest: str, name: str = "calls") -> str:
    """Write a policy of one channel."""
    return f"[channels.{name}]\n{rest}"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("version", "not TOML: Expected '=' after a key in a key/value pair (at end of document)"),
        ("version = 1", "version: must be a string of 1 to 64 bytes"),
        ('version = ""', "version: must be a string of 1 to 64 bytes"),
        (f'version = "{"x" * 65}"', "version: must be a string of 1 to 64 bytes"),
        (f'version = "{"é" * 33}"', "version: must be a string of 1 to 64 bytes"),
        (
            "windows = 1",
            f"windows: unknown key; allowed here: {', '.join(PolicyFile.by_key())}",
        ),
        ('[window]\nsize = "3d"', "window.size: unknown key; allowed here: length, pane, trend, half_life"),
        (
            "[bands]\nat_risk = -9",
            "bands.at_risk: unknown key; allowed here: disengaged, engaged, highly_engaged, power",
        ),
        (
            '[alerts]\nmargin = "3d"',
            "alerts.margin: unknown key; allowed here: drops, rearm_margin, absence, cooldown, warn_before",
        ),
        (
            '[alerts]\nwarn_before = "30d"',
            "alerts.warn_before: must be less than window.length; no drop is foreseen for longer",
        ),
        ('[clock]\nkind = "wall"', "clock.kind: unknown key; allowed here: lateness, idle_after"),
        ('[events]\nids = "3d"', "events.ids: unknown key; allowed here: remember_ids"),
        (
            channel("weights = { a = 1 }\ncaps = { a = 1 }"),
            f"channels.calls.caps: unknown key; allowed here: {', '.join(ChannelTable.by_key())}",
        ),
        ("window = 3", "window: must be a table, [window]"),
        ("bands = 3", "bands: must be a table, [bands]"),
        ("alerts = []", "alerts: must be a table, [alerts]"),
        ('clock = "wall"', "clock: must be a table, [clock]"),
        ("events = 3", "events: must be a table, [events]"),
        ("dead_letters = 3", "dead_letters: must be a table, [dead_letters]"),
        ("[dead_letters]\nstop = 1", "dead_letters.stop: unknown key; allowed here: stop_above, at_least, over"),
        ("kpi = 3", "kpi: must be a table, [kpi]"),
        ('[kpi]\nfor = "400d"', f"kpi.for: unknown key; allowed here: {', '.join(Kpi.by_key())}"),
        ('[kpi]\nkeep = "61d"', "kpi.keep: must be at least 62d"),
        ("channels = 3", "channels: must hold at least one table, such as [channels.email]"),
        ("[channels]", "channels: must hold at least one table, such as [channels.email]"),
        ("[channels]\ncalls = 3", "channels.calls: must be a table, [channels.calls]"),
    ],
)
def test_a_key_that_is_unknown_or_of_the_wrong_kind_is_named(text: str, problem: str) -> None:
    assert problems(text) == [problem]


@pytest.mark.parametrize(
    "key",
    [
        *("window.length", "window.pane", "window.trend", "window.half_life"),
        *("alerts.cooldown", "clock.lateness", "clock.idle_after", "events.remember_ids", "dead_letters.over"),
    ],
)
@pytest.mark.parametrize("value", ['"soon"', '"-1d"', "30", "true", "[]"])
def test_a_length_of_time_must_be_one(key: str, value: str) -> None:
    section, name = key.split(".")
    [problem] = problems(f"[{section}]\n{name} = {value}")

    assert problem.startswith(f"{key}: ")
    assert problem.endswith("is not a duration such as 30d, 24h, 15m, 10s or 500ms")


@pytest.mark.parametrize("value", ['"soon"', "30", "true", "[]"])
def test_the_silence_of_a_channel_is_a_length_of_time(value: str) -> None:
    [problem] = problems(f"[channels.calls]\nweights = {{ a = 1 }}\nsilence_after = {value}")

    assert problem.startswith("channels.calls.silence_after: ")
    assert problem.endswith("is not a duration such as 30d, 24h, 15m, 10s or 500ms")


def test_an_endless_length_is_a_problem_like_any_other() -> None:
    assert len(problems(f'[alerts]\ncooldown = "{"9" * 400}d"')) == 1


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("stop_above = 1.1", "dead_letters.stop_above: must be a share from 0 to 1; 1 never stops"),
        ("stop_above = -0.1", "dead_letters.stop_above: must be a share from 0 to 1; 1 never stops"),
        ('stop_above = "95 %"', "dead_letters.stop_above: '95 %' is not a number"),
        ("at_least = 0", "dead_letters.at_least: 0 is not a number of records, 1 to 1000000"),
        ("at_least = 1_000_001", "dead_letters.at_least: 1000001 is not a number of records, 1 to 1000000"),
        ("at_least = 1.5", "dead_letters.at_least: 1.5 is not a number of records, 1 to 1000000"),
        ("at_least = true", "dead_letters.at_least: True is not a number of records, 1 to 1000000"),
        ('over = "0s"', "dead_letters.over: must be more than 0"),
    ],
)
def test_the_limit_on_bad_records_is_a_share_over_some_records_and_time(line: str, problem: str) -> None:
    assert problems(f"[dead_letters]\n{line}") == [problem]


@pytest.mark.parametrize(
    ("window", "problem"),
    [
        (
            'length = "3d"\npane = "2d"',
            "window.pane: 2d does not divide window.length 3d; the length must be a whole number of panes",
        ),
        (
            'length = "1d"\npane = "2d"',
            "window.pane: 2d does not divide window.length 1d; the length must be a whole number of panes",
        ),
        ('pane = "0s"', "window.length and window.pane: must be more than 0"),
        ('length = "0s"', "window.length and window.pane: must be more than 0"),
        ('length = "10001h"\npane = "1h"', "window.pane: the window may hold at most 10000 panes"),
        ('half_life = "1ms"', "window.half_life: must be at least a fiftieth of window.pane, or left out"),
    ],
)
def test_the_window_must_be_a_whole_number_of_panes(window: str, problem: str) -> None:
    assert problems(f"[window]\n{window}") == [problem]


def test_a_window_of_ten_thousand_panes_is_the_largest() -> None:
    assert parse_policy('[window]\nlength = "10000h"\npane = "1h"').panes == 10_000


@pytest.mark.parametrize(
    "bands", ["engaged = 71", "engaged = 72", "disengaged = 41", "power = 71", "power = 1\nhighly_engaged = 2"]
)
def test_bands_out_of_order_are_refused(bands: str) -> None:
    assert problems(f"[bands]\n{bands}") == [
        "bands: out of order; the lower bounds must rise: disengaged < engaged < highly_engaged < power"
    ]


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ('"5"', "'5' is not a number"),
        ("true", "True is not a number"),
        ("nan", "nan is not a number"),
        ("inf", "inf is not a number"),
        ("[1]", "[1] is not a number"),
        ("1000001", "1000001 is outside -1000000 to 1000000"),
        ("-1000000.5", "-1000000.5 is outside -1000000 to 1000000"),
        ("0.1234567", "0.1234567 has more than six decimals"),
    ],
)
def test_points_must_be_a_number_within_bounds(value: str, what: str) -> None:
    assert problems(channel(f"weights = {{ a = {value} }}")) == [f"channels.calls.weights.a: {what}"]
    assert problems(f"[alerts]\nrearm_margin = {value}") == [f"alerts.rearm_margin: {what}"]
    assert f"bands.power: {what}" in problems(f"[bands]\npower = {value}")


def test_a_margin_below_zero_is_refused() -> None:
    assert problems("[alerts]\nrearm_margin = -1") == ["alerts.rearm_margin: must be 0 or more points"]


@pytest.mark.parametrize("drops", ['"engaged"', "1", "true", '"At_risk"'])
def test_a_drop_is_into_one_of_the_two_lowest_bands(drops: str) -> None:
    (problem,) = problems(f"[alerts]\ndrops = {drops}")
    assert problem.startswith("alerts.drops: must be disengaged or at_risk, not ")


@pytest.mark.parametrize("cap", ["0", "-1", "1.5", "true", '"3"', "[]"])
def test_a_cap_must_be_a_whole_number_of_one_or_more(cap: str) -> None:
    [problem] = problems(channel(f"weights = {{ a = 1 }}\ncap = {{ a = {cap} }}"))

    assert problem.startswith("channels.calls.cap.a: ")
    assert problem.endswith(" is not a whole number of 1 or more")


def test_a_cap_without_a_weight_is_refused() -> None:
    assert problems(channel("weights = { a = 1 }\ncap = { b = 1 }")) == [
        "channels.calls.cap.b: there is no weight for this type in channels.calls.weights"
    ]


@pytest.mark.parametrize("table", ["weights = 3", "weights = [1]"])
def test_weights_must_be_a_table(table: str) -> None:
    assert problems(channel(table)) == ["channels.calls.weights: must be a table such as { open = 1, click = 5 }"]


def test_a_channel_without_weights_is_refused() -> None:
    assert problems(channel("")) == [
        "channels.calls.weights: is missing: points by event type, such as { open = 1, click = 5 }"
    ]


@pytest.mark.parametrize("name", ["Calls", "1st", "_calls", '"a b"', '"a:b"', '""', '"é"', "a" * 33])
def test_a_channel_has_a_name_that_can_be_a_field(name: str) -> None:
    [problem] = problems(channel('weights = { a = 1 }\ntopic = "calls"', name))

    assert problem == (
        f"channels.{name.strip(chr(34))}: a channel's name is 1 to 32 characters out of a-z 0-9 _, a letter first"
    )


@pytest.mark.parametrize("name", sorted(RESERVED_NAMES))
def test_a_channel_cannot_take_the_name_of_a_field_of_the_score(name: str) -> None:
    assert problems(channel("weights = { a = 1 }", name)) == [
        f"channels.{name}: the name is that of a field of the score; choose another"
    ]


@pytest.mark.parametrize("topic", ['""', '"a b"', '"a/b"', "3", f'"{"x" * 250}"'])
def test_a_topic_has_a_name_that_kafka_takes(topic: str) -> None:
    [problem] = problems(channel(f"topic = {topic}\nweights = {{ a = 1 }}"))

    assert problem.startswith("channels.calls.topic: ")
    assert problem.endswith("is not a topic name (letters, digits, '.', '_', '-')")


def test_two_channels_cannot_share_a_topic() -> None:
    text = channel("weights = { a = 1 }") + "\n" + channel('topic = "calls"\nweights = { a = 1 }', "visits")

    assert problems(text) == ["channels.visits.topic: 'calls' is already the topic of channels.calls"]


def test_two_types_cannot_share_a_stored_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channels, "type_code", lambda _, kind: kind[:1] * 4)

    assert problems(channel("weights = { one = 1, other = 2, two = 3 }")) == [
        "calls.other and calls.one have the same stored code; rename one"
    ]


def test_all_problems_are_listed_at_once() -> None:
    text = """
    version = 3
    colour = "red"
    [window]
    length = "30d"
    pane = "7d"
    trend = "soon"
    [bands]
    engaged = 200
    [alerts]
    rearm_margin = "much"
    [events]
    remember = "1d"
    [channels.score]
    weights = { a = "1" }
    cap = { a = 0, b = 1 }
    [channels.Calls]
    topic = "score"
    weights = 3
    """
    named = [problem.split(": ")[0] for problem in problems(text)]

    assert sorted(named) == [
        "alerts.rearm_margin",
        "bands",
        "channels.Calls",
        "channels.Calls.topic",
        "channels.Calls.weights",
        "channels.score",
        "channels.score.cap.a",
        "channels.score.cap.b",
        "channels.score.weights.a",
        "colour",
        "events.remember",
        "version",
        "window.pane",
        "window.trend",
    ]
