"""The signals of a policy: when they are raised and when they end, in the order of time."""
