"""From decoded batches to what is stored, published and acknowledged."""
