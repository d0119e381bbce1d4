"""Which associations a checkpoint has, circuit by circuit: linear paths from a token to the next, beside the corpus's.

A circuit is a product of two factors, rows (n, d) and columns (n, d), and is never formed as an n x n matrix.
``circuits_of`` takes them from a checkpoint; ``WhitenedScores`` says how far a circuit's linear map agrees with a
statistic of the corpus, beside permutations of it; ``RowScores`` says so of single tokens.
"""

from leadterm.circuits.counterparts import Counterpart
from leadterm.circuits.factors import Circuit, CircuitKind, circuits_of
from leadterm.circuits.frequency_classes import classes_of
from leadterm.circuits.pair_evidence import CircuitEvidence, PairEvidence
from leadterm.circuits.row_scores import RowScores
from leadterm.circuits.whitened_scores import WhitenedScore, WhitenedScores

__all__ = [
    "Circuit",
    "CircuitEvidence",
    "CircuitKind",
    "Counterpart",
    "PairEvidence",
    "RowScores",
    "WhitenedScore",
    "WhitenedScores",
    "circuits_of",
    "classes_of",
]
