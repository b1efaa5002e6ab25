"""What a terminal or a file cannot take is replaced: a name from outside must not end a command."""

from __future__ import annotations

import codecs
import io
import sys
from typing import Final

# Click writes UTF-8 where it finds ASCII by this name, as it takes that for a mistake. Whoever asks for it gets it.
_ASCII: Final = "engagement-ascii"


def replace_what_cannot_be_written() -> None:
    """Let stdout and stderr replace what their encoding does not have, instead of failing."""
    codecs.register(_find)
    for stream in (sys.stdout, sys.stderr):
        if not isinstance(stream, io.TextIOWrapper):
            continue
        known = codecs.lookup(stream.encoding).name
        if known != "utf-8" or stream.errors == "strict":
            stream.reconfigure(encoding=_ASCII if known == "ascii" else known, errors="replace")


def _find(name: str) -> codecs.CodecInfo | None:
    if name.replace("_", "-") != _ASCII:
        return None
    ascii_codec = codecs.lookup("ascii")
    return codecs.CodecInfo(
        ascii_codec.encode,
        ascii_codec.decode,
        ascii_codec.streamreader,
        ascii_codec.streamwriter,
        ascii_codec.incrementalencoder,
        ascii_codec.incrementaldecoder,
        name=_ASCII,
    )
