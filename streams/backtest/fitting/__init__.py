"""A policy fitted to outcomes."""
