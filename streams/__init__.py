"""Everything that touches the world: Kafka, Redis, Faust, the command line."""
