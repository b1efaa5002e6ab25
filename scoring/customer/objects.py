"""The memory of what was done to which object, so that a later event can take back or complete an earlier one.

Rests on decision 11.
"""

from __future__ import annotations

import re
from binascii import a2b_base64, b2a_base64
from typing import Final

from scoring.rules.pairing import Action

#: Actions of one object that are kept. Of more, the oldest is forgotten: what it counts stays as it is.
MOST_ACTIONS: Final = 32
#: Objects of one customer that are kept. Of more, those untouched for the longest time are forgotten likewise.
MOST_OBJECTS: Final = 512
# So many are forgotten at once, as finding them means looking at all.
_FORGOTTEN_AT_ONCE: Final = 64
# A code has four characters; a time is 7 bytes, ten characters.
_CODE: Final = 4
_TIME: Final = 14
_ACTION: Final = r"[\w-]{4}[A-Za-z0-9+/]{10}(?:;[$^][\w-]{3}-?\d+)*"
_HISTORY: Final = re.compile(f"{_ACTION}(?:,{_ACTION})*", re.ASCII)


class Objects:
    """The histories of one customer's objects, each as the text in which it is stored.

    A history is its actions in the order of time, separated by commas; an action is the code of its type, its time,
    and its amounts after semicolons. With up to four actions without amounts it has less than 64 characters, up to
    where Redis keeps a hash compact. Few are ever read again, so they stay texts until then.
    """

    __slots__ = ("_forgotten_to", "histories", "touched")

    def __init__(self, histories: dict[str, str] | None = None) -> None:
        """Take over what was stored.

        Args:
            histories: by the digest of the object.

        Raises:
            ValueError: if one of them is no history.
        """
        self.histories: dict[str, str] = {}
        self.touched: set[str] = set()
        self._forgotten_to = 0
        for about, words in (histories or {}).items():
            self.take(about, words)

    def take(self, about: str, words: str) -> None:
        """Take over the history of one object, as it was stored.

        Args:
            about: the digest of the object.
            words: its history.

        Raises:
            ValueError: if it is no history.
        """
        if not _HISTORY.fullmatch(words):
            raise ValueError(about)
        self.histories[about] = words

    def history(self, about: str) -> list[Action]:
        """Give the actions of one object.

        Args:
            about: the digest of the object.

        Returns:
            Its actions in the order of time; none for an unknown one.
        """
        words = self.histories.get(about)
        return [_read(entry) for entry in words.split(",")] if words else []

    def keep(self, about: str, history: list[Action]) -> int:
        """Put a history in the place of the one that an object had.

        Args:
            about: the digest of the object.
            history: its actions, in any order.

        Returns:
            How many actions had to be forgotten because there are too many of them, or too many objects.
        """
        kept = sorted(history)[-MOST_ACTIONS:]
        if not kept:
            self.histories.pop(about, None)
            self.touched.add(about)
            return 0
        self.histories[about] = ",".join([_write(action) for action in kept])
        self.touched.add(about)
        forgotten = len(history) - len(kept)
        if len(self.histories) > MOST_OBJECTS:
            forgotten += self._make_room()
        return forgotten

    def forget(self, before: int) -> None:
        """Drop the actions before a time.

        Args:
            before: microseconds.
        """
        if before <= self._forgotten_to:
            return
        self._forgotten_to = before
        for about, words in list(self.histories.items()):
            if _time_of(words[:_TIME]) >= before:
                continue
            kept = [entry for entry in words.split(",") if _time_of(entry) >= before]
            if kept:
                self.histories[about] = ",".join(kept)
            else:
                del self.histories[about]
            self.touched.add(about)

    def _make_room(self) -> int:
        forgotten = 0
        newest = {about: _time_of(words.rpartition(",")[2]) for about, words in self.histories.items()}
        for about in sorted(newest, key=lambda name: (newest[name], name))[:_FORGOTTEN_AT_ONCE]:
            forgotten += self.histories.pop(about).count(",") + 1
            self.touched.add(about)
        return forgotten


def _write(action: Action) -> str:
    time, code, amounts = action
    word = code + b2a_base64(time.to_bytes(7, "big"))[: _TIME - _CODE].decode()
    return word + "".join([f";{name}{amount}" for name, amount in amounts]) if amounts else word


def _read(entry: str) -> Action:
    word, *amounts = entry.split(";")
    return Action(_time_of(word), word[:_CODE], tuple([(name[:_CODE], int(name[_CODE:])) for name in amounts]))


def _time_of(entry: str) -> int:
    return int.from_bytes(a2b_base64(entry[_CODE:_TIME] + "=="), "big")
