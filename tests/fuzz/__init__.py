"""A fuzzer: mutated records through decoding and scoring, with an oracle that says what each should become."""
