"""A dead letter as a person or a machine reads it."""

from __future__ import annotations

from typing import Any

from rich.text import Text

from scoring.instants import format_instant
from streams.dead_letters.letter import Letter
from streams.views.wording import moment, printable


def letter_line(letter: Letter, *, replayed: bool) -> Text:
    """Write a letter as one line.

    Args:
        letter: to be shown.
        replayed: whether it has been sent again.

    Returns:
        Its place, time, reason, where the record stood, its key, what is the matter, and what has been done.
    """
    line = Text(f"{letter.place:<10}  {moment(letter.time)[:19]}  ")
    line.append(f"{letter.reason:<24}", style="yellow")
    line.append(f"  {printable(letter.topic)}/{letter.source_partition}@{letter.source_offset}")
    line.append(f"  {readable(letter.key) or '-'}", style="bold")
    line.append(f"  {printable(letter.detail)}", style="dim")
    if letter.replays:
        line.append(f"  came back after {letter.replays}", style="red")
    if replayed:
        line.append("  replayed", style="green")
    return line


def letter_document(letter: Letter, *, replayed: bool) -> dict[str, Any]:
    """Write a letter for machines.

    Args:
        letter: to be written.
        replayed: whether it has been sent again.

    Returns:
        What the JSON holds; key, value and headers as text, with bytes that are not UTF-8 escaped.
    """
    return {
        "place": letter.place,
        "time": format_instant(letter.time),
        "reason": letter.reason,
        "detail": letter.detail,
        "topic": letter.topic,
        "partition": letter.source_partition,
        "offset": letter.source_offset,
        "replays": letter.replays,
        "replayed": replayed,
        "key": _text(letter.key),
        "value": _text(letter.value),
        "headers": [[name, _text(content)] for name, content in letter.headers],
    }


def readable(content: bytes | None) -> str:
    """Write bytes from outside so that they cannot harm a terminal.

    Args:
        content: of a key, a value or a header.

    Returns:
        Text, '' for nothing.
    """
    return printable(_text(content) or "")


def _text(content: bytes | None) -> str | None:
    return None if content is None else content.decode(errors="backslashreplace")
