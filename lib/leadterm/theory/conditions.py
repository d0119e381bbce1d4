"""The conditions under which the theorems on the predicted weights are proved."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass

from leadterm.theory.descent import Descent, Gaussian

MIN_CONTEXT_LENGTH = 60
MIN_VOCABULARY = 500


@dataclass(frozen=True)
class Condition:
    """One condition of a theorem, and whether a setting satisfies it.

    Attributes
    ----------
    name : str
        The setting to which it applies.
    statement : str
        The condition in the theorem's symbols.
    actual, limit : float
        The value of the setting, and the largest or smallest value that the condition allows.
    holds : bool
        Whether it is satisfied.
    """

    name: str
    statement: str
    actual: float
    limit: float
    holds: bool

    @classmethod
    def at_most(cls, name: str, statement: str, actual: float, limit: float) -> Condition:
        """Make the condition that a setting does not exceed a limit."""
        return cls(name, statement, actual, limit, actual <= limit)

    @classmethod
    def at_least(cls, name: str, statement: str, actual: float, limit: float) -> Condition:
        """Make the condition that a setting is not below a limit."""
        return cls(name, statement, actual, limit, actual >= limit)


def conditions(descent: Descent, vocabulary_size: int) -> tuple[Condition, ...]:
    """Return the conditions of the theorem for a descent, which depends on its initialisation, over V tokens."""
    steps, rate, length = descent.steps, descent.learning_rate, descent.context_length
    found = zero_initialisation_conditions(steps, rate, descent.layers, length, vocabulary_size)
    if descent.initialisation is None:
        return found
    return found + gaussian_conditions(descent.initialisation, steps, rate, length, vocabulary_size)


def zero_initialisation_conditions(
    steps: int, learning_rate: float, layers: int, context_length: int, vocabulary_size: int
) -> tuple[Condition, ...]:
    """Return the conditions of Theorems 4.1 and D.10, for weights that start at zero.

    Examples
    --------
    >>> [c.name for c in zero_initialisation_conditions(10, 0.005, 3, 64, 3000) if not c.holds]
    ['layers', 'steps']
    """
    root = math.sqrt(context_length)
    longest = min(5 / (8 * root), 1 / (12 * layers)) / learning_rate
    return (
        Condition.at_most("layers", "L <= sqrt(T) / 4", layers, root / 4),
        Condition.at_most("steps", "s <= min(5 / (8 sqrt(T)), 1 / (12 L)) / eta", steps, longest),
        Condition.at_least("context_length", "T >= 60", context_length, MIN_CONTEXT_LENGTH),
        Condition.at_least("vocabulary_size", "V >= 500", vocabulary_size, MIN_VOCABULARY),
    )


def gaussian_conditions(
    initialisation: Gaussian, steps: int, learning_rate: float, context_length: int, vocabulary_size: int
) -> tuple[Condition, ...]:
    """Return the conditions of Theorem D.13 for Gaussian weights, in addition to those of zero initialisation.

    Its bounds are those of zero initialisation: with v <= eta^2 / T^2 and eta >= 1 / T the drawn weights, of
    norm about v / V^xi, are within them from the first step on. Before it every bound is 0, and no drawn weight is.

    Parameters
    ----------
    initialisation : Gaussian
        v and xi.
    steps : int
        s.
    learning_rate : float
        eta.
    context_length, vocabulary_size : int
        T and V.

    Examples
    --------
    >>> asked = gaussian_conditions(Gaussian(1e-7), 4, 2**-6, 64, 500)
    >>> [(c.statement, c.limit) for c in asked if not c.holds]
    [('v <= eta^2 / T^2', 5.960464477539063e-08)]
    """
    return (
        Condition.at_least("exponent", "xi >= 0", initialisation.exponent, 0.0),
        Condition.at_most("spread", "v <= eta^2 / T^2", initialisation.spread, (learning_rate / context_length) ** 2),
        Condition.at_least("vocabulary_size", "V >= T", vocabulary_size, context_length),
        Condition.at_least("learning_rate", "eta >= 1 / T", learning_rate, 1 / context_length),
        Condition.at_least("steps", "s >= 1", steps, 1),
    )


def gaussian_failure(layers: int, vocabulary_size: int, exponent: float) -> float:
    """Return an upper bound on the probability, over the draw of the weights, that the bounds of Theorem D.13 fail.

    (3L + 1) (exp(-V^(1 + 2 xi) / 4) + exp(-V^(2 + 2 xi) / 4)), at most 1, and never rounded to 0: if it is
    smaller than float64 can represent, the smallest normal number is returned, which is larger.

    Examples
    --------
    >>> f"{gaussian_failure(layers=3, vocabulary_size=500, exponent=0.0):.2e}"
    '5.17e-54'
    """
    log_size = math.log(vocabulary_size)
    # exp(700) is near the largest float64; the tail of anything larger is below the smallest one.
    powers = (math.exp(min((base + 2 * exponent) * log_size, 700.0)) for base in (1, 2))
    failure = (3 * layers + 1) * sum(math.exp(-power / 4) for power in powers)
    return min(1.0, max(failure, sys.float_info.min))


def gaussian_probability(layers: int, vocabulary_size: int, exponent: float) -> float:
    """Return a lower bound on the probability, over the draw of the weights, that Theorem D.13 holds.

    1 - ``gaussian_failure``, which rounds to 1 unless the vocabulary is small; 0 if nothing is proved.

    Examples
    --------
    >>> gaussian_probability(layers=3, vocabulary_size=500, exponent=0.0)
    1.0
    >>> gaussian_probability(layers=3, vocabulary_size=5, exponent=0.0)
    0.0
    """
    return 1 - gaussian_failure(layers, vocabulary_size, exponent)
