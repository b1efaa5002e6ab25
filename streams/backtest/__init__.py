"""Event files, outcomes, reports and plots of a backtest."""
