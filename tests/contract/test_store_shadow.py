"""A shadow policy in the store: agreed on with the policy in force, and its fields beside those of the customer."""

from __future__ import annotations

from scoring.instants import DAY
from scoring.judging.moment import Moment
from scoring.judging.walk import advance
from scoring.policy.policy import Policy
from scoring.policy.shadow import with_shadow
from scoring.rules.absence import SegmentClock
from streams.policy_file.document import parse_policy
from streams.store.fields.customer_writing import encode
from streams.store.policies import (
    IN_FORCE,
    MOVED,
    SUPERSEDED,
    TAKEN,
    StoredPolicy,
    offered,
)
from streams.store.protocol import Store
from tests.contract.conftest import Stores
from tests.contract.records import WALL, group_write, write, write_all
from tests.contract.test_store_segments import following, judged, text_of
from tests.unit.scoring.customers import POLICY, Customer, at, policy_with

ABSENCES = ('cooldown = "12h"', 'cooldown = "12h"\nabsence = { margin = 3 }')
SIGNAL = '[signals.cart]\nafter = ["web.view"]\nwithout = ["web.buy"]\nwithin = "1h"\n'
PLAIN = policy_with()
SECOND = policy_with(('"by-hand"', '"second"'), ("post = 2", "post = 3"))
TRIED = parse_policy(POLICY.replace('"by-hand"', '"tried"').replace("post = 2", "post = 5") + SIGNAL)
OTHER_TRIED = parse_policy(POLICY.replace('"by-hand"', '"tried"').replace("post = 2", "post = 6"))
AGAIN = parse_policy(POLICY.replace('"by-hand"', '"again"').replace("post = 2", "post = 7"))


def offer(policy: Policy, shadow: Policy | None = None, later: int = 0) -> StoredPolicy:
    """Offer a policy with a shadow beside it, or with none."""
    return offered(with_shadow(policy, shadow), WALL + later * 1_000_000)


async def in_force(store: Store) -> StoredPolicy:
    """Read what is in force."""
    record = await store.policies.in_force()
    assert record is not None
    return record


async def test_a_policy_and_its_shadow_are_put_in_force_and_read_back_as_one(store: Store) -> None:
    assert await store.policies.propose(offer(PLAIN, TRIED), None) == IN_FORCE

    record = await in_force(store)
    assert record == offer(PLAIN, TRIED)._replace(number=1)
    assert (record.shadow_text, record.shadow_version) == (TRIED.text, "tried")
    assert await store.policies.state() == (1, offer(PLAIN, TRIED).digest)


async def test_a_shadow_begins_and_ends_beside_the_policy_which_stays(store: Store) -> None:
    await store.policies.propose(offer(PLAIN), None)
    assert await store.policies.propose(offer(PLAIN, TRIED, later=60), None) == IN_FORCE
    record = await in_force(store)
    assert (record.number, record.since, record.shadow_since) == (2, WALL, WALL + 60_000_000)

    assert await store.policies.propose(offer(PLAIN, later=90), None) == IN_FORCE
    assert await in_force(store) == offer(PLAIN)._replace(number=3)


async def test_a_shadow_goes_on_beside_another_policy(store: Store) -> None:
    await store.policies.propose(offer(PLAIN, TRIED), None)
    assert await store.policies.propose(offer(SECOND, TRIED, later=60), 1) == IN_FORCE

    record = await in_force(store)
    assert (record.version, record.since, record.shadow_since) == ("second", WALL + 60_000_000, WALL)


async def test_a_changed_shadow_needs_a_version_of_its_own(store: Store) -> None:
    await store.policies.propose(offer(PLAIN, TRIED), None)
    for seen in (None, 1):
        assert await store.policies.propose(offer(PLAIN, OTHER_TRIED), seen) == TAKEN
    assert await store.policies.propose(offer(PLAIN, AGAIN, later=9), None) == IN_FORCE
    assert (await in_force(store)).shadow_since == WALL + 9_000_000
    assert await store.policies.propose(offer(PLAIN, OTHER_TRIED), None) == TAKEN


async def test_the_settings_of_before_a_promotion_are_superseded(store: Store) -> None:
    await store.policies.propose(offer(PLAIN, TRIED), None)
    assert await store.policies.propose(offer(TRIED), 0) == MOVED
    assert await store.policies.propose(offer(TRIED), 1) == IN_FORCE

    assert await store.policies.propose(offer(PLAIN, TRIED), None) == SUPERSEDED
    assert await store.policies.propose(offer(TRIED), None) == IN_FORCE
    assert await in_force(store) == offer(TRIED)._replace(number=2)


