"""What the product has to say, computed from the raw events alone, and the comparison of the two."""
