"""The sentiment of a channel in a policy file, and what is wrong with it."""

from __future__ import annotations

import pytest

from scoring.rules.sentiment import Sentiment
from streams.policy_file.document import parse_policy
from tests.unit.streams.policy_file.test_policy_problems import problems

HEAD = "[channels.reviews]\nweights = { review = 1 }\nsentiment = "


def test_a_channel_has_its_texts_told_as_a_number() -> None:
    (channel,) = parse_policy(HEAD + '{ text = "comment", model = "vader-1" }').channels
    assert channel.sentiment == Sentiment(("comment",), "sentiment", "vader-1")
    (channel,) = parse_policy(HEAD + '{ text = ["a", "b"], property = "mood", model = "vader-1" }').channels
    assert channel.sentiment == Sentiment(("a", "b"), "mood", "vader-1")
    (channel,) = parse_policy("[channels.reviews]\nweights = { review = 1 }").channels
    assert channel.sentiment is None


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ('"comment"', 'channels.reviews.sentiment: must be a table such as { text = "comment", model = "vader-1" }'),
        (
            '{ text = "a", model = "vader-1", lang = "de" }',
            "channels.reviews.sentiment.lang: unknown key; allowed here: text, property, model",
        ),
        (
            '{ model = "vader-1" }',
            "channels.reviews.sentiment.text: is missing: the property that holds the text, or a list of such",
        ),
        (
            '{ text = [], model = "vader-1" }',
            "channels.reviews.sentiment.text: must be the name of a property, or a list of names",
        ),
        (
            '{ text = "a", property = "a", model = "vader-1" }',
            "channels.reviews.sentiment.property: 'a' is not the name of a property, other than that of the text",
        ),
        ('{ text = "a" }', "channels.reviews.sentiment.model: is missing: the model that computes it"),
    ],
)
def test_what_is_wrong_is_told(written: str, problem: str) -> None:
    assert problems(HEAD + written) == [problem]
