"""The composition of the basis functions where attention needs it: scores of pairs that occur, by blocks."""

from leadterm.composing.compose import compose_scores
from leadterm.composing.statistics import PairStatistics
from leadterm.composing.types import Composed, OnProgress

__all__ = ["Composed", "OnProgress", "PairStatistics", "compose_scores"]
