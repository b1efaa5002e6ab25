"""The policy on a live system: read from its file, agreed on by all workers, followed by all customers."""
