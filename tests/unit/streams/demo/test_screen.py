"""The board of the demonstration, its screen, and its summary."""

import io

import orjson
from rich.console import Console

from scoring.instants import parse_timestamp
from scoring.judging.alerts import Alert, message
from scoring.policy.policy import BANDS, DISENGAGED, ENGAGED
from streams.cli.demo import summary
from streams.demo.board import Board, CustomerRow
from streams.demo.screen import screen, status_line
from streams.demo.traffic import customer_names, watched

AT = parse_timestamp("2026-11-21T09:30:00Z")
EXPIRED = {"channel": "clickstream", "type": "add_to_cart", "points": -15.0, "count": 3, "cause": "expired", "pane": ""}
EVENT = {"channel": "email", "type": "unsubscribe", "points": -40.0, "count": 1, "cause": "event", "at": ""}


class Clock:
    """Stands still until it is moved."""

    now = 100.0

    def __call__(self) -> float:
        """Return the time in seconds."""
        return self.now


def alert(kind: str, *reasons: dict[str, object]) -> bytes:
    raised = Alert(kind, DISENGAGED, ENGAGED, 30_000_000, 45_000_000, AT, list(reasons))
    return orjson.dumps(message("greta.haddad", raised, AT, "v1"))


def full_board(clock: Clock) -> Board:
    board = Board(clock)
    for second in range(31):
        clock.now = 100.0 + second
        board.note_sent(1_000 * second, bad=12)
    board.bands = dict.fromkeys(BANDS, 300)
    board.rows = dict.fromkeys(watched(customer_names(300)), CustomerRow(250.0, -3.0, "highly_engaged"))
    for _ in range(20):
        board.note_alert(alert("churn_risk", EXPIRED, EXPIRED, EXPIRED, EXPIRED))
    board.note_alert(alert("churn_risk", EVENT))
    board.note_alert(alert("recovered", EVENT))
    board.dead_letters = 11
    return board


def lines_of(board: Board, seconds: float | None) -> list[str]:
    console = Console(file=io.StringIO(), width=80, force_terminal=False)
    console.print(screen(board, seconds))
    output = console.file
    assert isinstance(output, io.StringIO)
    return output.getvalue().splitlines()


def test_alerts_are_told_apart_by_what_took_the_score_down() -> None:
    board = full_board(Clock())
    assert (board.by_silence, board.by_event, board.recovered) == (20, 1, 1)


def test_the_newest_alert_stands_on_top() -> None:
    assert next(iter(full_board(Clock()).alerts))["kind"] == "recovered"


def test_the_rate_is_that_of_the_last_seconds() -> None:
    clock = Clock()
    board = full_board(clock)
    assert board.rate == 1_000
    clock.now += 3
    board.note_sent(30_000, bad=12)
    assert board.rate == 0


def test_the_time_stands_still_after_the_end() -> None:
    clock = Clock()
    board = full_board(clock)
    board.end()
    clock.now += 60
    assert board.elapsed == 30


def test_a_full_screen_fits_80_by_24() -> None:
    for seconds in (None, 86_400.0):
        lines = lines_of(full_board(Clock()), seconds)
        assert len(lines) <= 23
        assert max(map(len, lines)) <= 80


def test_the_screen_shows_counts_scores_and_alerts() -> None:
    text = "\n".join(lines_of(full_board(Clock()), 60.0))
    for part in (
        "1,000 events/s",
        "30 of 60 s",
        "ada.adler",
        "250",
        "▼ churn risk greta.haddad 45 → 30",
        "dead letters 11 of 12",
    ):
        assert part in text


def test_every_watched_customer_has_one_line_however_high_the_score() -> None:
    text = "\n".join(lines_of(full_board(Clock()), None))
    assert [name for name in watched(customer_names(300)) if name not in text] == []
    assert "█…" not in text


def test_an_empty_board_can_be_drawn() -> None:
    board = Board()
    board.rows = {"ada.adler": None}
    assert any("ada.adler" in line for line in lines_of(board, None))
    assert "0 events" in status_line(board)


def test_the_status_line_says_it_all() -> None:
    line = status_line(full_board(Clock()))
    for part in ("30 s", "30,000 events 1,000/s", "at_risk 300", "churn risk 21", "recovered 1", "dead letters 11"):
        assert part in line


def test_the_summary_says_what_happened() -> None:
    lines = summary(full_board(Clock()), 0)
    assert lines[0] == "30 s: 30,000 events sent, 12 of them bad on purpose"
    assert "1500 scored: 300 at_risk" in lines[1]
    assert "21 churn risk (20 by silence, 1 by an event)" in lines[2]
    assert lines[-1] == "worker        ended with status 0"
