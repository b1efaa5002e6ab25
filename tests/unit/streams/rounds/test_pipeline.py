"""A round: dead letters, the store, what that raised, the acknowledgement; and batches that come again."""

from __future__ import annotations

import asyncio

import pytest

from streams.records import DecodedBatch, RecordBatch
from streams.rounds import round_queue
from streams.rounds.round_queue import ROUND_EVENTS, WAITING_EVENTS, Submission
from streams.store.protocol import Fence
from tests.polling import poll_until
from tests.unit.scoring.customers import POLICY
from tests.unit.streams.bench import SOCIAL, WEB, Bench, Event, Fault, did


@pytest.fixture
def bench() -> Bench:
    """Give a pipeline."""
    return Bench()


def buys(count: int, customer: str = "anna", time: str = "01 09:00") -> list[dict[str, object]]:
    """Write some events of 4.5 points each."""
    return [did(customer, "buy", time)] * count


async def test_a_batch_is_stored_with_its_fences_and_acknowledged(bench: Bench) -> None:
    batch = bench.submission(0, *buys(1), *buys(1, "ben"))
    await bench.apply(batch)

    assert (await bench.field("anna", "score"), await bench.field("ben", "score")) == ("4.5", "4.5")
    fences = (await bench.store.fences([WEB]))[WEB]
    assert {fence.offset for fence in fences if fence} == {2}
    assert None not in fences
    assert (batch.event.acks, batch.batch.raw.applied) == (1, True)


async def test_things_happen_in_order(bench: Bench) -> None:
    await bench.apply(bench.submission(0, *buys(3), b"no json"))

    assert bench.journal == ["dead letters", "store", "publish", "published", "ack web/0@0"]


async def test_all_batches_of_a_round_are_stored_in_one_exchange(bench: Bench) -> None:
    bench.clock.partitions = {WEB, SOCIAL}
    await bench.apply(
        bench.submission(0, *buys(2)),
        bench.submission(2, *buys(1)),
        bench.submission(0, did("anna", "post", "01 09:00"), partition=SOCIAL),
    )

    assert bench.journal.count("store") == 1
    assert [entry for entry in bench.journal if entry.startswith("ack")] == [
        "ack web/0@0",
        "ack web/0@2",
        "ack social/3@0",
    ]
    assert bench.journal[-3].startswith("ack")
    assert await bench.field("anna", "score") == "15.5"


async def test_a_batch_that_was_applied_before_changes_nothing_and_is_acknowledged(bench: Bench) -> None:
    await bench.apply(bench.submission(0, *buys(3), b"no json"))
    stored = dict(bench.store.hashes["anna"])
    bench.journal.clear()
    again = bench.submission(0, *buys(3), b"no json")
    await bench.apply(again)

    assert bench.store.hashes["anna"] == stored
    assert bench.journal == ["ack web/0@0"]
    assert (again.batch.raw.applied, len(bench.publisher.dead_letters)) == (True, 1)


async def test_only_the_new_part_of_a_batch_is_applied(bench: Bench) -> None:
    await bench.apply(bench.submission(0, *buys(2), b"no json"))
    await bench.apply(bench.submission(1, *buys(1), b"no json", *buys(1), b"no json"))

    assert await bench.field("anna", "score") == "13.5"
    assert [letter.record.offset for letter in bench.publisher.dead_letters] == [2, 4]
    assert (await bench.store.fences([WEB]))[WEB][0] == Fence(5, bench.clock.evaluation()[0])


async def test_records_that_are_in_hand_twice_count_once(bench: Bench) -> None:
    await bench.apply(
        bench.submission(0, *buys(2), b"no json"),
        bench.submission(0, *buys(2), b"no json"),
        bench.submission(1, *buys(1), b"no json", *buys(1)),
    )

    assert await bench.field("anna", "score") == "13.5"
    assert [letter.record.offset for letter in bench.publisher.dead_letters] == [2]
    assert {fence.offset for fence in (await bench.store.fences([WEB]))[WEB] if fence} == {4}
    assert [entry for entry in bench.journal if entry.startswith("ack")] == [
        "ack web/0@0",
        "ack web/0@0",
        "ack web/0@1",
    ]


