"""Past events through the core, and what scores and alerts were worth."""
