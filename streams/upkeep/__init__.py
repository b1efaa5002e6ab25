"""What a worker does regularly: silence, figures, and the sweep after a change of policy."""
