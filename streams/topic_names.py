"""The names of the topics that the service writes to."""

ALERTS = "churn-risk-alerts"
BAND_CHANGES = "engagement-band-changes"
SIGNALS = "engagement-signals"
FEED_ALERTS = "engagement-feed-alerts"
DEAD_LETTERS = "engagement-dead-letters"
DEAD_LETTER_REPLAYS = "engagement-dead-letter-replays"
ERASURES = "engagement-erasures"
WRITTEN_TOPICS = (ALERTS, BAND_CHANGES, SIGNALS, FEED_ALERTS, DEAD_LETTERS, DEAD_LETTER_REPLAYS, ERASURES)
