"""The tests of engagement streams, by what they need: nothing, a store, services, patience."""
