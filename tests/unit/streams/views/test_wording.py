"""How things are said to a person."""

import pytest

from scoring.instants import DAY, HOUR, MINUTE, SECOND
from streams.views.wording import age, counted, moment, printable, signed

NOW = 1_795_000_000 * SECOND


@pytest.mark.parametrize(
    ("time", "words"),
    [
        (NOW, "now"),
        (NOW - 999_999, "now"),
        (NOW - SECOND, "1 second ago"),
        (NOW - 59 * SECOND, "59 seconds ago"),
        (NOW - 90 * MINUTE, "1 hour ago"),
        (NOW + 2 * HOUR, "in 2 hours"),
        (NOW - 364 * DAY, "364 days ago"),
        (NOW - 800 * DAY, "2 years ago"),
    ],
)
def test_an_age_has_one_unit(time: int, words: str) -> None:
    assert age(time, NOW) == words


def test_a_moment_has_whole_seconds() -> None:
    assert moment(999_999) == "1970-01-01 00:00:00 UTC"


@pytest.mark.parametrize(("points", "text"), [(12_000_000, "+12"), (-2_500_000, "-2.5"), (0, "0")])
def test_a_change_has_a_sign(points: int, text: str) -> None:
    assert signed(points) == text


def test_a_name_cannot_steer_the_terminal() -> None:
    assert printable("a\x1b[31m\n\u202eé") == "a\\x1b[31m\\n\\u202eé"


@pytest.mark.parametrize(("number", "words"), [(0, "0 events"), (1, "1 event"), (12_000, "12,000 events")])
def test_things_are_counted(number: int, words: str) -> None:
    assert counted(number, "event") == words
