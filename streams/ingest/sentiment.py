"""The models of sentiment, and the readers of events that use them.

Rests on decision 118.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version

from scoring.events.event import EventReader
from scoring.events.profiles import event_reader
from scoring.policy.channels import Channel
from scoring.policy.policy import Policy
from scoring.rules.sentiment import Analyzer
from streams.errors import ExtraMissing

_EXTRA = "sentiment"
#: By the name of the model the package whose numbers it has, and the one version that gives them.
_PACKAGES = {"vader-1": ("nltk-vader-sentiment", "1.0.0")}


def reader_of(channel: Channel, policy: Policy) -> EventReader:
    """Make a reader of a channel's events, with the model that it needs.

    Args:
        channel: of the policy.
        policy: in force.

    Raises:
        ExtraMissing: if the model's package is not installed, or another version of it.
    """
    return event_reader(channel, policy, None if channel.sentiment is None else analyzer_of(channel.sentiment.model))


@cache
def analyzer_of(model: str) -> Analyzer:
    """Load a model.

    Args:
        model: its name, as in a policy.

    Raises:
        ExtraMissing: if its package is not installed, or another version of it.
    """
    package, wanted = _PACKAGES[model]
    try:
        found = version(package)
    except PackageNotFoundError as error:
        raise ExtraMissing(_EXTRA, f"the sentiment {model}") from error
    if found != wanted:
        raise ExtraMissing(_EXTRA, f"the sentiment {model} is {package} {wanted}, and {found} is installed; it")
    from vader import SentimentIntensityAnalyzer  # noqa: PLC0415 - an extra

    polarity = SentimentIntensityAnalyzer().polarity_scores

    def analyze(text: str) -> float:
        return float(polarity(text)["compound"])

    return analyze
