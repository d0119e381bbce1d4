"""The theory applied to a corpus: its basis functions, their compositions, and the weights they predict.

Definitions and equation numbers are those of Im, Oh, Fang and Li (ICLR 2026, arXiv:2601.19208v2).
"""

from leadterm.theory.adam_next_order import next_order_scores
from leadterm.theory.adam_weights import counted_descent, score_functions
from leadterm.theory.associations import strongest
from leadterm.theory.attention import Attention, ScoreFunctions
from leadterm.theory.basis import Basis
from leadterm.theory.centring import Centring
from leadterm.theory.conditions import (
    Condition,
    gaussian_conditions,
    gaussian_failure,
    gaussian_probability,
    zero_initialisation_conditions,
)
from leadterm.theory.descent import Descent, Gaussian
from leadterm.theory.next_order_basis import NextOrder, NextOrderCounts
from leadterm.theory.optimizers import (
    OPTIMIZERS,
    Adam,
    AdamW,
    GradientDescent,
    Optimizer,
    SignDescent,
    make_optimizer,
    require_optimizer,
)
from leadterm.theory.predicted import UNPROVED, PredictedWeights, predicted_weights
from leadterm.theory.recursion import Share, value_gradient
from leadterm.theory.restriction import restricted_matrix
from leadterm.theory.saturated_bigram import saturated_bigram
from leadterm.theory.saturation import Saturation
from leadterm.theory.steps import PerWeight, error_bounds, leading_coefficients

__all__ = [
    "OPTIMIZERS",
    "UNPROVED",
    "Adam",
    "AdamW",
    "Attention",
    "Basis",
    "Centring",
    "Condition",
    "Descent",
    "Gaussian",
    "GradientDescent",
    "NextOrder",
    "NextOrderCounts",
    "Optimizer",
    "PerWeight",
    "PredictedWeights",
    "Saturation",
    "ScoreFunctions",
    "Share",
    "SignDescent",
    "counted_descent",
    "error_bounds",
    "gaussian_conditions",
    "gaussian_failure",
    "gaussian_probability",
    "leading_coefficients",
    "make_optimizer",
    "next_order_scores",
    "predicted_weights",
    "require_optimizer",
    "restricted_matrix",
    "saturated_bigram",
    "score_functions",
    "strongest",
    "value_gradient",
    "zero_initialisation_conditions",
]