async def test_a_batch_that_other_groups_have_applied_is_applied_for_the_rest(bench: Bench) -> None:
    names = [str(number) for number in range(20)]
    await bench.apply(bench.submission(0, *[did(name, "buy", "01 09:00") for name in names]))
    for key in [key for key in bench.store._fences if key[0] == 1]:
        del bench.store._fences[key]
    lost = [name for name in names if bench.store.group_of(name) == 1]
    for name in lost:
        del bench.store.hashes[name]

    other = Bench(store=bench.store)
    await other.apply(other.submission(0, *[did(name, "buy", "01 09:00") for name in names]))
    assert {name: await other.field(name, "score") for name in names} == dict.fromkeys(names, "4.5")


async def test_a_gap_that_compaction_left_belongs_to_the_batch_after_it(bench: Bench) -> None:
    await bench.apply(bench.submission(0, *buys(1), first=40))
    await bench.apply(bench.submission(41, *buys(1), first=99))

    assert await bench.field("anna", "score") == "9"
    assert {fence.offset for fence in (await bench.store.fences([WEB]))[WEB] if fence} == {100}


async def test_a_batch_whose_predecessor_never_came_turns_back(bench: Bench) -> None:
    await bench.apply(bench.submission(0, *buys(1)))
    ahead = bench.submission(5, *buys(1), b"no json")
    await bench.apply(ahead)

    assert bench.seeks == [{WEB: 1}]
    assert (ahead.event.acks, ahead.batch.raw.applied) == (1, False)
    assert await bench.field("anna", "score") == "4.5"
    assert bench.publisher.dead_letters == []


async def test_what_is_queued_behind_a_gap_is_let_go_and_the_rest_is_kept(bench: Bench) -> None:
    bench.clock.partitions = {WEB, SOCIAL}
    await bench.apply(bench.submission(0, *buys(1)))
    queued = [
        bench.submission(6, *buys(1)),
        bench.submission(0, did("ben", "post", "01 09:00"), partition=SOCIAL),
        bench.submission(7, *buys(1)),
    ]
    for submission in queued:
        await bench.pipeline.submit(submission)
    await bench.apply(bench.submission(5, *buys(1)))

    assert [submission.event.acks for submission in queued] == [1, 0, 1]
    assert not any(submission.batch.raw.applied for submission in queued)
    assert bench.pipeline.queue.take() == [queued[1]]
    assert bench.pipeline.queue.events == 0


async def test_a_gap_on_one_partition_does_not_hold_the_others(bench: Bench) -> None:
    bench.clock.partitions = {SOCIAL}
    good = bench.submission(0, did("ben", "post", "01 09:00"), partition=SOCIAL)
    await bench.apply(bench.submission(5, *buys(1)), good)

    assert (bench.seeks, good.batch.raw.applied) == ([{WEB: 0}], True)
    assert await bench.field("ben", "score") == "2"


async def test_a_batch_of_nothing_but_dead_letters_moves_the_fences(bench: Bench) -> None:
    await bench.apply(bench.submission(0, b"no json", b"", b"[]"))

    assert [letter.reason for letter in bench.publisher.dead_letters] == ["not_json", "empty_value", "not_an_object"]
    assert {fence.offset for fence in (await bench.store.fences([WEB]))[WEB] if fence} == {3}


async def test_events_are_judged_at_the_watermark_of_what_is_being_applied(bench: Bench) -> None:
    await bench.apply(bench.submission(0, *buys(3), *buys(1, "ben", "05 09:00")))

    assert bench.publisher.kinds() == ["band_change", "band_change", "churn_risk"]
    assert await bench.field("anna", "updated_at") == "2024-01-05T09:00:00Z"
    assert bench.count("engagement_evaluation_time_seconds") == bench.clock.evaluation()[0] / 1e6


async def test_events_wait_while_it_is_not_known_how_far_every_partition_has_come(bench: Bench) -> None:
    bench.clock.partitions = {WEB, SOCIAL}
    await bench.apply(bench.submission(0, *buys(3)))
    assert await bench.field("anna", "score") == ""

    await bench.apply(bench.submission(0, did("ben", "post", "01 10:00"), partition=SOCIAL))
    await bench.apply(bench.submission(3, did("anna", "view", "01 10:00")))
    assert await bench.field("anna", "score") == "14.5"


