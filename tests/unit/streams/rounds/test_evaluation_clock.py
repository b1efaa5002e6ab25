"""The evaluation time, from the marks of all partitions; the wall clock in seconds after noon."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scoring.feeds.watermark import Mark
from scoring.instants import DAY, HOUR, SECOND
from streams.machine_clock import wall_clock
from streams.records import DecodedBatch, Partition, RecordBatch
from streams.rounds.evaluation_clock import EvaluationClock
from tests.unit.scoring.customers import policy_with
from tests.unit.streams.bench import Record

NOON = 1_704_110_400 * SECOND
WEB, MAIL = Partition("web", 0), Partition("mail", 1)
POLICY = policy_with(('lateness = "0s"', 'lateness = "1h"'))


class Bench:
    """A clock whose wall clock is set by hand."""

    def __init__(self, kind: str, *partitions: Partition) -> None:
        """Start at noon."""
        self.seconds = 0.0
        self.clock = EvaluationClock(POLICY, kind, lambda: NOON + round(self.seconds * SECOND))
        self.clock.partitions = set(partitions)

    def apply(self, newest: int, *, partition: Partition = WEB, end: int = 10, appended: float | None = None) -> None:
        """Apply a batch, now."""
        when = self.seconds if appended is None else appended
        self.clock.applied(self.clock.with_batches([batch(newest, partition, end, when)]))

    def reports(
        self, *partitions: Partition, caught_up: bool = True, generation: int = 1, held: bool = False
    ) -> dict[Partition, Mark]:
        """Report partitions."""
        return self.clock.report(dict.fromkeys(partitions, caught_up), generation, partitions if held else ())


def batch(newest: int, partition: Partition = WEB, end: int = 10, appended: float = 0) -> DecodedBatch:
    """Make a batch with an event time in hours, appended at a second."""
    record = Record(end - 1, 0, None, b"")
    raw = RecordBatch(partition, 0, [record])
    return DecodedBatch(raw, [], [], newest * HOUR, NOON + round(appended * SECOND))


def test_the_stream_clock_follows_the_slowest_partition_less_the_lateness() -> None:
    bench = Bench("stream", WEB, MAIL)
    bench.apply(9)
    bench.apply(5, partition=MAIL)

    assert bench.clock.evaluation() == (4 * HOUR, 4 * HOUR)


def test_the_stream_clock_stands_still_until_every_partition_is_known() -> None:
    bench = Bench("stream", WEB, MAIL)
    bench.apply(9)

    assert bench.clock.evaluation() == (0, 0)


def test_a_partition_without_records_stops_holding_the_stream_clock() -> None:
    bench = Bench("stream", WEB, MAIL)
    bench.apply(9)
    for bench.seconds in (1, 9.9):
        bench.reports(WEB, MAIL)
        assert bench.clock.evaluation() == (0, 0)
    bench.seconds = 10
    bench.reports(WEB, MAIL)

    assert bench.clock.evaluation() == (8 * HOUR, 8 * HOUR)


def test_a_partition_of_no_topic_of_ours_does_not_count() -> None:
    bench = Bench("stream", WEB)
    bench.apply(9)
    bench.apply(5, partition=MAIL)

    assert bench.clock.evaluation() == (8 * HOUR, 8 * HOUR)


def test_the_wall_clock_takes_the_whole_present_pane() -> None:
    bench = Bench("wall", WEB)
    bench.reports(WEB)

    assert bench.clock.evaluation() == (NOON, NOON + DAY // 2 - 1)


def test_the_wall_clock_takes_no_more_than_what_was_read_while_it_is_behind() -> None:
    bench = Bench("wall", WEB, MAIL)
    bench.reports(WEB, MAIL)
    bench.seconds = 60
    bench.reports(MAIL)
    bench.apply(9, appended=20)

    at = NOON + 20 * SECOND
    assert bench.clock.evaluation() == (at, at)


def test_the_wall_clock_stands_still_until_every_partition_is_known() -> None:
    bench = Bench("wall", WEB, MAIL)
    bench.reports(WEB)

    assert bench.clock.evaluation() == (0, 0)


def test_the_wall_clock_goes_on_while_nothing_is_left_to_read() -> None:
    bench = Bench("wall", WEB)
    bench.apply(9)
    bench.seconds = 1000
    assert bench.clock.evaluation()[0] == NOON

    bench.reports(WEB)
    assert bench.clock.evaluation()[0] == NOON + 1000 * SECOND


def test_a_partition_that_is_not_read_to_its_end_holds_the_wall_clock() -> None:
    bench = Bench("wall", WEB)
    bench.apply(9)
    bench.seconds = 1000
    bench.reports(WEB, caught_up=False)

    assert bench.clock.evaluation() == (NOON, NOON)


def test_what_is_being_applied_counts_before_it_has_been() -> None:
    bench = Bench("stream", WEB)
    bench.apply(5)
    changed = bench.clock.with_batches([batch(9), batch(7, end=20)])

    assert bench.clock.evaluation(changed) == (8 * HOUR, 8 * HOUR)
    assert bench.clock.evaluation() == (4 * HOUR, 4 * HOUR)
    assert changed[WEB].offset == 20


@pytest.mark.parametrize(("kind", "arrival"), [("wall", NOON - 5 * SECOND), ("stream", 0)])
def test_what_is_being_applied_came_when_the_last_of_it_was_appended(kind: str, arrival: int) -> None:
    bench = Bench(kind, WEB, MAIL)
    changed = bench.clock.with_batches([batch(9, appended=-5), batch(9, MAIL, appended=-60)])

    assert bench.clock.arrival(changed) == arrival
    assert bench.clock.arrival({}) == 0


def test_a_mark_never_goes_back() -> None:
    bench = Bench("stream", WEB)
    bench.seconds = 50
    bench.apply(9, end=30)
    [mark] = bench.clock.with_batches([batch(5, end=20, appended=10)]).values()

    assert (mark.newest, mark.offset, mark.applied_to) == (9 * HOUR, 30, NOON + 50 * SECOND)


def test_a_record_from_the_future_does_not_take_the_time_ahead_of_the_clock() -> None:
    bench = Bench("wall", WEB)
    bench.apply(9, appended=100)

    assert bench.clock.evaluation()[0] == NOON


def test_a_stretch_of_records_begins_after_a_pause_and_is_kept_while_they_come() -> None:
    bench = Bench("stream", WEB)
    since = []
    for bench.seconds in (0, 9, 18, 28, 30):
        bench.apply(1)
        [mark] = bench.reports(WEB).values()
        since.append((mark.moving_since - NOON) // SECOND)
        assert mark.moved_at == NOON + bench.seconds * SECOND

    assert since == [0, 0, 0, 28, 28]


def test_a_report_says_what_was_applied_and_when() -> None:
    bench = Bench("wall", WEB)
    bench.apply(9, end=30)
    bench.seconds = 7

    assert bench.reports(WEB, generation=4) == {
        WEB: Mark(9 * HOUR, NOON + 7 * SECOND, True, NOON, NOON, NOON + 7 * SECOND, 4, 30)  # noqa: FBT003 - a mark
    }
    assert bench.reports(WEB, caught_up=False)[WEB].applied_to == NOON + 7 * SECOND


def test_a_partition_with_new_records_is_not_caught_up() -> None:
    bench = Bench("wall", WEB)
    bench.reports(WEB)
    bench.apply(9)

    assert not bench.clock.with_batches([batch(9)])[WEB].caught_up


def test_the_marks_of_others_are_learned_and_one_s_own_are_kept() -> None:
    bench = Bench("stream", WEB, MAIL)
    bench.clock.take_over({WEB: 0}, {})
    bench.apply(9)
    other = Mark(newest=5 * HOUR)
    bench.clock.learn({WEB: Mark(newest=1), MAIL: other})
    assert bench.clock.evaluation()[0] == 4 * HOUR

    bench.clock.learn({})
    assert bench.clock.evaluation()[0] == 0


def test_an_assignment_begins_with_what_the_fences_say() -> None:
    bench = Bench("stream", WEB, MAIL)
    bench.apply(9)
    stored = {WEB: Mark(newest=9 * HOUR, caught_up=True, moved_at=NOON, offset=7), MAIL: Mark(newest=8 * HOUR)}
    bench.clock.take_over({WEB: 3 * HOUR}, stored)

    assert bench.clock.evaluation() == (2 * HOUR, 2 * HOUR)
    assert bench.clock.least(()) == {WEB: 7}
    [mark] = bench.clock.report({WEB: False}, 1).values()
    assert mark == replace(stored[WEB], newest=3 * HOUR, caught_up=False, reported_at=NOON, generation=1)


def test_a_partition_that_was_taken_over_is_not_known_to_be_read_to_its_end() -> None:
    bench = Bench("stream", WEB, MAIL)
    idle = Mark(newest=3 * HOUR, caught_up=True, moved_at=NOON - 100 * SECOND, reported_at=NOON)
    bench.clock.take_over({MAIL: 9 * HOUR}, {WEB: idle, MAIL: idle})
    assert bench.clock.evaluation()[0] == 8 * HOUR

    bench.clock.take_over({WEB: 3 * HOUR, MAIL: 9 * HOUR}, {WEB: idle, MAIL: idle})
    assert bench.clock.evaluation()[0] == 2 * HOUR


def test_an_evaluation_rests_on_the_offsets_of_all_other_partitions() -> None:
    bench = Bench("stream", WEB, MAIL)
    bench.apply(9, end=30)
    bench.apply(9, end=20, partition=MAIL)
    bench.clock.report({Partition("new", 0): True}, 1)

    assert bench.clock.least(()) == {WEB: 30, MAIL: 20}
    assert bench.clock.least([WEB]) == {MAIL: 20}


@pytest.mark.parametrize(("seconds", "lag"), [(0, 0.0), (7.5, 7.5)])
def test_the_lag_is_the_time_since_which_a_partition_has_not_been_applied(seconds: float, lag: float) -> None:
    bench = Bench("wall", WEB)
    bench.reports(WEB)
    bench.seconds = seconds

    assert bench.clock.lag(WEB) == lag


def test_the_lag_is_never_below_nothing() -> None:
    bench = Bench("wall", WEB)
    bench.reports(WEB)
    bench.seconds = -5

    assert bench.clock.lag(WEB) == 0


def test_the_wall_clock_is_that_of_the_machine() -> None:
    assert wall_clock() <= wall_clock()
    assert wall_clock() > NOON


def test_behind_an_open_transaction_silence_is_not_judged_and_events_count_to_the_end_of_the_pane() -> None:
    bench = Bench("wall", WEB, MAIL)
    bench.reports(WEB, MAIL)
    for seconds in (2, 60, 3 * 86_400):
        bench.seconds = seconds
        bench.reports(MAIL)
        assert not bench.reports(WEB, caught_up=False, held=True)[WEB].caught_up
        at, horizon = bench.clock.evaluation()
        assert at == NOON
        assert horizon == (NOON // POLICY.pane + 1) * POLICY.pane - 1
        assert bench.clock.lag(WEB) == seconds
        # Nothing that can be read is waited for.
        assert bench.clock.keeping_up
    assert bench.reports(WEB, MAIL)[WEB].held is False
    assert bench.clock.evaluation()[0] == NOON + 3 * DAY


def test_a_partition_that_is_behind_beside_an_open_transaction_keeps_events_aside_as_ever() -> None:
    bench = Bench("wall", WEB, MAIL)
    bench.reports(WEB, MAIL)
    bench.seconds = 60
    bench.reports(MAIL, caught_up=False)
    bench.reports(WEB, caught_up=False, held=True)

    assert bench.clock.evaluation() == (NOON, NOON)
    assert not bench.clock.keeping_up


def test_on_the_stream_clock_a_partition_with_an_open_transaction_is_not_idle() -> None:
    bench = Bench("stream", WEB, MAIL)
    bench.apply(3)
    bench.apply(9, partition=MAIL)
    bench.seconds = 1000
    bench.reports(WEB, caught_up=False, held=True)
    bench.reports(MAIL)

    assert bench.clock.evaluation() == (2 * HOUR, 2 * HOUR)


def test_there_is_no_lag_before_anything_is_known() -> None:
    assert Bench("wall", WEB).clock.lag(WEB) is None


def test_a_partition_that_nobody_reports_for_a_minute_is_unread_and_lags() -> None:
    bench = Bench("wall", WEB, MAIL)
    yesterday = Mark(applied_to=NOON - DAY, reported_at=NOON - DAY)
    bench.clock.take_over({WEB: 0}, {MAIL: yesterday})
    bench.reports(WEB)
    # Another worker may not have said a word yet.
    assert bench.clock.unread() == []
    assert bench.clock.lags() == {WEB: 0}
    bench.seconds = 61
    bench.reports(WEB)
    assert bench.clock.unread() == [MAIL]
    assert bench.clock.lags() == {WEB: 0, MAIL: 86_461}
    bench.clock.learn({MAIL: replace(yesterday, reported_at=NOON + 60 * SECOND)})
    assert bench.clock.unread() == []
