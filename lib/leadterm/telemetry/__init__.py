"""What a command tells while it works: events, progress with an estimate, and metrics of stages."""
