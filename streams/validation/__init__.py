"""Validates a policy on history, and fits one to it: `engagement validate` and `engagement policy fit`."""
