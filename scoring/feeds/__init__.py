"""What is known of the feeds: how far they have come, which are silent, and what operators are told of it."""
