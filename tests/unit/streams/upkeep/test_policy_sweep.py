"""All customers follow a new policy, a bounded number each second, while the live stream goes on."""

from __future__ import annotations

import pytest

from scoring.instants import SECOND
from streams.store.policies import SweepPlace, offered, parse_place
from tests.unit.scoring.customers import at, policy_with
from tests.unit.streams.bench import WEB, Bench, did

CHEAP = policy_with(('"by-hand"', '"second"'), ("buy = 4.5", "buy = 1"))
DEAR = policy_with(('"by-hand"', '"second"'), ("buy = 4.5", "buy = 12"))


async def with_customers(count: int, *, rate: int = 2_000, clock: str = "wall") -> Bench:
    """Give a worker with engaged customers, all judged by the first policy."""
    bench = Bench(clock=clock, rate=rate)
    await bench.policies.open()
    await bench.assign(WEB)
    bench.now = at("01 09:00")
    events = [did(f"customer {number}", "buy", "01 09:00") for number in range(count)] * 3
    await bench.apply(bench.submission(0, *events))
    await turn(bench)
    assert bench.count("engagement_evaluations_total", kind="policy") == 0
    bench.publisher.messages.clear()
    return bench


async def turn(bench: Bench, count: int = 1) -> None:
    """Let the timer do turns, a second apart."""
    for _ in range(count):
        bench.now += SECOND
        await bench.timer.turn(lambda: {WEB: bench.pipeline.positions.has_applied(WEB, 0)}, 1, {WEB})
        assert bench.timer.fault == ""


def note_pages(bench: Bench) -> list[int]:
    """Note from now on from which cursors pages are read."""
    pages: list[int] = []
    page = bench.store.policies.page

    async def noted(cursor: int, count: int) -> tuple[list[str], int]:
        pages.append(cursor)
        return await page(cursor, count)

    bench.store.policies.page = noted  # type: ignore[method-assign]
    return pages


def versions(bench: Bench) -> dict[str, int]:
    """Count the customers by the policy that has judged them."""
    found = [fields["policy_version"] for fields in bench.store.hashes.values()]
    return {version: found.count(version) for version in set(found)}


async def test_all_customers_follow_without_an_event_or_an_alert() -> None:
    bench = await with_customers(30)
    await bench.store.policies.propose(offered(CHEAP, bench.now), 1)
    await turn(bench)

    assert versions(bench) == {"second": 30}
    assert {await bench.field(f"customer {number}", "score") for number in range(30)} == {"3"}
    assert bench.publisher.kinds() == ["band_change"] * 30
    assert {message.body["cause"] for _, message in bench.publisher.messages} == {"policy"}
    assert bench.count("engagement_evaluations_total", kind="policy") == 30
    assert bench.count("engagement_policy_behind_customers") == 0


async def test_who_comes_back_by_a_policy_is_told_as_no_recovery() -> None:
    bench = await with_customers(5)
    await bench.store.policies.propose(offered(CHEAP, bench.now), 1)
    await turn(bench)
    third = policy_with(('"by-hand"', '"third"'), ("buy = 4.5", "buy = 12"))
    await bench.store.policies.propose(offered(third, bench.now), 2)
    await turn(bench)

    assert versions(bench) == {"third": 5}
    assert set(bench.publisher.kinds()) == {"band_change"}


async def test_no_more_follow_in_a_second_than_the_rate_allows() -> None:
    bench = await with_customers(100, rate=10)
    await bench.store.policies.propose(offered(DEAR, bench.now), 1)
    followed = []
    for _ in range(12):
        await turn(bench)
        followed.append(versions(bench).get("second", 0))

    assert followed[:10] == [10, 20, 30, 40, 50, 60, 70, 80, 90, 100]
    assert bench.count("engagement_policy_behind_customers") == 0


async def test_the_metrics_tell_how_many_may_be_behind() -> None:
    bench = await with_customers(100, rate=10)
    await bench.store.policies.propose(offered(DEAR, bench.now), 1)
    await turn(bench, 4)

    assert bench.count("engagement_policy_behind_customers") == 60


async def test_who_has_followed_by_an_event_is_passed_over() -> None:
    bench = await with_customers(20, rate=5)
    await bench.store.policies.propose(offered(DEAR, bench.now), 1)
    await turn(bench)
    await bench.apply(bench.submission(60, *[did(f"customer {number}", "view", "01 09:00") for number in range(20)]))
    assert versions(bench) == {"second": 20}
    await turn(bench, 10)

    assert bench.count("engagement_evaluations_total", kind="policy") == 5


async def test_another_worker_goes_on_where_one_has_ended() -> None:
    first = await with_customers(100, rate=10)
    await first.store.policies.propose(offered(DEAR, first.now), 1)
    await turn(first, 4)
    second = Bench(clock="wall", store=first.store, rate=10)
    second.now = first.now
    await second.policies.open()
    await second.assign(WEB)
    await turn(second, 3)
    assert versions(first) == {"by-hand": 60, "second": 40}

    first.store._policies._walker = ""
    await turn(second, 7)
    assert versions(first) == {"second": 100}
    assert second.count("engagement_evaluations_total", kind="policy") == 60


async def test_a_walk_is_done_once_for_each_change() -> None:
    bench = await with_customers(10)
    await bench.store.policies.propose(offered(DEAR, bench.now), 1)
    await turn(bench, 2)
    pages = note_pages(bench)
    sweep, calls = bench.store.policies.sweep, []

    async def noted(worker: str) -> tuple[bool, SweepPlace]:
        calls.append(worker)
        return await sweep(worker)

    bench.store.policies.sweep = noted  # type: ignore[method-assign]
    await turn(bench, 3)
    assert (pages, calls) == ([], [])
    third = policy_with(('"by-hand"', '"third"'), ("buy = 4.5", "buy = 7"))
    await bench.store.policies.propose(offered(third, bench.now), 2)
    await turn(bench, 3)
    assert pages == [0]


async def test_the_walk_begins_anew_on_another_server() -> None:
    bench = await with_customers(100, rate=10)
    await bench.store.policies.propose(offered(DEAR, bench.now), 1)
    await turn(bench, 3)

    async def another() -> str:
        return "another"

    bench.store.policies.server = another  # type: ignore[method-assign]
    pages = note_pages(bench)
    await turn(bench)
    _, place = await bench.store.policies.sweep(bench.sweep._worker)
    assert (place.server, place.total, pages[0]) == ("another", 100, 0)
    await turn(bench, 12)
    assert versions(bench) == {"second": 100}


async def test_a_walk_waits_for_the_evaluation_time() -> None:
    bench = await with_customers(3)
    await bench.store.policies.propose(offered(DEAR, bench.now), 1)
    await bench.pipeline.follow_policy()
    bench.clock.evaluation = lambda *_: (0, 0)  # type: ignore[method-assign]
    await turn(bench)

    assert versions(bench) == {"by-hand": 3}


async def test_customers_who_are_passed_are_not_kept_in_memory() -> None:
    bench = await with_customers(50)
    await bench.store.policies.propose(offered(DEAR, bench.now), 1)
    await turn(bench)

    assert versions(bench) == {"second": 50}
    assert len(bench.scorer._cache) == 0


@pytest.mark.parametrize("place", [SweepPlace(), SweepPlace(3, "run", 12345678901234567890, 1, 2, 1)])
def test_a_place_is_read_back_as_it_was_written(place: SweepPlace) -> None:
    assert parse_place(place.text()) == place
