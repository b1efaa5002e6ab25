"""What operators are told: that a feed is silent, a segment leaves, a figure misses its target; and the end of it."""
