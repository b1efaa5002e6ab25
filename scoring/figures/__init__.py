"""Numbers beside the score: the measures of one customer, and the figures over all customers."""
