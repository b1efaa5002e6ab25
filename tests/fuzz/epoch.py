"""One epoch: some thousand records through decoding, scoring and storing, every one of them accounted for."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Sequence

from scoring.instants import HOUR, MINUTE, SECOND
from scoring.judging.moment import Moment
from streams.kafka.publisher import _dead_letter
from streams.records import DeadLetter, DecodedBatch, Partition
from streams.rounds.round_queue import Submission
from tests.fuzz.accounts import Accepted, Accounts, DifferenceError
from tests.fuzz.contract import AHEAD, EVENT, Verdict, judge
from tests.fuzz.mutations import Mutator
from tests.reference import brute_force
from tests.unit.streams.bench import Bench

#: Records of one epoch; customers and clock begin anew with each.
EPOCH = 25_000
POLICY = """
version = "fuzz-1"
[window]
length = "30d"
pane = "1d"
trend = "7d"
[bands]
disengaged = 0
engaged = 41
highly_engaged = 71
power = 101
[alerts]
rearm_margin = 5
cooldown = "24h"
[clock]
lateness = "0s"
idle_after = "10s"
[channels.clickstream]
topic = "clickstream"
weights = { page_view = 1, click = 1.25, search = 2, session_start = 3, add_to_cart = 5, purchase = 20, invite = 15 }
cap = { page_view = 5, click = 5, search = 5 }
[channels.email]
topic = "email"
weights = { delivered = 0, open = 1, click = 5, reply = 8, bounce = -5.5, unsubscribe = -40, complaint = -60 }
cap = { open = 5, bounce = 2 }
[channels.social]
topic = "social"
weights = { impression = 0, like = 1, retweet = 3, tag = 3, share = 4, comment = 4, mention = 4, reply = 5, \
follow = 5, unfollow = -10 }
cap = { like = 10 }
"""
_START = 1_767_312_000 * SECOND  # the second day of 2026
_REMEMBERED = 72 * HOUR
_HEADERS = ("dlq.reason", "dlq.detail", "dlq.topic", "dlq.partition", "dlq.offset")


class Epoch:
    """Runs the product on mutated records and compares what it makes of each with the oracle's verdict."""

    def __init__(self, seed: int, number: int) -> None:
        """Prepare.

        Args:
            seed: of the run.
            number: of the epoch; decides the clock as well.
        """
        self.dice = random.Random(f"{seed}/{number}")
        self.clock = ("stream", "wall")[number % 2]
        self.bench = Bench(clock=self.clock, text=POLICY)
        self.bench.now = _START
        # Customers are read back from their stored form nearly every time.
        self.bench.scorer._cache._most = 20
        policy = self.bench.policy
        self.window = policy.length if self.clock == "wall" else 0
        self.types = {channel.name: [kind.name for kind in channel.types] for channel in policy.channels}
        self.partitions = {channel: Partition(channel, 0) for channel in self.types}
        self._mutator = Mutator(self.dice, self.types, policy.length)
        self.rule = brute_force.parse_policy(POLICY)
        self.customers: dict[str, Accepted] = defaultdict(Accepted)
        self.outcomes: Counter[str] = Counter()
        self.scored: Counter[str] = Counter()
        self._offsets = dict.fromkeys(self.types, 0)
        self._evaluated = 0
        self._read: Counter[tuple[str, str]] = Counter()

    async def run(self, records: int = EPOCH) -> Counter[str]:
        """Send records in rounds.

        Args:
            records: how many.

        Returns:
            How many came to which end.

        Raises:
            DifferenceError: if the product and the oracle do not agree, or the product fails.
        """
        await self.bench.assign(*self.partitions.values())
        while sum(self.outcomes.values()) < records:
            await self._round()
        await self._finish()
        return self.outcomes

    async def _round(self) -> None:
        bench, dice = self.bench, self.dice
        bench.now += dice.choice((1, 1_000, 60, 3_600 * 2, 3_600 * 20)) * dice.randrange(1, 1_000_001)
        bench.clock.report(dict.fromkeys(self.partitions.values(), True), 1)
        # An id is remembered from the evaluation on; on the stream clock that may be as old as the event itself.
        self._evaluated = bench.clock.evaluation()[0] if self.window else 0
        submissions = []
        for channel in dice.sample(list(self.types), dice.randrange(1, 4)):
            values, verdicts = self._draw(channel, dice.choice((1, 20, 200, 1_000)))
            gap = dice.choice((0, 0, 0, 5))
            submission = self.decoded(channel, values, gap)
            self.compare(channel, values, verdicts, submission.batch)
            submissions.append(submission)
            if dice.random() < 0.1:
                submissions.append(self.decoded(channel, values, gap))
                self._count_read(channel, verdicts, submission.batch)
            self._offsets[channel] += gap + len(values)
        letters = len(bench.publisher.dead_letters)
        try:
            await bench.apply(*submissions)
        except Exception as error:
            raise DifferenceError(f"a round has failed: {error!r}", *self._to_blame(submissions)) from error
        self._check_letters(bench.publisher.dead_letters[letters:], submissions)

    def _draw(self, channel: str, count: int) -> tuple[list[bytes | None], list[Verdict]]:
        """Draw records, but for copies so late that they may count or not, and let the oracle judge them."""
        values: list[bytes | None] = []
        verdicts: list[Verdict] = []
        now = self.bench.now
        while len(values) < count:
            value = self._mutator.draw(channel, now)
            verdict = judge(value, now, now // 1000 * 1000, self.window)
            if verdict.event_id is not None:
                key = (channel, verdict.event_id)
                since = self.customers[verdict.customer].ids.get(key) if verdict.customer in self.customers else None
                if since is not None and now + AHEAD - since > _REMEMBERED:
                    continue
            values.append(value)
            verdicts.append(verdict)
        return values, verdicts

    def _accept(self, channel: str, verdict: Verdict) -> None:
        customer = self.customers[verdict.customer]
        if verdict.event_id is not None:
            key = (channel, verdict.event_id)
            if key in customer.ids:
                customer.duplicates += 1
                return
            customer.ids[key] = max(self._evaluated, verdict.time)
        customer.events.append(brute_force.Event(verdict.time, channel, verdict.type))

    def decoded(self, channel: str, values: list[bytes | None], gap: int) -> Submission:
        """Let the product decode values as one batch, `gap` offsets after what came before."""
        base = self._offsets[channel]
        try:
            return self.bench.submission(base, *values, partition=self.partitions[channel], first=base + gap)
        except Exception as error:
            blamed = next((value for value in values if self._fails(channel, value)), None)
            raise DifferenceError(f"decoding has failed: {error!r}", blamed, self.bench.now, channel) from error

    def _fails(self, channel: str, value: bytes | None) -> bool:
        try:
            self.bench.submission(0, value, partition=self.partitions[channel])
        except Exception:  # noqa: BLE001 - whatever a record can bring about
            return True
        return False

    def _to_blame(self, submissions: list[Submission]) -> tuple[bytes | None, int, str]:
        batches = [submission.batch.raw for submission in submissions if submission.batch.raw.records]
        if len(batches) == 1 and len(batches[0].records) == 1:
            return batches[0].records[0].value, self.bench.now, batches[0].partition.topic
        return None, self.bench.now, ""

    # --- Record by record

    def compare(self, channel: str, values: list[bytes | None], verdicts: list[Verdict], batch: DecodedBatch) -> None:
        """Compare what has become of each record with its verdict."""
        events = {offset: (customer, event) for offset, customer, event in batch.events}
        reasons = {letter.record.offset: letter.reason for letter in batch.dead_letters}
        if len(events) != len(batch.events) or len(reasons) != len(batch.dead_letters) or events.keys() & reasons:
            raise DifferenceError("a record has come to two ends")
        first = batch.raw.records[0].offset
        for offset, (value, verdict) in enumerate(zip(values, verdicts, strict=True), first):
            outcome = EVENT if offset in events else reasons.get(offset, "outdated")
            if outcome not in verdict.outcomes:
                message = f"became {outcome}, and should be {' or '.join(sorted(verdict.outcomes))}"
                raise DifferenceError(message, value, self.bench.now, channel)
            self.outcomes[outcome] += 1
            if offset in events:
                customer, event = events[offset]
                known = self.bench.policy.types.get(event.code)
                name = known.name if known and event.code else None
                expected = verdict.type if verdict.type in self.types[channel] else None
                if (customer, name) != (verdict.customer, expected) or abs(event.time - verdict.time) > 1:
                    message = f"read as {customer!r}, {event}, and should be {verdict}"
                    raise DifferenceError(message, value, self.bench.now, channel)
                self._accept(channel, verdict)
        self._count_read(channel, verdicts, batch)

    def _count_read(self, channel: str, verdicts: list[Verdict], batch: DecodedBatch) -> None:
        offsets = {offset for offset, _, _ in batch.events}
        first = batch.raw.records[0].offset
        accepted = [verdict for offset, verdict in enumerate(verdicts, first) if offset in offsets]
        self._read[channel, "read"] += len(verdicts)
        self._read[channel, "dead_letter"] += len(batch.dead_letters)
        self._read[channel, "outdated"] += len(verdicts) - len(accepted) - len(batch.dead_letters)
        self._read[channel, "unknown_type"] += sum(each.type not in self.types[channel] for each in accepted)

    def _check_letters(self, letters: Sequence[DeadLetter], submissions: list[Submission]) -> None:
        bad = {
            (submission.batch.raw.partition, letter.record.offset): letter.record
            for submission in submissions
            for letter in submission.batch.dead_letters
        }
        told = {(letter.partition, letter.record.offset): letter.record for letter in letters}
        if len(letters) != len(bad) or told != bad:
            raise DifferenceError(f"{len(bad)} records were bad, and {len(letters)} dead letters came")
        for letter in letters:
            _, key, value, headers = _dead_letter(letter)
            record = letter.record
            written = dict(headers)
            where = (letter.partition.topic, str(letter.partition.number), str(record.offset))
            right = tuple(header for header, _ in headers) == _HEADERS and (key, value) == (record.key, record.value)
            right = right and tuple(written[name].decode() for name in _HEADERS[2:]) == where
            if not right or len(written["dlq.detail"].decode()) > 500 or not written["dlq.detail"]:
                raise DifferenceError(f"the dead letter has {headers}", record.value, self.bench.now, where[0])

    # --- The sums

    async def _finish(self) -> None:
        """Judge all customers once more, and compare what they have with what they should."""
        bench = self.bench
        bench.now += self.dice.randrange(1, 48 * 60) * MINUTE
        bench.clock.report(dict.fromkeys(self.partitions.values(), True), 1)
        now, horizon = bench.clock.evaluation()
        by_group = defaultdict(list)
        for customer in bench.store.hashes:
            by_group[bench.store.group_of(customer)].append(customer)
        for group, customers in by_group.items():
            await bench.scorer.evaluate(group, customers, Moment(now, horizon))
        self.scored.update(
            await Accounts(bench, self.rule, self.types).settle(self.customers, self._read, now, horizon)
        )