async def test_a_second_delivery_is_told_where_the_first_came_while_other_partitions_had_not_been_read() -> None:
    """The evaluation time stands still until then, and afterwards jumps to the present."""
    bench = Bench(clock="wall", text=POLICY + '[events]\nremember_ids = "1d"\n')
    await bench.assign(WEB, SOCIAL)
    bench.clock.report({WEB: False, SOCIAL: False}, 1)
    old = did("anna", "post", "18 09:00", "a"), did("anna", "post", "18 09:00", "a")
    await bench.apply(bench.submission(0, old[0], partition=SOCIAL))
    bench.clock.report({WEB: True, SOCIAL: True}, 1)
    await bench.apply(bench.submission(1, did("anna", "post", "19 09:00", "b"), partition=SOCIAL))
    await bench.apply(bench.submission(2, old[1], partition=SOCIAL))

    assert bench.count("engagement_scored_events_total", outcome="duplicates") == 1


async def test_a_queued_batch_is_applied_by_the_running_pipeline(bench: Bench) -> None:
    submission = bench.submission(0, *buys(3))
    async with bench.pipeline:
        await bench.pipeline.submit(submission)
        assert not bench.pipeline.positions.has_applied(WEB, 3)
        await poll_until(lambda: submission.event.acks and bench.pipeline.positions.has_applied(WEB, 3))
        assert not bench.pipeline.positions.has_applied(SOCIAL, 0)

    assert await bench.field("anna", "score") == "13.5"
    assert bench.count("engagement_round_events_total") == 3


async def test_what_waits_behind_the_round_in_hand_is_let_go(bench: Bench) -> None:
    in_hand, waiting = bench.submission(0, *buys(3)), bench.submission(3, *buys(1))
    writing, written = asyncio.Event(), asyncio.Event()

    async def write() -> None:
        writing.set()
        await written.wait()

    bench.store.before_apply.append(write)
    async with bench.pipeline:
        await bench.pipeline.submit(in_hand)
        await writing.wait()
        await bench.pipeline.submit(waiting)
        bench.pipeline.let_go()
        resting = asyncio.create_task(bench.pipeline.rest())
        await asyncio.sleep(0)
        assert (waiting.event.acks, waiting.batch.raw.applied, resting.done()) == (1, False, False)
        written.set()
        await resting
        assert (in_hand.event.acks, in_hand.batch.raw.applied) == (1, True)

    assert await bench.field("anna", "score") == "13.5"


async def test_a_round_that_is_held_by_a_fault_is_not_waited_for(bench: Bench) -> None:
    bench.store.faults = [Fault("gone")] * 100
    held = bench.submission(0, *buys(3))
    async with bench.pipeline:
        await bench.pipeline.submit(held)
        await poll_until(lambda: bench.pipeline.fault == "gone")
        await asyncio.wait_for(bench.pipeline.rest(), 5)
        assert held.event.acks == 0
        bench.store.faults.clear()
        await poll_until(lambda: held.event.acks)


async def test_agents_are_held_back_while_enough_waits(bench: Bench) -> None:
    records = [*bench.submission(0, *buys(1)).batch.raw.records] * WAITING_EVENTS
    raw = RecordBatch(WEB, 0, records)
    large = Submission(DecodedBatch(raw, [], [], 0, 0), Event(bench.journal, "large"))
    await bench.pipeline.submit(large)
    assert not bench.pipeline.queue.room.is_set()

    assert bench.pipeline.queue.take() == [large]
    assert bench.pipeline.queue.room.is_set()


async def test_agents_go_on_where_what_held_them_back_is_to_be_read_again(bench: Bench) -> None:
    records = [*bench.submission(0, *buys(1)).batch.raw.records] * WAITING_EVENTS
    raw = RecordBatch(WEB, 0, records)
    await bench.pipeline.submit(Submission(DecodedBatch(raw, [], [], 0, 0), Event(bench.journal, "large")))

    bench.pipeline.queue.let_go_of({WEB})
    assert (bool(bench.pipeline.queue), bench.pipeline.queue.room.is_set()) == (False, True)


