"""How records of foreign shapes are read: encodings, schemas, and every shape that is known by name."""
