"""The name, in tables and among inputs, of the corpus whose tokens were shuffled."""

SHUFFLED = ", shuffled"
"""Suffix of the name of a corpus whose tokens were shuffled: the second null."""
