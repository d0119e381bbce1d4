"""How far the layers of a checkpoint agree with a corpus: Frobenius cosines of covariances, beside their null.

A covariance over n tokens is n x n, and none is ever formed: a checkpoint's has the rank of its width, a predictor's is
applied. ``prepare`` computes once what scores against a predictor need; an ``Evaluator`` scores layer after layer.
"""

from leadterm.alignment.centred_rows import CentredRows
from leadterm.alignment.moments import Metric, Moments
from leadterm.alignment.predictor import Predictor, prepare
from leadterm.alignment.scored_layer import Component, ScoredLayer, permuted, restricted
from leadterm.alignment.scores import BASIS, EVERY, PAPER, READ, Evaluator, Pairs, Score
from leadterm.alignment.token_choice import chosen_tokens, predictor_operators

__all__ = [
    "BASIS",
    "EVERY",
    "PAPER",
    "READ",
    "CentredRows",
    "Component",
    "Evaluator",
    "Metric",
    "Moments",
    "Pairs",
    "Predictor",
    "Score",
    "ScoredLayer",
    "chosen_tokens",
    "permuted",
    "predictor_operators",
    "prepare",
    "restricted",
]
