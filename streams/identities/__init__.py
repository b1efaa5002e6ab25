"""Which ids are the same customer's: links are read, applied, and followed by what comes under a linked id."""
