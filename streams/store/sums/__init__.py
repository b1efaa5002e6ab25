"""What a customer adds to the figures over all customers."""
