"""Tests against a broker and a Redis server."""
