"""Tests of the parts one by one, without any service."""