async def test_a_round_takes_no_more_than_it_can_hold_and_leaves_the_rest_in_order(bench: Bench) -> None:
    records = [*bench.submission(0, *buys(1)).batch.raw.records] * ROUND_EVENTS
    batches = [
        Submission(DecodedBatch(RecordBatch(WEB, 0, records[:size]), [], [], 0, 0), Event(bench.journal, str(size)))
        for size in (ROUND_EVENTS - 1, 10, 1)
    ]
    for submission in batches:
        await bench.pipeline.submit(submission)

    assert bench.pipeline.queue.take() == batches[:2]
    assert bench.pipeline.queue.came.is_set()
    assert bench.pipeline.queue.take() == batches[2:]
    assert not bench.pipeline.queue.came.is_set()


async def test_large_dead_letters_fill_the_room_for_waiting_events(bench: Bench) -> None:
    enough = WAITING_EVENTS // (10_000_000 // 512) + 1
    large = [bench.submission(number, b"x" * 10_000_000) for number in range(enough)]
    for submission in large:
        await bench.pipeline.submit(submission)

    assert not bench.pipeline.queue.room.is_set()
    assert sum(submission.weight for submission in bench.pipeline.queue.take()) < 2 * ROUND_EVENTS
    assert bench.pipeline.queue.room.is_set()
    while bench.pipeline.queue:
        bench.pipeline.queue.take()
    assert bench.pipeline.queue.events == 0


def test_raw_records_are_let_go_and_still_counted(bench: Bench) -> None:
    submission = bench.submission(0, *buys(3), b"no json")
    submission.batch.raw.release()

    assert (submission.batch.raw.records, submission.batch.raw.count) == ((), 4)
    assert [letter.record.value for letter in submission.batch.dead_letters] == [b"no json"]


async def test_while_the_log_is_not_read_to_its_end_a_round_waits_for_all_that_have_more(bench: Bench) -> None:
    bench.clock.partitions = {WEB, SOCIAL}
    bench.more_to_come = {WEB, SOCIAL}
    web, social = bench.submission(0, *buys(1)), bench.submission(0, did("anna", "post", "01 09:00"), partition=SOCIAL)
    async with bench.pipeline:
        await bench.pipeline.submit(web)
        for _ in range(10):
            await asyncio.sleep(0)
        assert not web.event.acks
        await bench.pipeline.submit(social)
        await poll_until(lambda: web.event.acks and social.event.acks)

    assert bench.journal.count("store") == 1


async def test_a_partition_that_gives_nothing_is_not_waited_for_without_end(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(round_queue, "_GATHERED_WITHIN", 0.1)
    bench.more_to_come = {SOCIAL}
    submission = bench.submission(0, *buys(1))
    async with bench.pipeline:
        await bench.pipeline.submit(submission)
        await poll_until(lambda: submission.event.acks)


async def test_who_keeps_up_waits_for_nothing_that_is_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(round_queue, "_GATHERED_WITHIN", 1_000.0)
    bench = Bench(clock="wall")
    bench.clock.report({WEB: True}, 1)
    bench.more_to_come = {SOCIAL}
    submission = bench.submission(0, *buys(1))
    async with bench.pipeline:
        await bench.pipeline.submit(submission)
        await poll_until(lambda: submission.event.acks)


async def test_what_is_let_go_while_others_are_waited_for_is_not_applied(bench: Bench) -> None:
    bench.more_to_come = {SOCIAL}
    submission = bench.submission(0, *buys(1))
    async with bench.pipeline:
        await bench.pipeline.submit(submission)
        for _ in range(10):
            await asyncio.sleep(0)
        bench.pipeline.let_go()
        again = bench.submission(0, *buys(2))
        bench.more_to_come = set()
        await bench.pipeline.submit(again)
        await poll_until(lambda: again.event.acks)

    assert not submission.batch.raw.applied
    assert await bench.field("anna", "score") == "9"
