"""The process: agents, start, web pages and logs."""
