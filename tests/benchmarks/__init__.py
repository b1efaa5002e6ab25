"""Benchmarks: programs that do the same on the same input, side by side in one run."""
