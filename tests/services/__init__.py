"""Brokers and Redis servers for the tests, the best that the machine has."""
