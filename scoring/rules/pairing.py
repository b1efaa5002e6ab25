"""Pairing: what several events of one object make of each other, such as a like and the unlike that takes it back.

Everything here follows from the times of the events and never from the order in which they came. What an action counts
hangs on those after it, or at most `reach` before it, and on nothing older; so the older ones can be forgotten.

Rests on decisions 11 and 24.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from scoring.rules.details import MEASURED, is_sum

#: What is added to panes: by number of the pane and code.
Counts = dict[int, dict[str, int]]


class Action(NamedTuple):
    """One event of an object: its time (microseconds), the code of its type, and the amounts that it added."""

    time: int
    code: str
    amounts: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Retraction:
    """A type whose events each take back one action of the object, by the codes of the types."""

    code: str
    takes_back: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Gateway:
    """A type whose events are a machine's if they come `within` (microseconds) after another.

    They count as another type, `name`, under the code `apart`.
    """

    code: str
    after: str
    within: int
    name: str
    apart: str


@dataclass(frozen=True, slots=True)
class Duration:
    """The time from each event of some types to the next of some others.

    How many there are, and the sum of them in microseconds, are counted under codes of their own.
    """

    name: str
    start: tuple[str, ...]
    end: tuple[str, ...]
    count: str
    total: str


@dataclass(frozen=True, slots=True)
class TakenBack:
    """Counts, under a code of its own, what one type has taken back of another: in the pane where it had counted."""

    by: str
    of: str
    code: str


def taken_back_code(channel: str, by: str, of: str) -> str:
    """Make the code under which is counted what one type has taken back of another.

    Args:
        channel: the channel's name.
        by: the type that takes back.
        of: the type that is taken back.

    Returns:
        18 bits of a BLAKE2b digest after a mark.
    """
    return _measured(hashlib.blake2b(f"{channel}\0{by}\0{of}\0taken back".encode(), digest_size=3).digest())


def duration_codes(channel: str, name: str) -> tuple[str, str]:
    """Make the codes under which a duration is counted.

    Args:
        channel: the channel's name.
        name: of the duration.

    Returns:
        The code of how many there are, and that of their sum: 18 bits of a BLAKE2b digest after a mark.
    """
    count, total = (
        hashlib.blake2b(f"{channel}\0{name}\0{what}".encode(), digest_size=3).digest() for what in ("count", "total")
    )
    return _measured(count), _measured(total)


def _measured(digest: bytes) -> str:
    return MEASURED + base64.urlsafe_b64encode(digest).decode()[:3]


@dataclass(frozen=True, slots=True)
class Pairing:
    """What holds between the types of one channel whose events name their object by the same property, the `key`.

    `codes` are those of the types, in the order of the policy.
    """

    key: str
    codes: tuple[str, ...]
    retractions: tuple[Retraction, ...] = ()
    gateways: tuple[Gateway, ...] = ()
    durations: tuple[Duration, ...] = ()
    taken_back: tuple[TakenBack, ...] = ()

    @property
    def reach(self) -> int:
        """How far before an action another may be that makes it count otherwise, in microseconds."""
        return max([gateway.within for gateway in self.gateways], default=0)

    def own_codes(self, channel: str) -> list[tuple[str, str]]:
        """List the codes under which more is counted than events of types.

        Args:
            channel: its name.

        Returns:
            Each with the name of what is counted.
        """
        codes = [(gateway.apart, f"{channel}.{gateway.name}") for gateway in self.gateways]
        for duration in self.durations:
            name = f"{channel}.durations.{duration.name}"
            codes += [(duration.count, f"the number of {name}"), (duration.total, f"the sum of {name}")]
        codes += [(each.code, f"what is taken back in {channel}, {each.code}") for each in self.taken_back]
        return codes

    def contribution(self, history: Sequence[Action], pane: int) -> Counts:
        """Return what the actions of one object add to the counts, beyond one for each of them.

        1. A retraction takes back the newest action before it, or at the same time, that no other has taken back:
           the action and its amounts are taken away from its pane. Where that is asked for, it is counted apart.
        2. An action behind a gateway is taken away likewise, and counted apart.
        3. Durations are taken from what is left, in the pane of their start.

        Args:
            history: of the object, in any order; actions of other codes are passed over.
            pane: its length, in microseconds.

        Returns:
            What is to be added to each pane.
        """
        counts: Counts = {}
        order = {code: index for index, code in enumerate(self.codes)}
        undoing = {retraction.code for retraction in self.retractions}
        actions = sorted(
            [action for action in history if action.code in order],
            key=lambda action: (action.time, action.code in undoing, order[action.code], action.amounts),
        )
        apart_by = {(each.by, each.of): each.code for each in self.taken_back}
        for action, by in self._taken_back(actions):
            _take_away(counts, action, pane)
            counted = apart_by.get((by, action.code))
            if counted is not None:
                _add(counts, action.time // pane, counted, 1)
            actions.remove(action)
        for action, apart in self._behind_gateways(actions):
            _take_away(counts, action, pane)
            _add(counts, action.time // pane, apart, 1)
            actions.remove(action)
        for duration in self.durations:
            _measure(counts, duration, actions, pane)
        return counts

    def _taken_back(self, actions: Sequence[Action]) -> list[tuple[Action, str]]:
        """Find what is taken back, each with the code of the type that does it."""
        takes_back = {retraction.code: retraction.takes_back for retraction in self.retractions}
        standing: list[Action] = []
        taken: list[tuple[Action, str]] = []
        for action in actions:
            codes = takes_back.get(action.code)
            if codes is None:
                standing.append(action)
                continue
            for index in range(len(standing) - 1, -1, -1):
                if standing[index].code in codes:
                    taken.append((standing.pop(index), action.code))
                    break
        return taken

    def _behind_gateways(self, actions: Sequence[Action]) -> list[tuple[Action, str]]:
        found = []
        for gateway in self.gateways:
            starts = [action.time for action in actions if action.code == gateway.after]
            found += [
                (action, gateway.apart)
                for action in actions
                if action.code == gateway.code and any(0 <= action.time - start <= gateway.within for start in starts)
            ]
        return found


def change_of(after: Counts, before: Counts) -> Counts:
    """Compare two contributions.

    Args:
        after: what an object adds now.
        before: what it added.

    Returns:
        What is to be added to the panes to get from one to the other; nothing that is 0.
    """
    change: Counts = {}
    for pane, counts in after.items():
        for code, count in counts.items():
            _add(change, pane, code, count)
    for pane, counts in before.items():
        for code, count in counts.items():
            _add(change, pane, code, -count)
    found = {pane: {code: count for code, count in counts.items() if count} for pane, counts in change.items()}
    return {pane: counts for pane, counts in found.items() if counts}


def _take_away(counts: Counts, action: Action, pane: int) -> None:
    number = action.time // pane
    _add(counts, number, action.code, -1)
    for code, amount in action.amounts:
        if is_sum(code):
            _add(counts, number, code, -amount)


def _measure(counts: Counts, duration: Duration, actions: Sequence[Action], pane: int) -> None:
    ends = [action.time for action in actions if action.code in duration.end]
    for action in actions:
        if action.code not in duration.start:
            continue
        later = [end for end in ends if end >= action.time]
        if later:
            number = action.time // pane
            _add(counts, number, duration.count, 1)
            _add(counts, number, duration.total, min(later) - action.time)


def _add(counts: Counts, pane: int, code: str, count: int) -> None:
    inside = counts.setdefault(pane, {})
    inside[code] = inside.get(code, 0) + count
