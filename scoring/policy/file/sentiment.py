"""The part of a policy file that has the sentiment of texts computed.

Rests on decision 118.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from scoring.rules.sentiment import MODELS, PROPERTY, Sentiment

KEY: Final = "sentiment"
_KEYS: Final = ("text", "property", "model")
_LONGEST: Final = 100


def read_sentiment(name: str, table: Mapping[str, Any], problems: list[str]) -> Sentiment | None:
    """Read which texts of a channel's events are told as a number.

    Args:
        name: of the channel.
        table: of the channel in the file.
        problems: what is wrong is added.

    Returns:
        None where the channel has none.
    """
    where = f"channels.{name}.{KEY}"
    if KEY not in table:
        return None
    written = table[KEY]
    if not isinstance(written, dict):
        problems.append(f'{where}: must be a table such as {{ text = "comment", model = "{MODELS[0]}" }}')
        return None
    problems += [f"{where}.{key}: unknown key; allowed here: {', '.join(_KEYS)}" for key in written if key not in _KEYS]
    texts = written.get("text")
    names = texts if isinstance(texts, list) else [texts]
    if not names or not all(map(_is_name, names)):
        problems.append(f"{where}.text: must be the name of a property, or a list of names")
        names = []
    own = written.get("property", PROPERTY)
    if not _is_name(own) or own in names:
        problems.append(f"{where}.property: {own!r} is not the name of a property, other than that of the text")
    model = written.get("model")
    if model not in MODELS:
        problems.append(f"{where}.model: {model!r} is not one of {', '.join(MODELS)}")
    return Sentiment(tuple(map(str, names)), str(own), str(model))


def _is_name(written: object) -> bool:
    return isinstance(written, str) and 0 < len(written) <= _LONGEST
