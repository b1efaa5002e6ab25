"""Links in the pipeline: an id becomes a customer's, whatever came first, and whoever has what in the cache."""

from __future__ import annotations

import orjson

from scoring.judging.moment import Moment
from streams.ingest.link_decoding import LinkDecoder, in_parts
from streams.metrics import Metrics
from streams.records import RecordBatch
from streams.rounds.round_queue import Submission
from streams.store.protocol import LinkWrite
from streams.worker.agents import NOT_ACKNOWLEDGED
from tests.unit.scoring.customers import at
from tests.unit.streams.bench import LINKING, LINKS, WEB, Bench, Fault, Record, did

ANNA = [did("anna", "buy", f"0{day} 09:00", f"a{day}") for day in (1, 2)]
COOKIE = [did("cookie", "buy", f"0{day} 09:30", f"c{day}") for day in (1, 2)]


async def bench(*, shared: Bench | None = None) -> Bench:
    """Give a worker that reads events and links; with the store of another one."""
    made = Bench(text=LINKING, store=shared.store if shared else None)
    await made.assign(WEB, LINKS)
    made.clock.partitions = {WEB}
    return made


async def stands(bench: Bench, customer: str = "anna") -> tuple[str, str]:
    """Return score and band."""
    return await bench.field(customer, "score"), await bench.field(customer, "band")


async def test_a_link_after_the_events_joins_the_histories() -> None:
    worker = await bench()
    await worker.apply(worker.submission(0, *ANNA, *COOKIE))
    assert await stands(worker) == ("9", "disengaged")
    await worker.apply(worker.links(0, ("cookie", "anna")))

    assert await stands(worker) == ("18", "engaged")
    assert worker.store.hashes["cookie"]["customer_id"] == "anna"
    assert "cookie" not in {name for band in worker.store.bands.values() for name in band}


async def test_events_under_a_linked_id_are_the_customers() -> None:
    worker = await bench()
    await worker.apply(worker.links(0, ("cookie", "anna")))
    await worker.apply(worker.submission(0, *ANNA, *COOKIE))

    assert await stands(worker) == ("18", "engaged")


async def test_a_link_and_events_in_one_round() -> None:
    worker = await bench()
    await worker.apply(worker.submission(0, *COOKIE[:1], *ANNA[:1]))
    await worker.apply(worker.links(0, ("cookie", "anna")), worker.submission(2, *COOKIE[1:], *ANNA[1:]))

    assert await stands(worker) == ("18", "engaged")


async def test_an_event_that_came_under_both_ids_counts_once() -> None:
    worker = await bench()
    copies = [dict(event, customer_id="cookie") for event in ANNA]
    await worker.apply(worker.submission(0, *ANNA, *COOKIE, *copies))
    await worker.apply(worker.links(0, ("cookie", "anna")))
    await worker.apply(worker.submission(6, *copies))

    assert await stands(worker) == ("18", "engaged")


async def test_a_worker_that_has_both_in_its_cache_follows_the_link_of_another() -> None:
    one = await bench()
    other = await bench(shared=one)
    await other.apply(other.submission(0, ANNA[0], COOKIE[0]))
    await one.apply(one.links(0, ("cookie", "anna")))
    await other.apply(other.submission(2, ANNA[1], COOKIE[1]))

    assert await stands(one) == ("18", "engaged")
    assert set(one.store.hashes["cookie"]) == {"customer_id", "_v"}


async def test_an_id_is_found_anew_where_its_customer_has_become_another_ones_meanwhile() -> None:
    one = await bench()
    other = await bench(shared=one)
    await one.apply(one.links(0, ("cookie", "anna")))
    await other.apply(other.submission(0, COOKIE[0]))
    await one.apply(one.links(1, ("anna", "ben")))
    # The other worker remembers the id, and no longer the customer whom it stood for.
    other.scorer.drop(["anna"])
    await other.apply(other.submission(1, COOKIE[1]))

    assert (await stands(other, "ben"))[0] == "9"
    assert await other.store.ids_of("ben") == ["ben", "anna", "cookie"]


