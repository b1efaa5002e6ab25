"""What is known of one customer: counts, ids, objects and days."""
