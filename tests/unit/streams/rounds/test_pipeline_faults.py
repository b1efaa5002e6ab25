"""Rounds in which the store or the publisher fails, or another worker was quicker."""

from __future__ import annotations

import pytest

from streams import backoff
from streams.errors import BrokerUnavailable, StoreUnavailable
from streams.store.protocol import Fence, FenceMove, GroupWrite
from tests.polling import poll_until
from tests.unit.streams.bench import SOCIAL, WEB, Bench, did


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again at once."""
    monkeypatch.setattr(backoff, "FIRST_PAUSE", 0.001)


@pytest.fixture
def bench() -> Bench:
    """Give a pipeline."""
    return Bench()


ENGAGED = [did("anna", "buy", "01 09:00")] * 3
FALLEN = [*ENGAGED, did("anna", "complain", "01 10:00")]


async def test_a_store_that_fails_holds_the_round_and_it_is_applied_exactly_once(bench: Bench) -> None:
    bench.store.faults = [StoreUnavailable("gone")] * 2
    await bench.apply(bench.submission(0, *FALLEN, b"no json"))

    assert await bench.field("anna", "score") == "9.5"
    assert bench.journal.count("store") == 1
    assert bench.journal[-1] == "ack web/0@0"
    assert bench.publisher.kinds() == ["band_change", "band_change", "churn_risk"]
    assert bench.count("engagement_retries_total", what="StoreUnavailable") == 2
    assert bench.pipeline.fault == ""


async def test_nothing_is_acknowledged_while_the_store_is_gone(bench: Bench) -> None:
    bench.store.faults = [StoreUnavailable("Redis is gone")] * 1000
    held = bench.submission(0, *ENGAGED)
    async with bench.pipeline:
        await bench.pipeline.submit(held)
        await poll_until(lambda: bench.pipeline.fault)
        assert bench.pipeline.fault == "Redis is gone"
        assert (held.event.acks, held.batch.raw.applied) == (0, False)
        bench.store.faults.clear()
        await poll_until(lambda: held.event.acks)

    assert bench.pipeline.fault == ""
    assert await bench.field("anna", "score") == "13.5"


async def test_a_pipeline_that_is_stopped_while_it_holds_acknowledges_nothing(bench: Bench) -> None:
    bench.store.faults = [StoreUnavailable("gone")] * 1000
    held = bench.submission(0, *ENGAGED)
    async with bench.pipeline:
        await bench.pipeline.submit(held)
        await poll_until(lambda: bench.pipeline.fault)

    assert (held.event.acks, held.batch.raw.applied, bench.store.hashes) == (0, False, {})


async def test_dead_letters_that_cannot_be_published_hold_the_fences(bench: Bench) -> None:
    bench.publisher.faults = [BrokerUnavailable("gone")] * 2
    await bench.apply(bench.submission(0, *ENGAGED, b"no json"))

    assert bench.journal[:2] == ["dead letters", "store"]
    assert bench.journal[-1] == "ack web/0@0"
    assert len(bench.publisher.dead_letters) == 1
    assert bench.count("engagement_retries_total", what="BrokerUnavailable") == 2


async def test_an_alert_that_cannot_be_published_holds_the_acknowledgement_and_not_the_score(bench: Bench) -> None:
    bench.publisher.faults = [BrokerUnavailable("gone")] * 2
    await bench.apply(bench.submission(0, *FALLEN))

    assert await bench.field("anna", "score") == "9.5"
    assert bench.publisher.kinds() == ["band_change", "band_change", "churn_risk"]
    assert bench.journal.index("publish") < bench.journal.index("ack web/0@0")
    assert bench.journal.index("store") < bench.journal.index("publish")
    assert await bench.waiting("anna") == []


async def test_a_write_whose_answer_was_lost_is_not_applied_twice(bench: Bench) -> None:
    bench.store.lost_answers = [StoreUnavailable("the answer was lost")]
    await bench.apply(bench.submission(0, *ENGAGED))

    assert await bench.field("anna", "score") == "13.5"
    assert bench.journal[-1] == "ack web/0@0"


async def test_alerts_of_a_write_whose_answer_was_lost_are_published_all_the_same(bench: Bench) -> None:
    bench.store.lost_answers = [StoreUnavailable("the answer was lost")]
    await bench.apply(bench.submission(0, *FALLEN))
    bench.now += 10_000_000
    await bench.timer.turn(dict, 1, {WEB})

    assert bench.publisher.kinds() == ["band_change", "band_change", "churn_risk"]


async def test_alerts_of_a_write_whose_answer_was_lost_are_published_before_the_acknowledgement(bench: Bench) -> None:
    bench.store.lost_answers = [StoreUnavailable("the answer was lost")]
    await bench.apply(bench.submission(0, *FALLEN))

    assert "publish" in bench.journal
    assert bench.journal.index("publish") < bench.journal.index("ack web/0@0")


async def test_a_moved_fence_makes_the_pipeline_read_the_fences_anew(bench: Bench) -> None:
    await bench.apply(bench.submission(0, *ENGAGED))
    rival = Bench(store=bench.store)
    await rival.apply(rival.submission(3, did("anna", "buy", "01 09:30")))
    bench.journal.clear()
    replayed = bench.submission(3, did("anna", "buy", "01 09:30"), did("anna", "buy", "01 09:40"))
    await bench.apply(replayed)

    assert bench.journal[0] == "refused"
    assert await bench.field("anna", "score") == "22.5"
    assert (replayed.event.acks, bench.seeks) == (1, [])
    assert bench.count("engagement_refused_writes_total", what="fence") == bench.store.groups


async def test_a_fence_that_moves_between_reading_and_writing_is_noticed(bench: Bench) -> None:
    rival = Bench(store=bench.store)

    async def quicker() -> None:
        await rival.apply(rival.submission(0, *ENGAGED))

    bench.store.before_apply = [quicker]
    await bench.apply(bench.submission(0, *ENGAGED))

    assert await bench.field("anna", "score") == "13.5"


async def test_a_customer_whom_another_worker_has_written_is_judged_anew(bench: Bench) -> None:
    await bench.apply(bench.submission(0, *ENGAGED))

    async def meanwhile() -> None:
        [record] = await bench.store.load(["anna"])
        write = GroupWrite(bench.store.group_of("anna"), customers={"anna": record})
        assert await bench.store.apply([write], 0) == [None]

    bench.store.before_apply = [meanwhile]
    await bench.apply(bench.submission(3, did("anna", "complain", "01 10:00", "x"), did("ben", "view", "01 10:00")))

    assert (await bench.field("anna", "score"), await bench.field("ben", "score")) == ("9.5", "1")
    assert bench.publisher.kinds() == ["band_change", "band_change", "churn_risk"]
    assert bench.count("engagement_refused_writes_total", what="version") == 1
    assert bench.count("engagement_scored_events_total", outcome="taken") == 5


async def test_a_store_that_has_forgotten_everything_is_filled_again_from_the_log(bench: Bench) -> None:
    await bench.apply(bench.submission(0, *FALLEN))
    first = [message.body for _, message in bench.publisher.messages]
    vars(bench.store).update(vars(type(bench.store)(bench.policy, bench.journal)))
    lost = bench.submission(4, did("anna", "view", "01 11:00"))
    await bench.apply(lost)
    assert (bench.seeks[0], lost.batch.raw.applied) == ({WEB: 0}, False)

    await bench.apply(bench.submission(0, *FALLEN, did("anna", "view", "01 11:00")))
    again = [message.body for _, message in bench.publisher.messages[len(first) :]]
    assert await bench.field("anna", "score") == "10.5"
    assert [body.get("alert_id", body.get("change_id")) for body in again[:3]] == [
        body.get("alert_id", body.get("change_id")) for body in first
    ]


async def test_a_store_that_has_forgotten_is_noticed_without_a_write(bench: Bench) -> None:
    await bench.assign(WEB)
    await bench.apply(bench.submission(0, *ENGAGED))
    await bench.pipeline.check_fences()
    assert bench.seeks == []

    bench.store._fences[0, WEB] = Fence(1, 0)
    await bench.pipeline.check_fences()
    assert bench.seeks == [{WEB: 1}]


async def test_an_evaluation_that_rests_on_what_is_lost_is_refused(bench: Bench) -> None:
    await bench.assign(WEB)
    await bench.apply(bench.submission(0, did("ben", "view", "01 09:00")))
    assert bench.clock.least(()) == {WEB: 1}
    move = FenceMove(WEB, 1, Fence(0, 0))
    await bench.store.apply([GroupWrite(group, [move]) for group in range(bench.store.groups)], 0)
    bench.journal.clear()
    bench.now += 20_000_000
    await bench.timer.turn(dict, 1, {WEB})

    assert bench.seeks == [{WEB: 0}]


async def test_a_round_that_rests_on_what_another_partition_has_lost_is_refused(bench: Bench) -> None:
    await bench.assign(WEB, SOCIAL)
    await bench.apply(bench.submission(0, did("ben", "post", "01 09:00"), partition=SOCIAL))
    await bench.apply(bench.submission(0, did("ben", "view", "01 09:00")))
    bench.journal.clear()

    async def lost() -> None:
        for group in range(bench.store.groups):
            bench.store._fences[group, SOCIAL] = Fence(0, 0)

    bench.store.before_apply = [lost]
    await bench.apply(bench.submission(1, did("anna", "view", "01 09:00")))

    assert bench.journal[0] == "refused"
    assert bench.seeks == [{SOCIAL: 0}]


async def test_an_error_that_will_not_pass_fails_the_pipeline_with_nothing_acknowledged(bench: Bench) -> None:
    bench.store.faults = [ValueError("a bug")]
    held = bench.submission(0, *ENGAGED)
    with pytest.raises(ValueError, match="a bug"):
        await bench.apply(held)

    assert (held.event.acks, held.batch.raw.applied) == (0, False)
