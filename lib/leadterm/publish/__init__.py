"""A run as a research dataset: its tables, a card, metadata and hashes; and the commands ``publish`` and ``check``."""
