"""Sentiment: texts become numbers that rules and measures read, and a model's numbers never change."""

from __future__ import annotations

from importlib.metadata import version

import pytest

from scoring.events.event import Event
from scoring.rules.sentiment import MODELS, MOST_CHARACTERS
from streams.errors import ExtraMissing
from streams.ingest import sentiment
from streams.ingest.sentiment import analyzer_of, reader_of
from streams.policy_file.document import parse_policy

POLICY = """
[channels.reviews]
weights = { review = 2, praise = 10, complaint = -10 }
sentiment = { text = ["comment", "title"], model = "vader-1" }
types = [
    { type = "review", as = "complaint", when = { "properties.sentiment" = { at_most = -0.05 } } },
    { type = "review", as = "praise", when = { "properties.sentiment" = { at_least = 0.05 } } },
]
[measures.mood]
kind = "average"
of = ["reviews"]
property = "sentiment"
"""
#: A model may be replaced by another, but its numbers are part of what was scored.
NUMBERS = {
    "Great service, will buy again!": 0.6588,
    "Terrible. The hat arrived broken and nobody answered.": -0.7351,
    "Not bad at all, really happy with it": 0.781,
    "The product isn't good": -0.3412,
    "Love it ❤️": 0.8555,
    "It does what it says": 0.0,
    "Läuft gut": 0.0,
}
_FAR = 1 << 60


def read(**properties: object) -> tuple[str, Event]:
    """Read a review; give the name of the type as which it counts, and the event."""
    policy = parse_policy(POLICY)
    body = {"customer_id": "anna", "type": "review", "timestamp": 1_700_000_000, "properties": properties}
    _, event = reader_of(policy.channels[0], policy).read(body, _FAR)
    return policy.types[event.code].name, event


@pytest.mark.parametrize(("text", "number"), NUMBERS.items())
def test_the_numbers_of_a_model_do_not_change(text: str, number: float) -> None:
    assert analyzer_of("vader-1")(text) == number


@pytest.mark.parametrize(
    ("properties", "kind", "amount"),
    [
        ({"comment": "Great service!"}, "praise", 658_800),
        ({"comment": "Terrible, broken."}, "complaint", None),
        ({"comment": "It does what it says"}, "review", 0),
        ({"comment": " ", "title": "Terrible, broken."}, "complaint", None),
        ({"comment": 3, "title": None}, "review", None),
        ({"comment": "Terrible, broken.", "sentiment": 0.5}, "praise", 500_000),
        ({}, "review", None),
    ],
)
def test_a_text_is_told_as_a_number_that_rules_and_measures_read(
    properties: dict[str, object], kind: str, amount: int | None
) -> None:
    found, event = read(**properties)
    assert found == kind
    amounts = [value for _, value in event.detail.amounts] if event.detail is not None else []
    if amount is not None:
        assert amount in amounts


def test_no_more_of_a_text_is_read_than_a_limit() -> None:
    long = "It does what it says. " * 200
    assert len(long) > MOST_CHARACTERS
    assert read(comment=long + "Terrible, broken, awful.")[0] == "review"
    assert read(comment="Terrible, broken, awful. " + long)[0] == "complaint"


def test_a_core_without_a_model_takes_the_number_that_an_event_tells() -> None:
    policy = parse_policy(POLICY)
    from scoring.events.profiles import event_reader  # noqa: PLC0415 - the core by itself

    reader = event_reader(policy.channels[0], policy)
    for told, kind in ((-0.5, "complaint"), (None, "review")):
        event = reader.event("review", 1, None, {"comment": "Terrible.", "sentiment": told})
        assert policy.types[event.code].name == kind


def test_the_property_is_read_out_of_a_source_that_gives_the_text() -> None:
    policy = parse_policy(POLICY)
    assert reader_of(policy.channels[0], policy).properties() == {"comment", "title", "sentiment"}


@pytest.mark.parametrize("model", MODELS)
def test_every_model_has_a_package_at_one_version(model: str) -> None:
    package, wanted = sentiment._PACKAGES[model]
    assert version(package) == wanted


def test_another_version_of_the_package_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sentiment, "_PACKAGES", {"vader-1": ("nltk-vader-sentiment", "0.9")})
    with pytest.raises(ExtraMissing, match=r"is nltk-vader-sentiment 0\.9, and 1\.0\.0 is installed.*\[sentiment\]"):
        analyzer_of.__wrapped__("vader-1")
    monkeypatch.setattr(sentiment, "_PACKAGES", {"vader-1": ("no-such-package", "1")})
    with pytest.raises(ExtraMissing, match="the sentiment vader-1 needs packages that are not installed"):
        analyzer_of.__wrapped__("vader-1")
