"""How a tally is written as text, to be stored with each customer whom it counts.

First the codes, four characters each; after semicolons parts, told apart by their first character:

| part | content |
| --- | --- |
| `<panes>.<codes>` | holders: in how many panes, and the places of their codes among all |
| `p<pane>.<kept>` | the length of a pane in microseconds, and how many are kept: counted by the day |
| `r<panes>.<codes>` | whose regularity is counted, as holders are written |
| `f<panes>.<within>.<steps>` | a funnel, and in how many panes customers count once; steps by commas |
| `k<code><cap>` | a code of which so much counts in a pane |
| `v<channel>.<pause>` | a channel whose sessions are counted, and the pause that ends one, in seconds |
| `@` | counted by band, too |

Rests on decision 21.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

_WIDTH: Final = 4
_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_"

#: Codes, and in how many panes.
Held = tuple[tuple[str, ...], int]
#: The codes of each step of a funnel, within how many panes they are taken, and in how many panes customers count once.
Passing = tuple[tuple[tuple[str, ...], ...], int, int]


@dataclass(slots=True)
class TallyParts:
    """What a tally is made of; `pane` is 0 where nothing is counted by the day."""

    codes: list[str]
    held: list[Held] = field(default_factory=list)
    pane: int = 0
    kept: int = 0
    regular: list[Held] = field(default_factory=list)
    funnels: list[Passing] = field(default_factory=list)
    capped: list[tuple[str, int]] = field(default_factory=list)
    sessions: list[tuple[str, int]] = field(default_factory=list)
    by_band: bool = False


def write_parts(parts: TallyParts) -> str:
    """Write what a tally is made of.

    Args:
        parts: of the tally.

    Returns:
        The text; '' where nothing is counted.
    """
    codes = parts.codes
    if not codes and not parts.sessions:
        return ""
    width = _width(len(codes))
    words = ["".join(codes)]
    words += [_held(codes, each, width) for each in parts.held]
    if parts.pane:
        words.append(f"p{parts.pane}.{parts.kept}")
    words += ["r" + _held(codes, each, width) for each in parts.regular]
    words += [_passing(codes, each, width) for each in parts.funnels]
    words += [f"k{_digits(codes.index(code), width)}{cap}" for code, cap in parts.capped]
    words += [f"v{channel}.{pause}" for channel, pause in parts.sessions]
    if parts.by_band:
        words.append("@")
    return ";".join(words)


def read_parts(text: str) -> TallyParts:
    """Read what a tally is made of.

    Args:
        text: as written.

    Returns:
        The parts.

    Raises:
        ValueError: if no tally has been written so.
    """
    words, *rest = text.split(";")
    codes = [words[at : at + _WIDTH] for at in range(0, len(words), _WIDTH)]
    if codes and len(codes[-1]) != _WIDTH:
        raise ValueError("half a code")
    found = TallyParts(codes)
    for each in rest:
        _read_part(each, found, _width(len(codes)))
    if not codes and not found.sessions:
        raise ValueError("neither codes nor sessions")
    return found


def _read_part(words: str, found: TallyParts, width: int) -> None:
    mark, rest = words[:1], words[1:]
    if mark.isdigit():
        found.held.append(_read_held(found.codes, words, width))
    elif mark == "p":
        pane, _, kept = rest.partition(".")
        found.pane, found.kept = int(pane), int(kept)
    elif mark == "r":
        found.regular.append(_read_held(found.codes, rest, width))
    elif mark == "f":
        found.funnels.append(_read_passing(found.codes, rest, width))
    elif mark == "k":
        found.capped.append((_code(found.codes, rest[:width]), int(rest[width:])))
    elif mark == "v":
        channel, _, pause = rest.partition(".")
        found.sessions.append((channel, int(pause)))
    elif words == "@":
        found.by_band = True
    else:
        raise ValueError("a part of no kind")


def _held(codes: Sequence[str], held: Held, width: int) -> str:
    chosen, panes = held
    return f"{panes}.{_indexes(codes, chosen, width)}"


def _read_held(codes: Sequence[str], words: str, width: int) -> Held:
    panes, _, indexes = words.partition(".")
    return _chosen(codes, indexes, width), int(panes)


def _passing(codes: Sequence[str], passing: Passing, width: int) -> str:
    steps, within, panes = passing
    return f"f{panes}.{within}.{','.join([_indexes(codes, step, width) for step in steps])}"


def _read_passing(codes: Sequence[str], words: str, width: int) -> Passing:
    panes, _, rest = words.partition(".")
    within, _, steps = rest.partition(".")
    return tuple([_chosen(codes, step, width) for step in steps.split(",")]), int(within), int(panes)


def _indexes(codes: Sequence[str], chosen: Sequence[str], width: int) -> str:
    return "".join([_digits(codes.index(code), width) for code in chosen])


def _chosen(codes: Sequence[str], indexes: str, width: int) -> tuple[str, ...]:
    if not indexes:
        raise ValueError("holders of no code")
    return tuple([_code(codes, indexes[at : at + width]) for at in range(0, len(indexes), width)])


def _code(codes: Sequence[str], digits: str) -> str:
    index = _number(digits)
    if not digits or index >= len(codes):
        raise ValueError("a code that is not there")
    return codes[index]


def _width(count: int) -> int:
    width = 1
    while len(_DIGITS) ** width < count:
        width += 1
    return width


def _digits(number: int, width: int) -> str:
    digits = ""
    for _ in range(width):
        digits = _DIGITS[number % len(_DIGITS)] + digits
        number //= len(_DIGITS)
    return digits


def _number(digits: str) -> int:
    number = 0
    for digit in digits:
        number = number * len(_DIGITS) + _DIGITS.index(digit)
    return number
