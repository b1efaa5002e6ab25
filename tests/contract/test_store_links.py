"""Links: an id stands for a customer in one step, or not at all; who wrote either of them has to look again."""

from __future__ import annotations

from scoring.customer.activity import contribution
from scoring.judging.linking import merge
from scoring.judging.moment import Moment
from scoring.policy.policy import BANDS
from streams.errors import FenceMoved, VersionMoved
from streams.policy_file.document import parse_policy
from streams.store.protocol import CustomerRecord, GroupWrite, LinkWrite, Store
from tests.contract.conftest import Stores
from tests.contract.records import CLICKS, MAILS, WALL, engaged, move, raised, write, write_all
from tests.contract.test_store_erasures import scheduled
from tests.unit.scoring.customers import POLICY, at

LINKING = parse_policy(POLICY + "[identities]\n")
NOW = at("01 09:00")


async def judged(store: Store, name: str, customer: str) -> LinkWrite:
    """Load both, and make the link as a worker would."""
    of_id, into = await store.load([name, customer])
    link = LinkWrite(name, of_id.version, customer, followed={customer: into.version})
    if of_id.version:
        merge(LINKING, (customer, into.state), (name, of_id.state), Moment(NOW))
        link.record = into
    return link


async def link(store: Store, name: str, customer: str) -> None:
    """Link an id; it may not be refused."""
    assert await store.link(await judged(store, name, customer), WALL) is None


async def both(store: Store) -> None:
    """Store two customers."""
    await write(store, anna=engaged(5)[1], cookie=engaged(3)[1])


async def test_the_customer_has_both_histories_and_the_id_names_the_customer(store: Store, stores: Stores) -> None:
    await both(store)
    await link(store, "cookie", "anna")

    anna = await store.read("anna")
    assert anna is not None
    assert (anna.fields["score"], anna.fields["social"]) == ("16", "16")
    assert set(await stores.hash_of("cookie")) == {b"customer_id", b"_v"}
    assert (await stores.hash_of("cookie"))[b"customer_id"] == b"anna"
    [record] = await store.load(["cookie"])
    assert (record.stands_for, bool(record.version)) == ("anna", True)
    assert await store.read("cookie") is None


async def test_nothing_of_the_id_is_left_in_indexes_schedules_and_sums(store: Store, stores: Stores) -> None:
    await both(store)
    assert sorted(await scheduled(store)) == ["anna", "cookie"]
    await link(store, "cookie", "anna")

    assert await scheduled(store) == ["anna"]
    assert [name for band in BANDS for name in await stores.band(band)] == ["anna"]
    [anna] = await store.load(["anna"])
    assert await store.kpi.sums(spells=True) == contribution(anna.state.activity)


async def test_messages_that_wait_are_published_as_they_are(store: Store) -> None:
    cookie = engaged(3)[1]
    cookie.raised = [raised("cookie", "01 10:00")]
    await write(store, cookie=cookie)
    await link(store, "cookie", "anna")

    waiting = [entry for group in range(store.groups) for entry in await store.unpublished(group, WALL * 2, 9)]
    assert [customer for customer, _ in waiting] == ["cookie"]


async def test_what_is_raised_by_the_link_waits_for_the_customer(store: Store) -> None:
    await both(store)
    write_of_link = await judged(store, "cookie", "anna")
    assert write_of_link.record is not None
    write_of_link.record.raised = [raised("anna", "01 10:00")]
    await store.link(write_of_link, WALL)

    waiting = await store.unpublished(store.group_of("anna"), WALL * 2, 9)
    assert [customer for customer, _ in waiting] == ["anna"]


async def test_an_id_of_which_nothing_is_stored_can_be_linked_to_a_customer_like_it(store: Store) -> None:
    await link(store, "cookie", "anna")

    assert await store.ids_of("cookie") == await store.ids_of("anna") == ["anna", "cookie"]
    assert await store.read("anna") is None
    [anna] = await store.load(["anna"])
    assert (anna.version, anna.stands_for) == ("", "")
    # The first event finds nobody, and the link stays.
    await write(store, anna=engaged()[1])
    assert await store.ids_of("anna") == ["anna", "cookie"]


async def test_what_stood_for_the_id_stands_for_the_customer(store: Store) -> None:
    await both(store)
    await link(store, "tab", "cookie")
    await link(store, "cookie", "anna")
    records = await store.load(["tab", "cookie"])

    assert [record.stands_for for record in records] == ["anna", "anna"]
    ids = await store.ids_of("tab")
    assert (ids[0], set(ids[1:])) == ("anna", {"tab", "cookie"})


async def test_a_link_is_refused_whole_where_one_of_them_has_been_written(store: Store, stores: Stores) -> None:
    await both(store)
    of_link = await judged(store, "cookie", "anna")
    for name in ("cookie", "anna"):
        [written] = await store.load([name])
        await write_all(store, {name: written})
        before = [await stores.hash_of(each) for each in ("cookie", "anna")]

        assert isinstance(await store.link(of_link, WALL), VersionMoved)
        assert [await stores.hash_of(each) for each in ("cookie", "anna")] == before
        of_link = await judged(store, "cookie", "anna")
    assert await store.link(of_link, WALL) is None


