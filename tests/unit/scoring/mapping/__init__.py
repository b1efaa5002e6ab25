"""How a record of a foreign shape becomes events."""
