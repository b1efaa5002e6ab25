"""Whether scores and alerts told the future: pure statistics, and one customer's history replayed."""
