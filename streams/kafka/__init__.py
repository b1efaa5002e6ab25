"""Kafka: clients, topics, rights, what is published, and topics that are read alone."""
