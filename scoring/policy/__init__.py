"""The policy as values, the built-in one, and what differs between two."""
