"""`channels.NAME.sentiment`: the texts whose sentiment becomes a number.

Rests on decisions 109 and 118.
"""

from __future__ import annotations

from typing import Annotated, Final

from scoring.rules.sentiment import MODELS, PROPERTY, Sentiment
from streams.policy_file.table import Check, Table, given, needed
from streams.policy_file.words import listed, one_of, text

_LONGEST: Final = 100
_NAME: Final = {"type": "string", "minLength": 1, "maxLength": _LONGEST}


def _names(value: object) -> list[str]:
    found = listed(value)
    if found and all(0 < len(name) <= _LONGEST for name in found):
        return found
    raise ValueError("must be the name of a property, or a list of names")


def _no_name(value: object) -> str:
    return f"{value!r} is not the name of a property, other than that of the text"


_Texts = Annotated[list[str], Check(_names, (), {"anyOf": [_NAME, {"type": "array", "items": _NAME}]})]
_Property = Annotated[str, text(_LONGEST, _no_name)]
_Model = Annotated[str, one_of(MODELS, stand_in=MODELS[0])]


class SentimentTable(Table):
    """Which texts of a channel's events become a number."""

    form = f'must be a table such as {{ text = "comment", model = "{MODELS[0]}" }}'

    text: _Texts = needed("the property that holds the text, or a list of such")
    property: _Property = given(PROPERTY, "the property that gets the number, -1 to 1")
    model: _Model = needed("the model that computes it")

    def rule(self, where: str, problems: list[str]) -> Sentiment:
        """Make the rule.

        Args:
            where: the table's place in the file.
            problems: what is wrong is added.
        """
        if self.property in self.text:
            problems.append(f"{where}.property: {_no_name(self.property)}")
        return Sentiment(tuple(self.text), self.property, self.model)
