"""Where the scores live: one contract, kept by Redis and by an implementation in memory."""
