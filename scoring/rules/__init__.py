"""What a policy can say of events: amounts, pairings, sessions, segments, measures and sums."""
