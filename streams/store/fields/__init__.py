"""A customer and what is kept beside it, as text fields."""
