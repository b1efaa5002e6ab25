"""The store in Redis: connection, calls, scripts and replacement."""
