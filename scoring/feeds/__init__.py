"""What is known of the feeds: how far they have come, and which are silent."""
