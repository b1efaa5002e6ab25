"""From bytes to decoded batches."""