async def test_a_link_is_refused_where_the_customer_has_become_anothers(store: Store) -> None:
    of_link = await judged(store, "cookie", "anna")
    await link(store, "anna", "maria")

    assert isinstance(await store.link(of_link, WALL), VersionMoved)
    assert await store.ids_of("cookie") == ["cookie"]


async def test_who_has_the_id_in_the_cache_is_refused(store: Store, stores: Stores) -> None:
    await both(store)
    cached = (await store.load(["cookie"]))[0]
    newcomer = CustomerRecord(engaged()[0].state)
    await link(store, "cookie", "anna")
    await link(store, "tab", "anna")

    for name, record in (("cookie", cached), ("tab", newcomer)):
        refused = (await store.apply([GroupWrite(store.group_of(name), customers={name: record})], WALL))[0]
        assert isinstance(refused, VersionMoved)
        assert refused.customers == (name,)
    assert set(await stores.hash_of("tab")) == {b"customer_id", b"_v"}


async def test_a_link_is_refused_where_its_writer_does_not_know_of_an_erasure(store: Store) -> None:
    await both(store)
    of_link = await judged(store, "cookie", "anna")
    for erased in ("cookie", "anna"):
        await store.erase(next(each for each in neighbours(store, erased)), "d" * 31 + erased[0], WALL, 6)
        assert isinstance(await store.link(of_link, WALL), FenceMoved)
    of_link.erasures = 7
    assert await store.link(of_link, WALL) is None


def neighbours(store: Store, customer: str) -> list[str]:
    """Name others of a customer's group."""
    return [name for name in map(str, range(2000)) if store.group_of(name) == store.group_of(customer)]


async def apart(store: Store) -> tuple[GroupWrite, GroupWrite]:
    """Make the writes of two groups: the fence of one, and a customer of the other."""
    mine = store.group_of("anna")
    other = (mine + 1) % store.groups
    return GroupWrite(other, [move(CLICKS, None, 5)]), GroupWrite(
        mine, [move(MAILS, None, 7)], {}, {"anna": engaged()[1]}
    )


async def test_several_groups_are_written_together(store: Store, stores: Stores) -> None:
    await link(store, "cookie", "anna")
    [followed] = await store.load(["cookie"])
    one, other = await apart(store)

    assert await store.apply_together([one, other], {"cookie": followed.version}, WALL) is None
    fences = await store.fences([CLICKS, MAILS])
    assert [fences[CLICKS][one.group], fences[MAILS][other.group]] == [
        (5, one.fences[0].moved.newest),
        (7, other.fences[0].moved.newest),
    ]
    assert await stores.hash_of("anna")
    # The records go on from what has been written.
    assert await store.apply([GroupWrite(other.group, customers=other.customers)], WALL) == [None]


async def test_of_several_groups_none_is_written_where_one_is_refused(store: Store, stores: Stores) -> None:
    await link(store, "cookie", "anna")
    [followed] = await store.load(["cookie"])
    versions = {"cookie": followed.version}
    one, other = await apart(store)
    wrong = GroupWrite(other.group, [move(MAILS, 3, 7)], {}, other.customers)

    assert isinstance(await store.apply_together([one, wrong], versions, WALL), FenceMoved)
    assert isinstance(await store.apply_together([wrong, one], versions, WALL), FenceMoved)
    refused = await store.apply_together([one, other], {"cookie": "another"}, WALL)
    assert isinstance(refused, VersionMoved)
    assert refused.customers == ("cookie",)
    other.customers["anna"].version = "another"
    refused = await store.apply_together([one, other], {"cookie": "another"}, WALL)
    assert isinstance(refused, VersionMoved)
    assert set(refused.customers) == {"anna", "cookie"}
    assert (await store.fences([CLICKS]))[CLICKS] == [None] * store.groups
    assert b"score" not in await stores.hash_of("anna")


async def test_erasing_a_customer_takes_the_linked_ids_along(store: Store, stores: Stores) -> None:
    await both(store)
    await link(store, "cookie", "anna")
    await link(store, "tab", "anna")
    await store.erase("anna", "d" * 32, WALL, 6)

    assert [await stores.hash_of(name) for name in ("anna", "cookie", "tab")] == [{}, {}, {}]
    assert await store.kpi.sums(spells=True) == {}


async def test_erasing_a_linked_id_takes_it_from_its_customer(store: Store, stores: Stores) -> None:
    await both(store)
    await link(store, "cookie", "anna")
    await store.erase("cookie", "d" * 32, WALL, 6)

    assert await stores.hash_of("cookie") == {}
    assert await store.ids_of("anna") == ["anna"]
    assert await store.read("anna") is not None
