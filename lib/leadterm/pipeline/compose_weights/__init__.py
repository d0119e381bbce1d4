"""The composition of the basis functions where attention needs it: scores of pairs that occur, by blocks."""

from leadterm.pipeline.compose_weights.composed_scores import Composed, OnProgress
from leadterm.pipeline.compose_weights.cpu import compose_scores
from leadterm.pipeline.compose_weights.pair_statistics import PairStatistics

__all__ = ["Composed", "OnProgress", "PairStatistics", "compose_scores", "top_tokens"]
