"""What a command tells while it works: events for people and machines, progress with an estimate, and metrics of stages."""
