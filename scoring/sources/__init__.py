"""What is known of the sources of events: the watermark and the silent feeds."""
