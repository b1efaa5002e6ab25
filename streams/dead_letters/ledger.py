"""Which dead letters have been replayed: a topic of its own says so, written in one transaction with the records.

Rests on decision 40.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import orjson

from streams.dead_letters.letter import Letter
from streams.kafka.topic_ids import topic_ids
from streams.kafka.topic_range import open_range
from streams.settings.settings import Settings
from streams.topic_names import DEAD_LETTER_REPLAYS, DEAD_LETTERS


class ReplayLedger:
    """The places of the letters that have been replayed."""

    def __init__(self, log: str = "") -> None:
        """Start with none.

        Args:
            log: the id of the topic of dead letters, '' where Kafka tells none; places in another log under the same
                name do not count.
        """
        self.log = log
        self._offsets: dict[int, set[int]] = defaultdict(set)

    def __contains__(self, letter: Letter) -> bool:
        """Return whether a letter has been replayed."""
        return letter.offset in self._offsets.get(letter.partition, ())

    def __len__(self) -> int:
        """Count them."""
        return sum(map(len, self._offsets.values()))

    def note(self, value: bytes | None) -> None:
        """Take over what one record says.

        Args:
            value: as `written` makes it; anything else is passed over.
        """
        try:
            body = orjson.loads(value or b"{}")
            if "" not in (log := body.get("log", ""), self.log) and log != self.log:
                return
            for partition, offsets in body["replayed"].items():
                self._offsets[int(partition)].update(map(int, offsets))
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError):
            return


def written(letters: Iterable[Letter], log: str = "") -> bytes:
    """Write down that letters have been replayed.

    Args:
        letters: of one transaction.
        log: the id of the topic that they stand in, '' where Kafka tells none.

    Returns:
        The value of the record that says so: offsets by partition of the topic of dead letters.
    """
    places: dict[str, list[int]] = defaultdict(list)
    for letter in letters:
        places[str(letter.partition)].append(letter.offset)
    return orjson.dumps({"replayed": places, "log": log})


async def read_replayed(settings: Settings) -> ReplayLedger:
    """Read which letters have been replayed.

    Args:
        settings: name the brokers and how to get in.

    Returns:
        All whose replay has been committed.

    Raises:
        BrokerUnavailable: if Kafka does not answer.
    """
    letters = settings.written(DEAD_LETTERS)
    replayed = ReplayLedger((await topic_ids(settings, [letters]))[letters])
    async with open_range(settings, settings.written(DEAD_LETTER_REPLAYS)) as topic:
        async for records in topic.batches():
            for record in records:
                replayed.note(record.value)
    return replayed
