"""The pure core: what a customer's events say about the customer; standard library only, no clock, no IO."""