async def test_chains_of_links_end_with_the_last_customer_in_either_order() -> None:
    links = [("tab", "cookie"), ("cookie", "anna")]
    for order in (links, links[::-1]):
        worker = await bench()
        await worker.apply(worker.submission(0, *COOKIE, did("tab", "view", "01 09:00")))
        await worker.apply(worker.links(0, *order))
        await worker.apply(worker.submission(3, *ANNA, did("tab", "view", "02 09:00")))

        assert await stands(worker) == ("20", "highly_engaged")
        assert {worker.store.hashes[name]["customer_id"] for name in ("tab", "cookie")} == {"anna"}
        first, *linked = await worker.store.ids_of("tab")
        assert (first, set(linked)) == ("anna", {"tab", "cookie"})


async def test_the_first_link_of_an_id_holds_and_the_same_again_changes_nothing() -> None:
    worker = await bench()
    await worker.apply(worker.submission(0, *ANNA, *COOKIE, did("bert", "buy", "01 09:00")))
    await worker.apply(worker.links(0, ("cookie", "anna"), ("cookie", "anna"), ("cookie", "bert")))

    assert await stands(worker) == ("18", "engaged")
    assert await stands(worker, "bert") == ("4.5", "disengaged")
    assert [letter.reason for letter in worker.publisher.dead_letters] == ["linked_otherwise"]


async def test_a_circle_is_refused() -> None:
    worker = await bench()
    await worker.apply(worker.links(0, ("cookie", "anna"), ("anna", "cookie"), ("anna", "anna")))

    assert {letter.reason for letter in worker.publisher.dead_letters} == {"link_closes_circle"}
    assert worker.store.hashes["cookie"]["customer_id"] == "anna"


async def test_a_link_is_no_drop_and_its_band_change_says_what_it_is() -> None:
    worker = await bench()
    angry = [did("cookie", "complain", "02 09:00", f"x{number}") for number in range(2)]
    await worker.apply(worker.submission(0, *ANNA, did("anna", "buy", "02 10:00"), *angry))
    worker.publisher.messages.clear()
    await worker.apply(worker.links(0, ("cookie", "anna")))

    assert await stands(worker) == ("5.5", "disengaged")
    [(customer, message)] = worker.publisher.messages
    assert (customer, message.body["cause"], message.body["band"]) == ("anna", "link", "disengaged")
    assert await worker.waiting("anna") == []


async def test_what_silence_had_made_of_the_id_goes_out_under_it_and_is_closed_by_the_customer() -> None:
    worker = await bench()
    bought = [did("cookie", "buy", f"0{day} 09:00", f"c{day}") for day in (1, 2, 3)]
    await worker.apply(worker.submission(0, *bought))
    # The clock goes on, and no timer has looked at the id since.
    await worker.apply(worker.submission(3, did("bert", "view", "09 00:00", "b")))
    worker.publisher.messages.clear()
    await worker.apply(worker.links(0, ("cookie", "anna")))
    [risk] = [each for each in worker.publisher.messages if each[1].body.get("kind") == "churn_risk"]
    assert (risk[0], risk[1].body["customer_id"]) == ("cookie", "cookie")
    assert await worker.waiting("anna") == []

    await worker.apply(
        worker.submission(4, *[did("anna", "buy", f"09 0{hour}:00", f"a{hour}") for hour in range(1, 5)])
    )
    customer, recovered = worker.publisher.messages[-1]
    assert (customer, recovered.body["kind"]) == ("anna", "recovered")
    assert recovered.body["closes"] == [risk[1].body["alert_id"]]


async def test_links_neither_hold_the_watermark_back_nor_carry_it_on() -> None:
    worker = await bench()
    await worker.apply(worker.submission(0, *ANNA))
    before = worker.clock.evaluation()
    assert before == (at("02 09:00"), at("02 09:00"))
    await worker.apply(worker.links(0, ("cookie", "anna")))

    assert worker.clock.evaluation() == before
    assert set(worker.clock.report({WEB: True, LINKS: True}, 1)) == {WEB}
    assert LINKS not in worker.clock.least(())


async def test_a_link_that_is_read_again_is_passed_over() -> None:
    worker = await bench()
    await worker.apply(worker.links(0, ("cookie", "anna"), ("cookie", "bert")))
    await worker.apply(worker.links(0, ("cookie", "anna"), ("cookie", "bert"), ("tab", "anna")))

    assert [letter.record.offset for letter in worker.publisher.dead_letters] == [1]
    assert sorted(await worker.store.ids_of("anna")) == ["anna", "cookie", "tab"]


