"""The names of the topics that the service writes to."""

ALERTS = "churn-risk-alerts"
BAND_CHANGES = "engagement-band-changes"
FEED_ALERTS = "engagement-feed-alerts"
DEAD_LETTERS = "engagement-dead-letters"
WRITTEN_TOPICS = (ALERTS, BAND_CHANGES, FEED_ALERTS, DEAD_LETTERS)
