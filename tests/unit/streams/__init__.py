"""Tests of what touches the world, with the store in memory and a recording publisher."""