async def test_many_links_are_applied_in_parts_and_only_the_last_acknowledges_the_message() -> None:
    worker = await bench()
    records = [
        Record(offset, 0, b"", orjson.dumps({"id": f"c{offset}", "customer_id": "anna"})) for offset in range(1_100)
    ]
    records[7] = records[7]._replace(value=b"{}")
    records[600] = records[600]._replace(value=b"[]")
    batch = RecordBatch(LINKS, 0, records)
    parts = in_parts(LinkDecoder(Metrics()).decode(batch, 0))

    assert [(part.raw.base, part.raw.next_offset, len(part.links)) for part in parts] == [
        (0, 500, 499),
        (500, 1_000, 499),
        (1_000, 1_100, 100),
    ]
    assert parts[-1].raw is batch
    assert [letter.record.offset for part in parts for letter in part.dead_letters] == [7, 600]
    for part in parts:
        await worker.apply(Submission(part, NOT_ACKNOWLEDGED))
    assert len(await worker.store.ids_of("anna")) == 1_099
    assert min(worker.pipeline.positions.offsets(LINKS)) == 1_100


async def test_a_fault_after_a_link_repeats_it_and_loses_no_message() -> None:
    worker = await bench()
    angry = [did("cookie", "complain", "02 09:00", f"x{number}") for number in range(2)]
    await worker.apply(worker.submission(0, *ANNA, did("anna", "buy", "02 10:00"), *angry))
    worker.publisher.messages.clear()
    # The link is stored, and its band change is not published at first.
    worker.publisher.faults.append(Fault("Kafka is away"))
    await worker.apply(worker.links(0, ("cookie", "anna")))

    assert [message.body["cause"] for _, message in worker.publisher.messages] == ["link"]
    assert await worker.waiting("anna") == []
    assert await stands(worker) == ("5.5", "disengaged")


async def test_a_link_whose_answer_is_lost_is_published_before_its_round_is_acknowledged() -> None:
    worker = await bench()
    await worker.apply(worker.submission(0, *ANNA, *COOKIE))
    worker.publisher.messages.clear()
    link = worker.store.link

    async def lose_the_answer(write: LinkWrite, now: int) -> object:
        worker.store.link = link  # type: ignore[method-assign]
        await link(write, now)
        raise Fault("the answer is lost")

    worker.store.link = lose_the_answer  # type: ignore[method-assign, assignment]
    await worker.apply(worker.links(0, ("cookie", "anna")))

    assert [message.body["cause"] for _, message in worker.publisher.messages] == ["link"]
    assert await worker.waiting("anna") == []


async def test_an_id_that_is_linked_while_it_is_about_to_be_judged_is_passed_over() -> None:
    worker = await bench()
    await worker.apply(worker.submission(0, *ANNA, *COOKIE))
    other = await bench(shared=worker)
    await other.apply(other.links(0, ("cookie", "anna")))
    worker.scorer.forget()
    group = worker.store.group_of("cookie")
    await worker.scorer.evaluate(group, ["cookie"], Moment(at("03 00:00")))

    assert set(worker.store.hashes["cookie"]) == {"customer_id", "_v"}


async def test_a_customer_who_was_not_known_stands_where_the_id_stood() -> None:
    worker = await bench()
    posts = [did("cookie", "buy", "01 09:00", str(number)) for number in range(3)]
    await worker.apply(worker.submission(0, *posts))
    before = dict(worker.store.hashes["cookie"])
    worker.publisher.messages.clear()
    await worker.apply(worker.links(0, ("cookie", "anna")))

    after = worker.store.hashes["anna"]
    for name in ("score", "band", "band_since", "previous_band", "disengages_at", "last_event_at", "_s"):
        assert after[name] == before[name]
    [(customer, message)] = worker.publisher.messages
    assert (customer, message.body["previous_band"], message.body["band"]) == ("anna", "disengaged", "engaged")


