"""Sentiment: a number between -1 and 1 that says how a text of an event sounds.

Rests on decision 118.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

#: The models that a policy can name. The numbers of one never change: what changes them is another model.
MODELS: Final = ("vader-1",)
#: The property that gets the number where the policy names no other.
PROPERTY: Final = "sentiment"
#: No more of a text is looked at.
MOST_CHARACTERS: Final = 2_000

#: Tells how a text sounds.
Analyzer = Callable[[str], float]


@dataclass(frozen=True, slots=True)
class Sentiment:
    """How a channel's texts become a number: the first of the properties `texts` with words in it counts."""

    texts: tuple[str, ...]
    property: str = PROPERTY
    model: str = MODELS[0]


class SentimentReader:
    """Adds the number to the properties of an event."""

    def __init__(self, sentiment: Sentiment, analyze: Analyzer) -> None:
        """Prepare.

        Args:
            sentiment: of a channel.
            analyze: its model.
        """
        self.names = frozenset((*sentiment.texts, sentiment.property))
        self._texts = sentiment.texts
        self._property = sentiment.property
        self._analyze = analyze

    def added_to(self, properties: object) -> object:
        """Add the number, unless the event has one already.

        Args:
            properties: of the event, as JSON decodes them.

        Returns:
            Others with the number; the same where there is no text.
        """
        if type(properties) is not dict or properties.get(self._property) is not None:
            return properties
        for name in self._texts:
            text = properties.get(name)
            if type(text) is str and text and not text.isspace():
                return {**properties, self._property: self._analyze(text[:MOST_CHARACTERS])}
        return properties
