"""Records: valid events, and what becomes of them when types, sizes, names, numbers and bytes go wrong."""

from __future__ import annotations

import json
import random
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from tests.fuzz import values
from tests.fuzz.values import DAY, Raw, dump, odd_text, written_time

FIELDS = ("customer_id", "type", "timestamp", "event_id", "properties")
#: Types that the policy does not name, but whose stored code is that of one that it names, in the same channel or not.
COLLIDING = {
    "clickstream": ("t1952340", "t2643419"),
    "email": ("t1804630", "t953397"),
    "social": ("t4044164", "t159804"),
}
_CUSTOMERS = 150
_REMEMBERED = 400
_CLEAN_SHARE, _BYTES_SHARE, _NOTHING_SHARE = 0.4, 0.2, 0.04
_INVALID_UTF8 = (b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf0\x9f\x98", b"\x80", b"\xc0\xaf")

Members = list[tuple[str, Any]]


class Sent(NamedTuple):
    """A valid event that was sent at a time, so that it can be sent again."""

    channel: str
    members: Members
    at: int


class Mutator:
    """Draws records."""

    def __init__(self, dice: random.Random, types: Mapping[str, Sequence[str]], window: int) -> None:
        """Prepare.

        Args:
            dice: decides everything.
            types: of each channel, those that the policy names.
            window: in microseconds.
        """
        self._dice = dice
        self._types = types
        self._window = window
        self._sent: deque[Sent] = deque(maxlen=_REMEMBERED)
        self._number = 0
        self._changes: Sequence[Callable[[Members, str, int], None]] = (
            self._drop, self._retype, self._retype, self._odd_customer, self._odd_type, self._odd_time, self._odd_time,
            self._odd_time, self._odd_id, self._twice, self._rename, self._nest, self._grow, self._unknown,
        )  # fmt: skip

    def draw(self, channel: str, now: int) -> bytes | None:
        """Draw a record's value.

        Args:
            channel: that it is sent to.
            now: the clock, in microseconds.
        """
        dice = self._dice
        if dice.random() < _NOTHING_SHARE:
            return values.document(dice)
        members = self._event(channel, now)
        if dice.random() < _CLEAN_SHARE:
            return self._written(members)
        for _ in range(dice.choice((1, 1, 1, 2, 3))):
            if members:
                dice.choice(self._changes)(members, channel, now)
        value = self._written(members)
        return self._damaged(value) if dice.random() < _BYTES_SHARE else value

    def _event(self, channel: str, now: int) -> Members:
        dice = self._dice
        if self._sent and dice.random() < 0.1:
            again = dice.choice(self._sent)
            if again.channel == channel and now - again.at < 2 * DAY:
                return list(again.members)
        self._number += 1
        age = dice.choice((0, 60, 3_600, 86_400, 86_400 * 10, 86_400 * 29, 86_400 * 39)) * values.SECOND
        members: Members = [
            ("customer_id", f"c{int(_CUSTOMERS * dice.random() ** 3)}"),
            ("type", dice.choice(self._types[channel])),
            ("timestamp", written_time(dice, now - int(age * dice.random()))),
            ("properties", {"page": "/x", "n": dice.randrange(100)}),
        ]
        if dice.random() < 0.7:
            members.append(("event_id", f"e{self._number}"))
        self._sent.append(Sent(channel, list(members), now))
        return members

    def _written(self, members: Members) -> bytes:
        """Write members as an object, in one of many ways that mean the same."""
        dice = self._dice
        if dice.random() < 0.2:
            dice.shuffle(members)
        ascii_only = dice.random() < 0.5
        colon, comma = dice.choice(((":", ","), (": ", ", "), ("\t:\n", " ,\r\n")))
        written = [f"{self._name(name)}{colon}{dump(value, ascii_only=ascii_only)}" for name, value in members]
        return ("{" + comma.join(written) + "}").encode("utf-8", "surrogatepass")

    def _name(self, name: str) -> str:
        if self._dice.random() < 0.02:
            return '"' + "".join(f"\\u{ord(letter):04x}" for letter in name if ord(letter) < 65_536) + '"'
        return json.dumps(name)

    # --- Changes of an event

    def _place(self, members: Members, name: str) -> int:
        places = [place for place, (found, _) in enumerate(members) if found == name]
        if not places:
            members.append((name, None))
        return places[-1] if places else len(members) - 1

    def _set(self, members: Members, name: str, value: Any) -> None:
        members[self._place(members, name)] = (name, value)

    def _drop(self, members: Members, _channel: str, _now: int) -> None:
        del members[self._dice.randrange(len(members))]

    def _retype(self, members: Members, _channel: str, _now: int) -> None:
        value = self._dice.choice((*values.ODD_VALUES, *values.ODD_NUMBERS))
        self._set(members, self._dice.choice(FIELDS[:4]), value)

    def _odd_customer(self, members: Members, _channel: str, _now: int) -> None:
        self._set(members, "customer_id", odd_text(self._dice))

    def _odd_type(self, members: Members, channel: str, _now: int) -> None:
        others = ("forward", "PAGE_VIEW", " open", *COLLIDING[channel])
        kind = odd_text(self._dice) if self._dice.random() < 0.4 else self._dice.choice(others)
        self._set(members, "type", kind)

    def _odd_time(self, members: Members, _channel: str, now: int) -> None:
        self._set(members, "timestamp", values.timestamp(self._dice, now, self._window))

    def _odd_id(self, members: Members, _channel: str, _now: int) -> None:
        drawn = self._dice.choice(("number", "text", "value"))
        if drawn == "number":
            self._number += 1
            self._set(members, "event_id", self._number)
        elif drawn == "text":
            self._number += 1
            self._set(members, "event_id", odd_text(self._dice) + str(self._number))
        else:
            self._set(members, "event_id", self._dice.choice((*values.ODD_VALUES, *values.ODD_NUMBERS)))

    def _twice(self, members: Members, _channel: str, _now: int) -> None:
        name, value = self._dice.choice(members)
        other = self._dice.choice((value, *values.ODD_VALUES))
        members.insert(self._dice.randrange(len(members) + 1), (name, other))

    def _rename(self, members: Members, _channel: str, _now: int) -> None:
        place = self._dice.randrange(len(members))
        name, value = members[place]
        changed = self._dice.choice((name.upper(), name + " ", name.replace("_", ""), name[:-1], "", "\ufeff" + name))
        members[place] = (changed, value)

    def _nest(self, members: Members, _channel: str, _now: int) -> None:
        name = self._dice.choice(("properties", "properties", "whatever", "customer_id", "timestamp"))
        self._set(members, name, values.nested(self._dice))

    def _grow(self, members: Members, _channel: str, _now: int) -> None:
        size = self._dice.choice((10, 30, 100, 300))
        large = self._dice.choice(("x" * (size * 100), ["x"] * size, {str(n): n for n in range(size)}))
        self._set(members, self._dice.choice(FIELDS), large)

    def _unknown(self, members: Members, _channel: str, _now: int) -> None:
        value = self._dice.choice((*values.ODD_VALUES, *values.ODD_NUMBERS, Raw("tru"), Raw("'x'"), Raw("")))
        members.insert(self._dice.randrange(len(members) + 1), (odd_text(self._dice), value))

    # --- Damage to bytes

    def _damaged(self, value: bytes) -> bytes:
        dice = self._dice
        place = dice.randrange(len(value) + 1)
        text = value.decode("utf-8", "replace")
        damage: Sequence[Callable[[], bytes]] = (
            lambda: value[:place],
            lambda: value[:place] + dice.choice((*_INVALID_UTF8, b"\x00", b"\n", b'"', b"}")) + value[place:],
            lambda: value[:place] + value[place + dice.randrange(1, 9) :],
            lambda: dice.choice((b"\xef\xbb\xbf" + value, value * 2, value + b"\n" + value, b"[" + value + b"]")),
            lambda: text.encode(dice.choice(("utf-16", "utf-16-be", "latin-1")), "replace"),
            lambda: json.dumps(text).encode(),
            lambda: self._with_flipped_bits(value),
        )
        return dice.choice(damage)()

    def _with_flipped_bits(self, value: bytes) -> bytes:
        flipped = bytearray(value)
        for _ in range(self._dice.choice((1, 1, 2, 8))):
            flipped[self._dice.randrange(len(flipped))] ^= 1 << self._dice.randrange(8)
        return bytes(flipped)
