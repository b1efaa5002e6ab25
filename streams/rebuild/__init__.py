"""Computes the scores anew from the log beside the live ones, compares the two, and replaces what differs."""