async def test_an_open_alert_is_closed_by_what_a_customer_does_whom_a_link_has_lifted() -> None:
    worker = await bench()
    await worker.apply(worker.submission(0, *[did("anna", "buy", "01 09:00", str(number)) for number in range(3)]))
    await worker.apply(worker.submission(3, did("anna", "quit", "01 10:00")))
    assert worker.publisher.kinds()[-1] == "churn_risk"
    await worker.apply(worker.submission(4, *[did("cookie", "buy", "01 11:00", str(number)) for number in range(9)]))
    worker.publisher.messages.clear()
    await worker.apply(worker.links(0, ("cookie", "anna")))

    assert worker.publisher.kinds() == ["band_change"]
    [record] = await worker.store.load(["anna"])
    assert (record.state.alert_open, record.state.armed, record.state.held) == (True, False, None)
    await worker.apply(worker.submission(13, did("anna", "buy", "01 12:00")))
    assert worker.publisher.kinds() == ["band_change", "recovered"]
    # What the customer does afterwards is judged as ever, once the cooldown of the alert is over.
    await worker.apply(worker.submission(14, did("anna", "quit", "01 23:00")))
    assert worker.publisher.kinds()[-1] == "churn_risk"


async def test_who_falls_below_engaged_by_a_link_has_no_alert_later() -> None:
    worker = await bench()
    angry = [did("cookie", "quit", "01 09:00")]
    await worker.apply(
        worker.submission(0, *[did("anna", "buy", "01 09:00", str(number)) for number in range(3)], *angry)
    )
    worker.publisher.messages.clear()
    await worker.apply(worker.links(0, ("cookie", "anna")))
    # Up to disengaged, which is judged as ever, and would be a drop of who is still armed.
    await worker.apply(worker.submission(4, *[did("anna", "buy", "01 12:00", f"b{number}") for number in range(4)]))

    assert worker.publisher.kinds() == ["band_change", "band_change"]
    assert await stands(worker) == ("1.5", "disengaged")


async def test_the_cooldown_of_an_alert_under_the_id_holds_for_the_customer() -> None:
    worker = await bench()
    await worker.apply(worker.submission(0, *[did("cookie", "buy", "01 09:00", str(number)) for number in range(3)]))
    await worker.apply(worker.submission(3, did("cookie", "quit", "01 10:00")))
    await worker.apply(worker.submission(4, *[did("anna", "buy", "01 11:00", f"a{number}") for number in range(10)]))
    await worker.apply(worker.links(0, ("cookie", "anna")))
    assert await stands(worker) == ("28.5", "highly_engaged")
    # The alert of the id is open until the customer does something.
    await worker.apply(worker.submission(14, did("anna", "view", "01 12:00")))
    worker.publisher.messages.clear()
    await worker.apply(worker.submission(15, did("anna", "quit", "01 20:00")))
    assert worker.publisher.kinds() == ["band_change"]
    await worker.apply(worker.submission(16, did("anna", "view", "01 23:00")))

    assert worker.publisher.kinds()[:2] == ["band_change", "churn_risk"]


async def test_a_recovery_closes_the_alerts_that_were_raised_for_the_linked_id() -> None:
    worker = await bench()
    await worker.apply(worker.submission(0, *[did("cookie", "buy", "01 09:00", str(number)) for number in range(3)]))
    await worker.apply(worker.submission(3, did("cookie", "quit", "01 10:00")))
    await worker.apply(worker.submission(4, *[did("anna", "buy", "01 11:00", f"a{number}") for number in range(10)]))
    [raised] = [message.body for _, message in worker.publisher.messages if message.body.get("alert_id")]
    await worker.apply(worker.links(0, ("cookie", "anna")))
    await worker.apply(worker.submission(14, did("anna", "view", "01 12:00")))

    customer, recovered = worker.publisher.messages[-1]
    assert (customer, recovered.body["kind"], raised["customer_id"]) == ("anna", "recovered", "cookie")
    assert recovered.body["closes"] == [raised["alert_id"]]
    assert recovered.body["episode_id"] == raised["episode_id"]


async def test_the_timer_judges_the_customer_alone() -> None:
    worker = await bench()
    await worker.apply(worker.submission(0, *ANNA, *COOKIE))
    await worker.apply(worker.links(0, ("cookie", "anna")))
    await worker.apply(worker.submission(4, did("ben", "view", "04 09:00")))
    worker.publisher.messages.clear()
    await worker.timer.turn(lambda: {WEB: True, LINKS: True}, 1, {WEB})

    assert worker.timer.fault == ""
    assert worker.clock.lags().keys() == {WEB}
    assert {customer for customer, _ in worker.publisher.messages} == {"anna"}
    assert worker.publisher.kinds() == ["band_change", "churn_risk"]
