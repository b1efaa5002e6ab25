"""What the benchmarks compute: figures, rounds and tables; nothing here is timed."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.benchmarks.comparison import compared
from tests.benchmarks.environments import last_line
from tests.benchmarks.figures import growth, percentile, table
from tests.benchmarks.rounds import Measured, NotRun, Program, run_in_turn

INFINITY = math.inf


@pytest.mark.parametrize(
    ("percent", "expected"), [(50, 50), (99, 99), (100, 100), (0, 1), (0.5, 1), (1, 1), (1.5, 2), (99.1, 100)]
)
def test_a_percentile_of_a_hundred_values_is_the_value_of_that_rank(percent: float, expected: int) -> None:
    assert percentile([*range(100, 0, -1)], percent) == expected


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0, 100))
def test_a_percentile_is_the_smallest_value_that_the_share_does_not_exceed(values: list[float], percent: float) -> None:
    def share_up_to(value: float) -> float:
        return sum(other <= value for other in values) * 100 / len(values)

    given_value = percentile(values, percent)
    assert share_up_to(given_value) >= percent - 1e-9
    assert all(share_up_to(value) < percent + 1e-9 for value in values if value < given_value)


def test_what_never_came_is_in_the_percentile() -> None:
    assert percentile([1.0] * 98 + [INFINITY] * 2, 99) == INFINITY
    assert percentile([1.0] * 99 + [INFINITY], 99) == 1.0


@pytest.mark.parametrize(("factor", "exponent"), [(3.0, 2.0), (5.0, 1.0), (7.0, 0.0), (0.25, 0.5)])
def test_a_law_of_growth_is_found_again(factor: float, exponent: float) -> None:
    points = [(x, factor * x**exponent) for x in (1.0, 2.0, 5.0, 40.0)]

    assert growth(points) == pytest.approx((factor, exponent))


def test_a_table_is_markdown() -> None:
    assert table(["a", "b"], [["1", "2"], ["3", ""]]) == "| a | b |\n| --- | --- |\n| 1 | 2 |\n| 3 |  |"


def program(title: str, *seconds: float, events: float = 1_000.0) -> Program:
    """Make one that takes so long in each round."""
    rest = iter(seconds)
    return Program(title, f"what {title} does", lambda: {"events": events, "seconds": next(rest)})


def failing(title: str, reason: str) -> tuple[Program, list[int]]:
    """Make one that cannot run, and the list of its tries."""
    tries: list[int] = []

    def run() -> Mapping[str, float]:
        tries.append(1)
        raise NotRun(reason)

    return Program(title, "nothing", run), tries


def test_the_first_round_is_dropped_and_the_rest_gives_the_median() -> None:
    (measured,) = run_in_turn([program("one", 1, 10, 20, 2)], rounds=4)

    assert measured.rates == [100, 50, 500]
    assert measured.rate == 100


def test_a_single_round_counts() -> None:
    (measured,) = run_in_turn([program("one", 4)], rounds=1)

    assert measured.rate == 250


def test_programs_take_turns() -> None:
    order: list[str] = []

    def noted(title: str) -> Callable[[], Mapping[str, float]]:
        def run() -> Mapping[str, float]:
            order.append(title)
            return {"events": 1.0, "seconds": 1.0}

        return run

    run_in_turn([Program("a", "", noted("a")), Program("b", "", noted("b"))], rounds=2)

    assert order == ["a", "b", "a", "b"]


def test_a_program_that_cannot_run_is_named_with_its_reason_and_not_tried_again() -> None:
    broken, tries = failing("broken", "no Java")

    measured = run_in_turn([program("limit", 1, 1), program("service", 2, 2), broken], rounds=2)
    report = compared(measured, measured[0], measured[1])

    assert "| broken | not run: no Java |  |  |  |" in report.splitlines()
    assert tries == [1]


def test_the_table_has_rates_spread_share_of_the_limit_and_how_much_faster_the_service_is() -> None:
    programs = [program("limit", 1, 1, 1), program("service", 9, 4, 5), program("peer", 9, 10, 8)]
    measured = run_in_turn(programs, rounds=3)

    rows = compared(measured, measured[0], measured[1]).splitlines()

    assert rows[2:5] == [
        "| limit | 1,000 | 1,000 to 1,000 | 1.000 |  |",
        "| service | 225 | 200 to 250 | 0.225 |  |",
        "| peer | 112 | 100 to 125 | 0.113 | 2.00 |",
    ]
    assert "- **peer**: what peer does" in rows


def test_a_peer_is_compared_even_if_the_limit_or_the_service_could_not_run() -> None:
    broken, _ = failing("broken", "no broker")
    peer = Measured(program("peer"), [100.0])

    assert "| peer | 100 | 100 to 100 |  |  |" in compared([peer], Measured(broken), Measured(broken))


@pytest.mark.parametrize(
    ("output", "told"),
    [
        ("", "it does not say why"),
        ("ERROR: no matching version\n\n[notice] a newer pip is there", "ERROR: no matching version"),
        ("Traceback\nValueError: x | y", "ValueError: x / y"),
        ("Could not fetch https://example.org/peer.tar.gz", "Could not fetch ..."),
        ("x" * 300, "x" * 200),
    ],
)
def test_of_a_failure_the_telling_line_stands_in_the_table_without_addresses(output: str, told: str) -> None:
    assert last_line(output) == told
