"""What an operator runs first: looks at all that the service stands on, and says what is right, doubtful or wrong."""
