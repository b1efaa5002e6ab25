"""The receiver: takes events over HTTP and writes them to the topics of their sources."""
