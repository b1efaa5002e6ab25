"""What the pages show of the terminal."""

import io
import re

import orjson
from rich.console import Console, RenderableType

from scoring.instants import parse_timestamp
from scoring.judging.alerts import Alert, message
from streams.cli.demo import summary
from streams.demo.board import Board
from streams.demo.screen import screen
from streams.policy_file.builtin import BUILTIN_POLICY
from streams.policy_file.document import parse_policy
from streams.views.alert_line import alert_line
from streams.views.customer_view import customer_text
from tests.unit.docs import maria
from tests.unit.docs.reading import MANUAL

WIDTH = 80


def printed(what: RenderableType, width: int = WIDTH) -> list[str]:
    """Print for a terminal without colours; blanks at the ends of the lines do not show."""
    output = io.StringIO()
    Console(file=output, width=width, highlight=False, color_system=None).print(what)
    return [line.rstrip() for line in output.getvalue().splitlines()]


def block(start: str) -> list[str]:
    """Give the lines of the block that begins so."""
    (found,) = [text for text in MANUAL.blocks("text") if text.lstrip().startswith(start)]
    return found.splitlines()


def without_numbers(line: str) -> str:
    """Write a line with `#` for numbers, and one blank between words."""
    return " ".join(re.sub(r"\d[\d,]*", "#", line).split())


def demo() -> list[str]:
    (found,) = [text for text in MANUAL.blocks("text") if "events/s" in text]
    return found.splitlines()


def test_the_screen_of_the_demo_has_the_lines_that_are_shown() -> None:
    board = Board(bands={"power": 1, "highly_engaged": 1, "engaged": 1, "disengaged": 1, "at_risk": 1})
    drawn = printed(screen(board, 30.0))
    shown = demo()
    frame = [index for index, line in enumerate(drawn) if line.startswith(("╭", "╰"))]
    assert [shown[index] for index in frame] == [drawn[index] for index in frame]
    for index in (0, len(drawn) - 1):
        assert without_numbers(shown[index]) == without_numbers(drawn[index])
    bands = [re.match(r"│ (\w+)", line) for line in drawn[2:7]]
    assert [band and band[1] for band in bands] == [line.split()[1] for line in shown[2:7]]


def test_the_summary_of_the_demo_has_the_lines_that_are_shown() -> None:
    board = Board(bands=dict.fromkeys(("power", "highly_engaged", "engaged", "disengaged", "at_risk"), 1))
    board.note_sent(2, 1)
    made = [without_numbers(line) for line in summary(board, 0)]
    assert [without_numbers(line) for line in demo()[-len(made) :]] == made


def test_the_customer_looks_as_the_command_prints_her() -> None:
    time = "2026-11-14T09:30:00Z"
    record = maria.record_at(time)
    assert block(maria.NAME) == printed(customer_text(maria.POLICY, maria.NAME, record, parse_timestamp(time)))


def test_the_warning_looks_as_the_command_prints_it() -> None:
    policy = parse_policy(BUILTIN_POLICY.replace("[alerts]", '[alerts]\nwarn_before = "3d"'))
    (warning,) = maria.alerts_at("2026-11-15T08:00:00Z", "2026-11-13T00:00:01Z", policy)
    (line,) = printed(alert_line(orjson.dumps(warning)), width=1000)
    assert block("2026-11-13") == [line]


def test_the_alert_looks_as_the_command_prints_it() -> None:
    alert = maria.alert_at("2026-11-16T08:00:00Z", "2026-11-16T00:00:01Z")
    (line,) = printed(alert_line(orjson.dumps(alert)), width=1000)
    assert block("2026-11-16") == [line]


def test_the_absence_looks_as_the_command_prints_it() -> None:
    reasons = [{"cause": "absence", "missed": 6.3, "since": "2026-11-15T00:00:00Z", "longest": 4.1}]
    alert = Alert("absent", 1, 1, 0, 0, parse_timestamp("2026-12-02T00:00:00Z"), reasons)
    body = message("maria.lopez", alert, 0, "1")
    (line,) = printed(alert_line(orjson.dumps(body)), width=1000)
    assert block("2026-12-02") == [line]
