"""The demonstration: everything embedded, with made-up customers, in compressed time."""
