"""A page about a run: one HTML file that needs no network, and its figures as files."""
