"""How the corpus whose tokens were shuffled is called in tables, and its products among inputs."""

SHUFFLED = ", shuffled"
"""Ends the name of a corpus whose tokens were shuffled: the second null."""
