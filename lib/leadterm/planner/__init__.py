"""Predicts what a run takes, from a sample of its corpus: sizes, bytes, memory, time, and what would be refused."""
