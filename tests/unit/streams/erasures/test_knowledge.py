"""Erasures in a worker: what is left out, what is carried out, and races with a write under way."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from scoring.instants import SECOND
from streams.erasures.knowledge import GRACE
from streams.erasures.tombstone import Digests, Tombstone, decode_tombstone, encode_tombstone
from streams.errors import LogGap, WrongErasureKey
from streams.store.protocol import LinkWrite
from tests.unit.scoring.customers import at
from tests.unit.streams.bench import LINKING, LINKS, WEB, Bench, did

DIGESTS = Digests("secret")
LONG_AGO = at("01 00:00") - 10**12


class ListedLog:
    """The topic of the erasures as a list; it is read up to where `readable` says."""

    def __init__(self) -> None:
        """Start empty."""
        self.digests = DIGESTS
        self.topic_id = ""
        self.tombstones: dict[str, Tombstone] = {}
        self.next_offset = 0
        self.records: list[Tombstone] = []
        self.readable = 1 << 30

    async def catch_up(self) -> None:
        """Read what can be read."""
        for tombstone in self.records[self.next_offset : self.readable]:
            self.tombstones[tombstone.digest] = tombstone
        self.next_offset = min(len(self.records), self.readable)

    async def append(self, tombstone: Tombstone) -> int:
        """Publish a tombstone."""
        self.records.append(replace(tombstone, place=len(self.records)))
        return len(self.records) - 1

    async def close(self) -> None:
        """Do nothing."""


class ErasingBench(Bench):
    """A bench whose pipeline follows erasures."""

    def __init__(self, log: ListedLog | None = None, **options: Any) -> None:
        """Wire the parts."""
        self.log = log or ListedLog()
        super().__init__(erasure_log=self.log, **options)

    async def publish(self, customer: str, *, web: int = 0, before: int = LONG_AGO, erased_at: int = 0) -> Tombstone:
        """Publish a tombstone that covers the partition WEB up to an offset."""
        tombstone = Tombstone(DIGESTS.of(customer), erased_at or self.now, before, {WEB.label: web})
        place = await self.log.append(tombstone)
        return replace(tombstone, place=place)

    async def erase(self, customer: str, **options: int) -> None:
        """Publish a tombstone and remove the customer, as the command does."""
        tombstone = await self.publish(customer, **options)
        await self.store.erase(customer, tombstone.digest, tombstone.erased_at, tombstone.place)


async def test_what_stands_before_a_tombstone_or_happened_before_has_no_effect() -> None:
    bench = ErasingBench()
    await bench.assign(WEB)
    await bench.erase("anna", web=2, before=at("02 00:00"))
    await bench.erasures.open()
    anna = [did("anna", "view", time) for time in ("02 09:00", "02 09:01", "01 23:59", "02 00:00", "02 09:02")]
    await bench.apply(bench.submission(0, *anna, did("ben", "view", "01 01:00")))

    assert await bench.field("anna", "score") == "2"
    assert await bench.field("ben", "score") == "1"
    assert bench.count("engagement_scored_events_total", outcome="erased") == 3


async def test_an_erasure_between_the_choice_of_the_events_and_the_write_wins() -> None:
    bench = ErasingBench()
    await bench.assign(WEB)
    await bench.erasures.open()
    bench.store.before_apply.append(lambda: bench.erase("anna", web=2))
    await bench.apply(bench.submission(0, did("anna", "view", "01 09:00"), did("ben", "view", "01 09:00")))

    assert bench.store.hashes.keys() == {"ben"}
    assert bench.journal.count("refused") == 1


async def test_a_worker_that_has_read_the_tombstone_in_between_is_refused_all_the_same() -> None:
    bench = ErasingBench()
    await bench.assign(WEB)
    await bench.erasures.open()

    async def erased_and_read() -> None:
        await bench.erase("anna", web=2)
        await bench.erasures.read_on()

    bench.store.before_apply.append(erased_and_read)
    await bench.apply(bench.submission(0, did("anna", "view", "01 09:00")))

    assert bench.store.hashes == {}


async def test_a_customer_in_the_cache_is_not_written_back() -> None:
    bench = ErasingBench()
    await bench.assign(WEB)
    await bench.erasures.open()
    await bench.apply(bench.submission(0, *[did("anna", "view", "01 09:00")] * 4))
    await bench.erase("anna", web=5)
    await bench.apply(bench.submission(4, did("anna", "view", "01 09:01"), did("anna", "view", "01 09:02")))

    assert await bench.field("anna", "score") == "1"


async def test_the_timer_does_not_bring_a_customer_back() -> None:
    bench = ErasingBench(clock="wall")
    await bench.assign(WEB)
    await bench.timer.turn(lambda: {WEB: True}, 1, {WEB})
    await bench.apply(bench.submission(0, did("anna", "post", "19 09:00")))
    await bench.erase("anna", web=1)
    bench.now = at("29 00:00")
    await bench.timer.turn(lambda: {WEB: True}, 1, {WEB})
    await bench.timer.turn(lambda: {WEB: True}, 1, {WEB})

    assert bench.store.hashes == {}
    assert bench.timer.fault == ""


async def test_an_erasure_that_the_worker_reads_after_it_has_chosen_the_events_wins() -> None:
    bench = ErasingBench()
    await bench.assign(WEB)
    await bench.erasures.open()
    carry_out = bench.erasures.carry_out

    async def once_erased_and_read(customers: Iterable[str]) -> None:
        bench.erasures.carry_out = carry_out
        chosen = list(customers)
        await bench.erase("anna", web=2)
        await bench.erasures.read_on()
        await carry_out(chosen)

    bench.erasures.carry_out = once_erased_and_read
    await bench.apply(bench.submission(0, did("anna", "view", "01 09:00"), did("ben", "view", "01 09:00")))

    assert bench.store.hashes.keys() == {"ben"}
    assert bench.journal.count("refused") == 1


async def test_something_new_for_an_erased_customer_first_removes_the_old() -> None:
    bench = ErasingBench()
    await bench.assign(WEB)
    await bench.apply(bench.submission(0, *[did("anna", "view", "01 09:00")] * 4))
    await bench.publish("anna", web=4)
    await bench.erasures.read_on()
    await bench.apply(bench.submission(4, did("anna", "view", "01 09:01")))

    assert await bench.field("anna", "score") == "1"
    bench.now += GRACE
    await bench.erasures.read_on()
    assert await bench.field("anna", "score") == "1"


async def test_what_the_command_left_undone_is_done_after_a_while() -> None:
    bench = ErasingBench()
    await bench.assign(WEB)
    await bench.apply(bench.submission(0, did("anna", "view", "01 09:00"), did("ben", "view", "01 09:00")))
    await bench.publish("anna", web=2)
    await bench.erasures.read_on()
    bench.now += GRACE - SECOND
    await bench.erasures.read_on()
    assert bench.store.hashes.keys() == {"anna", "ben"}
    bench.now += SECOND
    await bench.erasures.read_on()
    assert bench.store.hashes.keys() == {"ben"}


async def test_a_store_that_has_forgotten_an_erasure_is_made_to_carry_it_out_again() -> None:
    bench = ErasingBench()
    await bench.assign(WEB)
    await bench.apply(bench.submission(0, did("anna", "view", "01 09:00")))
    kept = {name: dict(value) for name, value in bench.store.hashes.items()}
    await bench.erase("anna", web=1)
    await bench.erasures.read_on()
    bench.store.hashes, bench.store._erased, bench.store._carried_out = kept, {}, []
    for _ in range(2):
        await bench.erasures.read_on()
        bench.now += GRACE

    assert bench.store.hashes == {}


async def test_what_was_applied_while_the_erasure_was_under_way_is_covered_in_the_end() -> None:
    bench = ErasingBench()
    await bench.assign(WEB)
    await bench.apply(bench.submission(0, *[did("anna", "view", "01 09:00")] * 4))
    await bench.publish("anna", web=2)
    await bench.erasures.read_on()
    bench.now += GRACE
    await bench.erasures.read_on()

    assert [dict(each.offsets) for each in bench.log.records] == [{WEB.label: 2}, {WEB.label: 4}]
    assert len({each.erased_at for each in bench.log.records}) == 1


async def test_a_topic_that_lacks_what_has_been_carried_out_ends_the_worker() -> None:
    bench = ErasingBench()
    await bench.assign(WEB)
    await bench.erase("anna", web=2)
    bench.log.readable = 0

    with pytest.raises(LogGap, match="up to 1 have been carried out, but their topic ends at 0"):
        await bench.erasures.look_again()


def test_a_tombstone_is_read_back_as_it_was_and_holds_no_id() -> None:
    tombstone = Tombstone(DIGESTS.of("maria.lopez"), at("05 12:00"), at("04 12:00"), {"email/3": 7, "web/0": 0})
    written = encode_tombstone(tombstone, DIGESTS)

    assert decode_tombstone(tombstone.digest.encode(), written, 9, DIGESTS) == replace(tombstone, place=9)
    assert b"maria" not in written + tombstone.digest.encode()


def test_a_digest_depends_on_the_key_and_on_nothing_else() -> None:
    assert Digests("a").of("x") == Digests("a").of("x")
    assert len({Digests(key).of(name) for key in ("", "a", "b") for name in ("x", "y")}) == 6
    assert len({Digests(key).check for key in ("", "a", "b")}) == 3


def test_a_tombstone_of_another_key_is_refused() -> None:
    tombstone = Tombstone("d" * 32, 0, 0, {})
    with pytest.raises(WrongErasureKey):
        decode_tombstone(b"d" * 32, encode_tombstone(tombstone, Digests("other")), 0, DIGESTS)


def test_a_tombstone_covers_by_place_or_by_time() -> None:
    tombstone = Tombstone("d" * 32, 0, 100, {"web/0": 5})

    assert [tombstone.covers("web/0", offset, 100) for offset in (4, 5)] == [True, False]
    assert [tombstone.covers("web/0", 5, time) for time in (99, 100)] == [True, False]
    assert not tombstone.covers("web/1", 0, 100)
    # In another log under the same name the offset means nothing; without an id it is taken to be the same one.
    assert replace(tombstone, logs={"web/0": "a"}).covers("web/0", 4, 100, "a")
    assert not replace(tombstone, logs={"web/0": "a"}).covers("web/0", 4, 100, "b")
    assert replace(tombstone, logs={"web/0": "a"}).covers("web/0", 4, 100)
    assert tombstone.covers("web/0", 4, 100, "b")
    assert tombstone.raised({WEB: 5}) is tombstone
    assert tombstone.raised({WEB: 6}).offsets == {"web/0": 6}


async def test_a_link_that_stands_before_a_tombstone_of_either_has_no_effect() -> None:
    bench = ErasingBench(text=LINKING)
    await bench.assign(WEB, LINKS)
    bench.clock.partitions = {WEB}
    await bench.apply(bench.links(0, ("cookie", "anna"), ("tab", "ben")))
    for name in ("cookie", "dora"):
        tombstone = Tombstone(DIGESTS.of(name), bench.now, LONG_AGO, {LINKS.label: 2})
        place = await bench.log.append(tombstone)
        await bench.store.erase(name, tombstone.digest, tombstone.erased_at, place)
    await bench.erasures.open()
    other = ErasingBench(bench.log, text=LINKING)
    await other.erasures.open()
    await other.assign(WEB, LINKS)
    other.clock.partitions = {WEB}
    await other.apply(other.links(0, ("cookie", "anna"), ("mail", "dora"), ("tab", "ben")))

    assert await bench.store.ids_of("anna") == ["anna"]
    for name in ("cookie", "mail"):
        assert await other.store.ids_of(name) == [name]
    assert await other.store.ids_of("ben") == ["ben", "tab"]
    # What is sent after the erasure is a new link.
    await bench.apply(bench.links(2, ("cookie", "anna")))
    assert await bench.store.ids_of("anna") == ["anna", "cookie"]


async def test_a_link_whose_writer_did_not_know_of_an_erasure_is_chosen_anew() -> None:
    bench = ErasingBench(text=LINKING)
    await bench.assign(WEB, LINKS)
    bench.clock.partitions = {WEB}
    bench.log.readable = 0
    tombstone = Tombstone(DIGESTS.of("anna"), bench.now, LONG_AGO, {LINKS.label: 1})
    await bench.store.erase("anna", tombstone.digest, tombstone.erased_at, await bench.log.append(tombstone))
    link = bench.store.link

    async def learn_then_link(write: LinkWrite, now: int) -> object:
        bench.log.readable = 9
        return await link(write, now)

    bench.store.link = learn_then_link  # type: ignore[method-assign, assignment]
    await bench.apply(bench.links(0, ("cookie", "anna")))

    assert await bench.store.ids_of("anna") == ["anna"]
    assert min(bench.pipeline.positions.offsets(LINKS)) == 1


async def test_an_erasure_carried_out_while_a_worker_looks_again_is_no_topic_made_anew() -> None:
    bench = ErasingBench()
    await bench.erase("anna")
    await bench.erasures.open()
    read = bench.log.catch_up

    async def read_and_erase() -> None:
        await read()
        await bench.erase("ben")

    bench.log.catch_up = read_and_erase  # type: ignore[method-assign]
    await bench.erasures.look_again()
    await bench.erasures.look_again()
    assert bench.erasures.known == 2
