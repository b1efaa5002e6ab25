"""Segments and named scores in a store: the fields that applications read, and what is read back."""

from __future__ import annotations

from scoring.events.event import Event
from scoring.judging.moment import Moment
from scoring.judging.walk import advance
from scoring.policy.policy import Policy
from scoring.rules.details import Detail
from streams.store.protocol import Store
from tests.contract.conftest import Stores
from tests.contract.records import write
from tests.unit.scoring.customers import POLICY, Customer, at, policy_with
from tests.unit.scoring.judging.test_named_scores import LOUD, QUIET
from tests.unit.scoring.rules.test_segments import profile

SEGMENTS = policy_with(text=POLICY + "[segments.large.bands]\nengaged = 15\n")
NAMED = policy_with(text=POLICY + LOUD + QUIET)


def following(store: Store, policy: Policy) -> None:
    """Let a store go by a policy, as its workers do, without one being in force."""
    store.follow(policy, "")


async def judged(store: Store, policy: Policy, now: str, *events: Event) -> None:
    """Load anna, judge her, and write her back."""
    [record] = await store.load(["anna"])
    advance(policy, record.state, events, Moment(at(now)))
    await write(store, anna=record)


async def text_of(stores: Stores) -> dict[str, str]:
    """Read all that is stored of anna."""
    return {name.decode(): value.decode() for name, value in (await stores.hash_of("anna")).items()}


async def test_a_segment_is_a_public_field_and_comes_back(store: Store, stores: Stores) -> None:
    following(store, SEGMENTS)
    anna = Customer(SEGMENTS)
    await judged(store, SEGMENTS, "01 09:00", profile("large", "01 08:00"), *[anna.event("post", "01 09:00")] * 6)

    stored = await text_of(stores)
    assert (stored["segment"], stored["_g"], stored["band"]) == ("large", str(at("01 08:00")), "disengaged")
    [record] = await store.load(["anna"])
    state = record.state
    assert (state.segment, state.segment_at, state.segment_changed) == ("large", at("01 08:00"), False)
    advance(SEGMENTS, state, [profile("small", "01 10:00")], Moment(at("01 10:00")))
    assert state.segment_changed
    await write(store, anna=record)
    assert not state.segment_changed


async def test_who_has_left_a_segment_has_no_field_and_an_older_word_does_not_bring_it_back(
    store: Store, stores: Stores
) -> None:
    following(store, SEGMENTS)
    await judged(store, SEGMENTS, "01 09:00", profile("large", "01 08:00"))
    await judged(store, SEGMENTS, "01 09:00", profile("", "01 09:00"))
    await judged(store, SEGMENTS, "01 09:00", profile("large", "01 08:30"))

    stored = await text_of(stores)
    assert "segment" not in stored
    assert stored["_g"] == str(at("01 09:00"))


async def test_a_segment_that_is_kept_aside_comes_back_whatever_its_name(store: Store) -> None:
    following(store, SEGMENTS)
    anna, name = Customer(SEGMENTS), "a;b,c=d@é"
    event = anna.event("post", "02 09:00").with_detail(Detail((), "", name))
    await judged(store, SEGMENTS, "01 09:00", anna.event("post", "01 08:00"), event)
    [record] = await store.load(["anna"])

    assert [detail for *_, detail in record.state.ahead] == [Detail((), "", name)]


async def test_a_policy_without_profiles_leaves_segments_alone(store: Store, stores: Stores) -> None:
    following(store, SEGMENTS)
    await judged(store, SEGMENTS, "01 09:00", profile("large", "01 08:00"))
    plain = policy_with()
    following(store, plain)
    await judged(store, plain, "01 10:00", Customer().event("post", "01 10:00"))
    following(store, SEGMENTS)
    [record] = await store.load(["anna"])

    assert record.state.segment == "large"
    assert {"segment", "_g"} <= (await text_of(stores)).keys()


async def test_without_segments_and_named_scores_there_is_no_byte_of_them(store: Store, stores: Stores) -> None:
    plain = policy_with()
    await judged(store, plain, "01 09:00", Customer().event("post", "01 09:00"))

    names = (await text_of(stores)).keys()
    assert not [name for name in names if name == "segment" or ":" in name or name[:2] in ("_g", "_x")]


async def test_named_scores_are_fields_and_their_alerts_come_back(store: Store, stores: Stores) -> None:
    following(store, NAMED)
    anna = Customer(NAMED)
    await judged(store, NAMED, "01 09:00", *[anna.event("post", "01 09:00")] * 2)

    stored = await text_of(stores)
    fields = {name: stored[name] for name in stored if ":" in name}
    assert fields == {
        "score:loud": "20",
        "band:loud": "engaged",
        "trend:loud": "20",
        "score:quiet": "0",
        "band:quiet": "disengaged",
        "trend:quiet": "0",
    }
    assert all(len(value) < 64 for name, value in stored.items() if name.startswith("_x"))
    [record] = await store.load(["anna"])
    assert record.state.named is not None
    loud = record.state.named["loud"]
    assert (loud.armed, loud.alert_open, loud.band) == (True, False, 2)
    assert "quiet" not in record.state.named


async def test_a_drop_that_a_cooldown_holds_back_comes_back_too(store: Store, stores: Stores) -> None:
    following(store, NAMED)
    anna = Customer(NAMED)
    await judged(store, NAMED, "01 09:00", *[anna.event("post", "01 09:00")] * 2)
    await judged(store, NAMED, "04 01:00")
    await judged(store, NAMED, "04 02:00", *[anna.event("post", "04 02:00")] * 2)
    assert "_x!loud" not in await text_of(stores)
    impression = anna.event("impression", "04 03:00")
    await judged(store, NAMED, "04 03:00", impression)
    [record] = await store.load(["anna"])
    assert record.state.named is not None
    record.state.named["loud"].held = {"reasons": [], "previous_score": 7, "previous_band": 2}
    await write(store, anna=record)

    [record] = await store.load(["anna"])
    assert record.state.named is not None
    assert record.state.named["loud"].held == {"reasons": [], "previous_score": 7, "previous_band": 2}


async def test_scores_that_the_policy_does_not_name_any_more_are_removed(store: Store, stores: Stores) -> None:
    following(store, NAMED)
    await judged(store, NAMED, "01 09:00", Customer(NAMED).event("post", "01 09:00"))
    plain = policy_with()
    following(store, plain)
    await judged(store, plain, "01 10:00")

    assert not [name for name in await text_of(stores) if ":" in name or name[:2] == "_x"]