async def test_what_was_judged_without_the_shadow_is_not_written(store: Store) -> None:
    await store.policies.propose(offer(PLAIN, TRIED), None)
    both = with_shadow(PLAIN, TRIED)
    store.follow(both, offer(PLAIN, TRIED).digest)
    await judged(store, both, "01 09:00", Customer().event("post", "01 09:00"))

    store.follow(PLAIN, offer(PLAIN).digest)
    [record] = await store.load(["anna"])
    [refused] = await store.apply([group_write(store, "anna", record)], WALL)
    assert refused is not None


async def test_the_shadow_has_fields_of_its_own_which_come_back(store: Store, stores: Stores) -> None:
    both = with_shadow(PLAIN, TRIED)
    following(store, both)
    anna = Customer(PLAIN)
    await judged(store, both, "01 09:00", *[anna.event("post", "01 09:00")] * 2, anna.event("view", "01 09:00"))

    stored = await text_of(stores)
    fields = {name: stored[name] for name in stored if ":" in name}
    assert fields == {
        "score:shadow": "11",
        "band:shadow": "engaged",
        "trend:shadow": "11",
        "policy_version:shadow": "tried",
    }
    assert {name for name in stored if name.startswith("_x")} == {"_xshadow", "_x?shadow"}
    assert (stored["score"], stored["policy_version"]) == ("5", "by-hand")
    [record] = await store.load(["anna"])
    assert record.state.named is not None
    view = record.state.named["shadow"]
    assert (view.armed, view.band, view.policy_version) == (True, 2, "tried")
    assert view.signals is not None
    assert [len(standing.waits) for standing in view.signals.standings.values()] == [1]
    assert await store.policies.versions(["anna", "nobody"]) == [("by-hand", "tried"), ("", "")]


async def test_how_a_customer_stands_with_absences_by_the_shadow_comes_back(store: Store, stores: Stores) -> None:
    plain = policy_with(ABSENCES)
    both = with_shadow(plain, policy_with(ABSENCES, ('"by-hand"', '"tried"'), ("margin = 3", "margin = 1")))
    following(store, both)
    [record] = await store.load(["anna"])
    clock = SegmentClock(at("01 00:00") // DAY - 9, [number * 1_000_000 for number in range(10)])
    advance(both, record.state, [Customer(both).event("post", "01 09:00")], Moment(at("01 09:00"), clocks={"": clock}))
    await write(store, anna=record)

    [record] = await store.load(["anna"])
    assert record.state.absence is not None
    assert record.state.named is not None
    beside = record.state.named["shadow"].absence
    assert beside is not None
    # The shadow looks again earlier, and the schedule with it.
    assert beside.due == record.state.absence.due == 10_000_000
    assert (await text_of(stores))["_x&shadow"].split(";")[-2] == "10000000"


async def test_nothing_is_left_of_a_shadow_that_has_ended(store: Store, stores: Stores) -> None:
    following(store, with_shadow(PLAIN, TRIED))
    await judged(store, with_shadow(PLAIN, TRIED), "01 09:00", Customer().event("post", "01 09:00"))
    following(store, PLAIN)
    await judged(store, PLAIN, "01 10:00")

    assert not [name for name in await text_of(stores) if "shadow" in name or name.startswith("_x")]


async def test_a_customer_who_had_a_shadow_is_stored_and_written_as_one_who_never_had(
    store: Store, stores: Stores
) -> None:
    plain = policy_with(ABSENCES)
    tried = policy_with(ABSENCES, ('"by-hand"', '"tried"'), ("margin = 3", "margin = 1"))
    written: dict[str, list[list[str]]] = {"anna": [], "ben": []}
    for name, first in (("anna", with_shadow(plain, tried)), ("ben", plain)):
        for number, now in enumerate(("01 09:00", "02 09:00", "03 09:00")):
            policy = first if number == 0 else plain
            following(store, policy)
            [record] = await store.load([name])
            event = Customer(policy).event("post", now)
            advance(policy, record.state, [event], Moment(at(now), clocks={"": SegmentClock(at(now) // DAY - 9, [0])}))
            words, removed = encode(policy, record, "version")
            written[name].append(words + removed)
            await write_all(store, {name: record})

    assert any("shadow" in word for word in written["anna"][0])
    assert not any("shadow" in word for word in written["ben"][0])
    # The second write removes what is left of the shadow, the third knows nothing of it.
    assert written["anna"][2] == written["ben"][2]
    stored = [await stores.hash_of(name) for name in ("anna", "ben")]
    assert [{**fields, b"_v": b""} for fields in stored] == [{**stored[1], b"_v": b""}] * 2


async def test_without_a_shadow_there_is_no_byte_of_one(store: Store, stores: Stores) -> None:
    await judged(store, PLAIN, "01 09:00", Customer().event("post", "01 09:00"))
    assert not [name for name in await text_of(stores) if ":" in name or name.startswith("_x")]
