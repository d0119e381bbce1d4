"""What the theory says of a corpus: its basis functions, their compositions, and the weights that follow.

Definitions and equation numbers are those of Im, Oh, Fang and Li (ICLR 2026, arXiv:2601.19208v2).
"""

from leadterm.theory.associations import strongest
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
from leadterm.theory.predicted import Attention, PredictedWeights, predicted_weights
from leadterm.theory.restriction import restricted_matrix
from leadterm.theory.steps import PerWeight, error_bounds, leading_coefficients

__all__ = [
    "Attention",
    "Basis",
    "Centring",
    "Condition",
    "Descent",
    "Gaussian",
    "PerWeight",
    "PredictedWeights",
    "error_bounds",
    "gaussian_conditions",
    "gaussian_failure",
    "gaussian_probability",
    "leading_coefficients",
    "predicted_weights",
    "restricted_matrix",
    "strongest",
    "zero_initialisation_conditions",
]
