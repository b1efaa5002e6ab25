"""The store in Redis 7 or Valkey; every write is one server-side function call for each fence group.

Rests on decision 67.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from functools import lru_cache
from typing import Any, cast

from redis.crc import key_slot
from redis.exceptions import ResponseError

from scoring.customer.state import NONE
from scoring.events.unknown_names import MOST_NAMES, Names
from scoring.feeds.feeds import MOST_STRETCHES, Stretch
from scoring.feeds.watermark import Mark
from scoring.instants import MILLISECOND, MINUTE, SECOND
from scoring.policy.policy import BANDS, Policy
from streams.errors import AccessDenied, FenceMoved, UnreadableCustomer, VersionMoved
from streams.records import Message, Partition
from streams.settings.settings import Settings
from streams.store.fields.bookkeeping import (
    HOURS_KEPT,
    counts_of_day,
    decode_feeds,
    decode_fence,
    decode_marks,
    decode_message,
    decode_offsets,
    encode_mark,
    encode_stretches,
)
from streams.store.fields.customer_reading import decode, decode_all, fields_in
from streams.store.fields.customer_writing import linked_ids, settle_all, stands_for
from streams.store.policies import PolicyStore
from streams.store.protocol import CustomerRecord, Fence, GroupWrite, LinkWrite, StoredFeed
from streams.store.redis.absences import RedisAbsences
from streams.store.redis.errors import refusal
from streams.store.redis.figures import RedisKpi
from streams.store.redis.policies import RedisPolicies
from streams.store.redis.server import WORKER, Role
from streams.store.redis.session import FEED_LIBRARY, LIBRARY, RedisSession
from streams.store.redis.wire import Words
from streams.store.redis.writes import WriteWords
from streams.store.sums.gains import words_of
from streams.store.sums.shares import leaving

#: Fence groups on one server: few enough that a batch has customers for each, so many that one call stays short.
GROUPS = 16
_SLOTS = 16384
_GROUPS_REMEMBERED = 50_000
#: Customers that one call reads, so that it does not hold the server for long.
_LOADED_AT_ONCE = 500
_SCANNED_AT_ONCE = 1_000
_LEASE = 3 * SECOND


class RedisStore(RedisSession):
    """See `streams.store.protocol.Store` for the contract."""

    groups = GROUPS

    def __init__(self, settings: Settings, role: Role = WORKER) -> None:
        """Prepare, without connecting.

        Args:
            settings: name the server, the namespace and the policy.
            role: what will be done, and the user must be allowed to do.
        """
        super().__init__(settings, role, {"groups": str(GROUPS)})
        self._policy = settings.policy
        self._grouping_prefix = self._prefix
        self._words = WriteWords(self._prefix, settings.policy)
        self.kpi = RedisKpi(self._prefix, LIBRARY, GROUPS, self._send)
        self.absences = RedisAbsences(self._prefix, LIBRARY, GROUPS, _LEASE // MILLISECOND, self._send)
        self.group_of = lru_cache(maxsize=_GROUPS_REMEMBERED)(self._group_of)
        self.policies: PolicyStore = RedisPolicies(self._send, self._prefix)

    def follow(self, policy: Policy, digest: str) -> None:
        """Read and write by another policy."""
        self._policy = policy
        self._words.follow(policy, digest)

    def _group_of(self, customer: str) -> int:
        """Return the fence group by the hash slot of the customer's key."""
        return key_slot(f"{self._grouping_prefix}customer:{customer}".encode()) * GROUPS // _SLOTS

    async def fences(self, partitions: Sequence[Partition]) -> dict[Partition, list[Fence | None]]:
        """Read the fences."""
        if not partitions:
            return {}
        labels = [partition.label for partition in partitions]
        by_group = await self._send([["HMGET", self._fences_key(group), *labels] for group in range(GROUPS)])
        return {partition: [decode_fence(row[index]) for row in by_group] for index, partition in enumerate(partitions)}

    async def logs(self, partitions: Sequence[Partition]) -> dict[Partition, str]:
        """Return the log of which the fences speak."""
        if not partitions:
            return {}
        [noted] = await self._send([["HMGET", self._logs_key, *[partition.label for partition in partitions]]])
        return {partition: log or "" for partition, log in zip(partitions, noted, strict=True)}

    async def note_logs(self, logs: Mapping[Partition, str]) -> None:
        """Note of which log the fences speak."""
        if logs:
            words = [word for partition, log in logs.items() for word in (partition.label, log)]
            await self._send([["HSET", self._logs_key, *words]])

    async def load(self, customers: Sequence[str]) -> list[CustomerRecord]:
        """Read customers."""
        key = self._fences_key(0)
        commands: list[Words] = [
            ["FCALL", f"{LIBRARY}_load", 1, key, self._prefix, *customers[start : start + _LOADED_AT_ONCE]]
            for start in range(0, len(customers), _LOADED_AT_ONCE)
        ]
        found = [flat for answer in await self._send(commands) for flat in answer]
        return decode_all(self._policy, [*map(fields_in, found)], [self._key(customer) for customer in customers])

    async def apply(self, writes: Sequence[GroupWrite], now: int) -> list[FenceMoved | VersionMoved | None]:
        """Write groups."""
        commands: list[list[str | int]] = []
        versions: list[list[str]] = []
        for write in writes:
            arguments, made = self._words.of_group(write, now)
            versions.append(made)
            commands.append(["FCALL", f"{LIBRARY}_apply", 1, self._fences_key(write.group), *arguments])
        answers = await self._send(commands)
        results: list[FenceMoved | VersionMoved | None] = []
        for write, made, answer in zip(writes, versions, answers, strict=True):
            results.append(refusal(answer))
            if results[-1] is None:
                settle_all(write.customers.values(), made)
        return results

    async def apply_together(
        self, writes: Sequence[GroupWrite], followed: Mapping[str, str], now: int
    ) -> FenceMoved | VersionMoved | None:
        """Write several groups, all of them or none."""
        words, versions = self._words.of_groups(writes, followed, now)
        answer = await self._call("apply_together", self._fences_key(writes[0].group), *words)
        refused = refusal(answer)
        if refused is None:
            for write, made in zip(writes, versions, strict=True):
                settle_all(write.customers.values(), made)
        return refused

    async def link(self, write: LinkWrite, now: int) -> FenceMoved | VersionMoved | None:
        """Make an id stand for a customer."""
        groups = self.group_of(write.id), self.group_of(write.customer)
        fields = await self._fields_of(write.id)
        if fields.get("_v", "") != write.version:
            return VersionMoved([write.id])
        words = self._words.of_link(write, groups, leaving(fields), now)
        return refusal(await self._call("link", self._fences_key(groups[0]), *words))

    async def ids_of(self, customer: str) -> list[str]:
        """List all ids of a customer."""
        fields = await self._hash_of(customer)
        if whose := stands_for(fields):
            customer, fields = whose, await self._hash_of(whose)
        return [customer, *linked_ids(fields)]

    async def _hash_of(self, customer: str) -> dict[str, str]:
        if fields := await self._hash_at(self._key(customer)):
            return fields
        try:
            return await self._hash_at(self._unscored_key(customer))
        except AccessDenied:
            return {}  # who may only read scores

    async def _hash_at(self, key: str) -> dict[str, str]:
        async with self._mapped_errors(f"HGETALL on keys that begin with {self._key('')!r}"):
            try:
                return await cast("Awaitable[dict[str, str]]", self._client.hgetall(key))
            except ResponseError as error:
                if str(error).startswith("WRONGTYPE"):
                    raise UnreadableCustomer(key, held="value of another kind") from error
                raise

    async def waiting(self, group: int, names: Mapping[str, Sequence[str]]) -> list[tuple[str, Message]]:
        """Read messages of the outbox."""
        return await self._messages(group, _entries(names))

    async def _messages(self, group: int, entries: Sequence[str]) -> list[tuple[str, Message]]:
        if not entries:
            return []
        [found] = await self._send([["HMGET", f"{self._prefix}_messages:{group}", *entries]])
        return [
            (entry.partition(" ")[2], decode_message(words))
            for entry, words in zip(entries, found, strict=True)
            if words is not None
        ]

    async def published(self, names: Mapping[int, Mapping[str, Sequence[str]]]) -> None:
        """Take messages out of the outbox."""
        function = f"{LIBRARY}_published"
        await self._send(
            [
                ["FCALL", function, 1, self._fences_key(group), self._prefix, group, *_entries(by_customer)]
                for group, by_customer in names.items()
            ]
        )

    async def due(self, group: int, *, crossing: bool, until: int, limit: int, worker: str) -> list[str]:
        """List customers that are due."""
        kind = "crossings" if crossing else "refreshes"
        lease = _LEASE // MILLISECOND
        key = self._fences_key(group)
        return cast("list[str]", await self._call("due", key, self._prefix, group, kind, until, limit, worker, lease))

    async def unschedule(self, group: int, customers: Mapping[str, str]) -> None:
        """Forget schedules."""
        words = [word for pair in customers.items() for word in pair]
        await self._call("unschedule", self._fences_key(group), self._prefix, group, *words)

    async def unpublished(self, group: int, before: int, limit: int) -> list[tuple[str, Message]]:
        """Read messages that wait."""
        key = f"{self._prefix}_outbox:{group}"
        [waiting] = await self._send([["ZRANGEBYSCORE", key, "-inf", before // MILLISECOND, "LIMIT", 0, limit]])
        return await self._messages(group, waiting)

    async def exchange_marks(self, marks: Mapping[Partition, Mark]) -> dict[Partition, Mark]:
        """Report and read marks."""
        words = [word for partition, mark in marks.items() for word in (partition.label, encode_mark(mark))]
        answer = await self._call("marks", f"{self._prefix}_marks", self._prefix, GROUPS, MINUTE, *words)
        return decode_marks(fields_in(answer))

    async def exchange_feeds(
        self, activity: Mapping[str, Sequence[Stretch]], apart: Mapping[str, int]
    ) -> dict[str, StoredFeed]:
        """Add stretches of events."""
        words: list[str | int] = []
        for channel, stretches in activity.items():
            words += (channel, apart[channel], encode_stretches(stretches))
        answer = await self._call_feeds("exchange", MOST_STRETCHES, *words)
        return decode_feeds(fields_in(answer))

    async def note_told(self, channel: str, expected: str, told: str) -> bool:
        """Store what has been reported of a feed."""
        return bool(await self._call_feeds("note", channel, expected, told))

    async def _call_feeds(self, function: str, *arguments: str | int) -> Any:
        return (await self._send([["FCALL", f"{FEED_LIBRARY}_{function}", 1, f"{self._prefix}_feeds", *arguments]]))[0]

    async def note_unknown_types(self, hour: int, counts: Names) -> None:
        """Count events of types that the policy does not name."""
        words = [word for (channel, kind), count in counts.items() for word in (f"{hour}\n{channel}\n{kind}", count)]
        await self._call("note_types", f"{self._prefix}_unknown_types", hour - HOURS_KEPT + 1, MOST_NAMES, *words)

    async def unknown_types(self, hour: int) -> Names:
        """Give the counts of the last day."""
        [answer] = await self._send([["HGETALL", f"{self._prefix}_unknown_types"]], foreign=True)
        return counts_of_day(fields_in(answer or ()), hour)

    async def erase(self, customer: str, digest: str, erased_at: int, place: int) -> dict[Partition, int] | None:
        """Remove every trace of a customer."""
        group = self.group_of(customer)
        answer = ["version"]
        while answer == ["version"]:
            # What the customer leaves in the sums has to go in the same call.
            fields = await self._fields_of(customer)
            words = (self._prefix, group, digest, erased_at, place, customer, fields.get("_v", ""))
            additions = words_of(leaving(fields))
            answer = await self._call("erase", self._fences_key(group), *words, *additions, *BANDS)
        if not answer:
            return None
        return {} if answer == ["absent"] else decode_offsets(fields_in(answer))

    async def _fields_of(self, customer: str) -> dict[str, str]:
        [flat] = await self._call("load", self._fences_key(0), self._prefix, customer)
        return fields_in(flat)

    async def erased(self) -> dict[str, int]:
        """Return which erasures have been carried out."""
        [stored] = await self._send([["HGETALL", self._erased_key]])
        return {digest: int(time) for digest, time in fields_in(stored).items() if digest != "n"}

    async def erasures_carried_out(self) -> int:
        """Count the erasures that have been carried out."""
        [number] = await self._send([["HGET", self._erased_key, "n"]])
        return int(number or 0)

    async def require_erasures(self, known: int) -> None:
        """Refuse writers who have not read the erasures so far."""
        await self._send(
            [["FCALL", f"{LIBRARY}_require_erasures", 1, self._fences_key(group), known] for group in range(GROUPS)]
        )

    async def settle_erasures(self, erasures: Mapping[str, int]) -> None:
        """Note that nothing is left to do for erasures."""
        words = [word for digest, time in erasures.items() for word in (digest, time)]
        for start in range(0, len(words), 2 * _LOADED_AT_ONCE):
            await self._call("settle_erasures", self._erased_key, *words[start : start + 2 * _LOADED_AT_ONCE])

    async def customers(self) -> AsyncIterator[list[str]]:
        """Go through the ids of all customers."""
        cursor = 0
        starts = self._key(""), self._unscored_key("")
        while True:
            async with self._mapped_errors():
                # Of both in one pass, as each is one over all keys.
                match = f"{self._prefix}[c_]*"
                cursor, keys = await self._client.scan(cursor, match=match, count=_SCANNED_AT_ONCE)
            found = cast("list[str]", keys)
            yield [key[len(start) :] for key in found for start in starts if key.startswith(start)]
            if not cursor:
                return

    async def forget_mark(self, partition: Partition) -> None:
        """Take a mark back."""
        async with self._mapped_errors():
            await self._client.hdel(f"{self._prefix}_marks", partition.label)

    async def read(self, customer: str) -> CustomerRecord | None:
        """Read one customer for display."""
        fields = await self._hash_of(customer)
        record = decode(self._policy, fields, self._key(customer))
        record.fields = {name: value for name, value in fields.items() if not name.startswith("_")}
        return record if record.version and record.state.judged != NONE else None

    async def band_counts(self) -> dict[str, int]:
        """Count the customers in each band."""
        counts = await self._send([["ZCARD", f"{self._prefix}band:{band}"] for band in BANDS])
        return dict(zip(BANDS, counts, strict=True))

    def _key(self, customer: str) -> str:
        return f"{self._prefix}customer:{customer}"

    def _unscored_key(self, customer: str) -> str:
        """Name the key of a customer without a score: readers must find no hash that lacks what they read."""
        return f"{self._prefix}_unscored:{customer}"

    @property
    def _erased_key(self) -> str:
        return f"{self._prefix}_erased"

    @property
    def _logs_key(self) -> str:
        # Beside the fences, so that who may read or write these may do so here.
        return f"{self._prefix}_fences:logs"

    def _fences_key(self, group: int) -> str:
        return f"{self._prefix}_fences:{group}"


def _entries(names: Mapping[str, Sequence[str]]) -> list[str]:
    return [f"{name} {customer}" for customer, some in names.items() for name in some]
