"""What one record says: an event, a profile or a link."""
