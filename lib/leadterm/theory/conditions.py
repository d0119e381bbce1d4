"""Where the theorems on the predicted weights are proved."""

from __future__ import annotations

import math
from dataclasses import dataclass

MIN_CONTEXT_LENGTH = 60
MIN_VOCABULARY = 500


@dataclass(frozen=True)
class Condition:
    """One condition of a theorem, and whether a setting meets it.

    Attributes
    ----------
    name : str
        The setting it is about.
    statement : str
        The condition in the theorem's symbols.
    actual, limit : float
        What the setting is, and what the condition allows at most or demands at least.
    holds : bool
        Whether it is met.
    """

    name: str
    statement: str
    actual: float
    limit: float
    holds: bool

    @classmethod
    def at_most(cls, name: str, statement: str, actual: float, limit: float) -> Condition:
        """Return the condition that a setting does not exceed a limit."""
        return cls(name, statement, actual, limit, actual <= limit)

    @classmethod
    def at_least(cls, name: str, statement: str, actual: float, limit: float) -> Condition:
        """Return the condition that a setting reaches a limit."""
        return cls(name, statement, actual, limit, actual >= limit)


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
    spread: float, exponent: float, learning_rate: float, context_length: int, vocabulary_size: int
) -> tuple[Condition, ...]:
    """Return what Theorem D.13 asks beside those of zero initialisation, for weights drawn from a Gaussian.

    Parameters
    ----------
    spread, exponent : float
        v and xi: every weight starts as N(0, v^2 / V^(2 + 2 xi)).
    learning_rate : float
        eta.
    context_length, vocabulary_size : int
        T and V.
    """
    return (
        Condition.at_least("exponent", "xi >= 0", exponent, 0.0),
        Condition.at_most("spread", "v <= eta^2 / T^2", spread, (learning_rate / context_length) ** 2),
        Condition.at_least("vocabulary_size", "V >= T", vocabulary_size, context_length),
        Condition.at_least("learning_rate", "eta >= 1 / T", learning_rate, 1 / context_length),
    )


def gaussian_probability(layers: int, vocabulary_size: int, exponent: float) -> float:
    """Return the least probability with which Theorem D.13 holds over the draw of the weights.

    1 - (3L + 1) (exp(-V^(1 + 2 xi) / 4) + exp(-V^(2 + 2 xi) / 4)), and 0 where that is negative.

    Examples
    --------
    >>> gaussian_probability(layers=3, vocabulary_size=500, exponent=0.0)
    1.0
    """
    log_size = math.log(vocabulary_size)
    # exp(700) is near the largest float64; beyond it the tail is 0 to machine precision anyway.
    powers = (math.exp(min((base + 2 * exponent) * log_size, 700.0)) for base in (1, 2))
    return max(0.0, 1 - (3 * layers + 1) * sum(math.exp(-power / 4) for power in powers))
