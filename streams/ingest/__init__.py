"""From the bytes of records of foreign shapes to values: encodings, framings, schemas."""
