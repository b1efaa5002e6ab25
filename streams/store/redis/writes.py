"""The words in which the function library gets writes.

Rests on decisions 28 and 45.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from itertools import count

from scoring.instants import MILLISECOND
from scoring.policy.policy import BANDS, Policy
from streams.store.fields.absence_fields import schedule_change
from streams.store.fields.bookkeeping import encode_fence, encode_message
from streams.store.fields.customer_writing import encode, index_changes
from streams.store.protocol import GroupWrite, LinkWrite
from streams.store.sums.gains import Additions, gains_of, words_of

Words = list[str | int]


class WriteWords:
    """Writes down what is to be written; each write gets versions that no other has had."""

    def __init__(self, prefix: str, policy: Policy) -> None:
        """Prepare.

        Args:
            prefix: of every key.
            policy: in force.
        """
        self._prefix = prefix
        self._policy = policy
        self._digest = ""
        self._writer = secrets.token_urlsafe(4)
        self._writes = count(1)

    def follow(self, policy: Policy, digest: str) -> None:
        """Write by another policy.

        Args:
            policy: in force from now on.
            digest: of it.
        """
        self._policy, self._digest = policy, digest

    def of_group(self, write: GroupWrite, now: int) -> tuple[Words, list[str]]:
        """Write down what `apply` takes, and the versions that the customers will have.

        Args:
            write: of one group.
            now: the wall clock, in microseconds.
        """
        arguments: Words = [self._prefix, write.group, now // MILLISECOND, len(write.fences)]
        for fence in write.fences:
            expected = "" if fence.expected is None else fence.expected
            arguments += (fence.partition.label, expected, encode_fence(fence.moved))
        arguments.append(len(write.least))
        for partition, offset in write.least.items():
            arguments += (partition.label, offset)
        arguments.append(len(write.customers))
        versions = []
        scheduled: Words = []
        for customer, record in write.customers.items():
            version = self._version()
            versions.append(version)
            arguments += (customer, record.version, *index_changes(record), len(record.raised))
            fields, removed = encode(self._policy, record, version)
            arguments += (len(fields), len(removed))
            for message in record.raised:
                arguments += (message.name, encode_message(message))
            arguments += fields
            arguments += removed
            if record.absence != record.encoded_absence and (change := schedule_change(record, write.group)):
                scheduled += (customer, *change)
        arguments += words_of(gains_of(self._policy, write.customers.values()))
        arguments += (len(scheduled) // 4, *scheduled)
        arguments += (self._digest if write.customers else "", write.erasures)
        return arguments, versions

    def of_groups(
        self, writes: Sequence[GroupWrite], followed: Mapping[str, str], now: int
    ) -> tuple[Words, list[list[str]]]:
        """Write down what `apply_together` takes, and the versions that the customers of each group will have.

        Args:
            writes: one per group.
            followed: the versions of linked ids.
            now: the wall clock, in microseconds.
        """
        words: Words = [self._prefix, *_versions(followed)]
        versions = []
        for write in writes:
            arguments, made = self.of_group(write, now)
            words += (len(arguments), *arguments)
            versions.append(made)
        return words, versions

    def of_link(self, write: LinkWrite, groups: tuple[int, int], left: Additions, now: int) -> Words:
        """Write down what `link` takes.

        Args:
            write: see there.
            groups: of the id and of the customer.
            left: what the id leaves, to be added to the sums.
            now: the wall clock, in microseconds.
        """
        group, customers_group = groups
        words: Words = [self._prefix, group, write.id, write.customer, self._version(), write.erasures]
        words += _versions({write.id: write.version, **write.followed})
        words += words_of(left)
        words += (len(BANDS), *BANDS)
        customers = {write.customer: write.record} if write.record is not None else {}
        arguments, _ = self.of_group(GroupWrite(customers_group, (), write.least, customers, write.erasures), now)
        return words + arguments

    def _version(self) -> str:
        return f"{self._writer}{next(self._writes)}"


def _versions(ids: Mapping[str, str]) -> Words:
    return [len(ids), *[word for pair in ids.items() for word in pair]]
