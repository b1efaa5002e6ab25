"""Customers who have been erased: their tombstones, what is left out because of them, and what is removed."""
