"""Compares checkpoints with a run: prepares it once, scores revisions side by side, saves each at once."""

from leadterm.evaluation.evaluate import evaluate_alignment, score_checkpoints

__all__ = ["evaluate_alignment", "score_checkpoints"]
