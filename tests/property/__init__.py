"""Properties that hold for every policy and every history."""
