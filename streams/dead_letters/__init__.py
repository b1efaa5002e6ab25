"""Dead letters as they stand in their topic: read back, sorted out, and sent again."""
