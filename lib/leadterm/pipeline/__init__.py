"""The jobs that make a run, a folder each, and what runs them: in order, once for the same inputs and settings."""
