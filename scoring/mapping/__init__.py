"""How a record of a foreign shape becomes events: paths, values, conditions and arrays, compiled once from a policy."""
