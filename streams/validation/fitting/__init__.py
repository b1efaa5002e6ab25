"""Fits a policy to history: counts from the scoring core, weights by a regularised logistic regression."""
