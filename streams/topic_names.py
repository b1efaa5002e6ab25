"""The names of the topics that the service writes to."""

from __future__ import annotations

from scoring.policy.policy import Policy

ALERTS = "churn-risk-alerts"
BAND_CHANGES = "engagement-band-changes"
SIGNALS = "engagement-signals"
#: What a shadow policy raises: nobody is to act on it.
SHADOW_ALERTS = "engagement-alerts-shadow"
SHADOW_SIGNALS = "engagement-signals-shadow"
FEED_ALERTS = "engagement-feed-alerts"
DEAD_LETTERS = "engagement-dead-letters"
DEAD_LETTER_REPLAYS = "engagement-dead-letter-replays"
ERASURES = "engagement-erasures"
SHADOW_TOPICS = (SHADOW_ALERTS, SHADOW_SIGNALS)
WRITTEN_TOPICS = (
    *(ALERTS, BAND_CHANGES, SIGNALS, *SHADOW_TOPICS, FEED_ALERTS),
    *(DEAD_LETTERS, DEAD_LETTER_REPLAYS, ERASURES),
)


def shadow_topics(policy: Policy) -> tuple[str, ...]:
    """Name the topics of the shadow policy; there are none without one.

    Args:
        policy: in force.
    """
    return SHADOW_TOPICS if policy.shadow is not None else ()
