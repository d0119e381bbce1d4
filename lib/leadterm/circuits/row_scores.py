"""How far a token's row of a circuit agrees with its row of the corpus, among tokens that are about as frequent.

The corpus's row of token a is k_a = P(c | a) less a constant of each column; rows and columns of both sides are
centred. With R~ the circuit's rows less their mean and U~ the columns less theirs,

    y_a = U~' k~_a / (n |k~_a|),   r_a = R~_a y_a / sqrt(R~_a G R~_a'),   G = U~'U~ / n

is the correlation of the two rows. All y cost one sparse product, a circuit n d^2. A token's *percentile* is the share
of the other tokens of its frequency class whose corpus rows agree less with the same row of the circuit: 0.5 under the
null, and exact. Its mean over tokens is 0.5 for a model that does not know the corpus.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from leadterm.circuits.counterparts import Counterpart
from leadterm.circuits.factors import Circuit
from leadterm.circuits.frequency_classes import classes_of

Array = NDArray[np.float64]
CLASSES = 10


class RowScores:
    """Scores the rows of circuits that share their columns against one counterpart.

    Parameters
    ----------
    counterpart
        ``bigram`` or ``context.T``.
    columns
        (n, d): of the circuits.
    classes
        Of frequency.
    """

    def __init__(self, counterpart: Counterpart, columns: Array, *, classes: int = CLASSES) -> None:
        self.classes = classes_of(counterpart.row_weight, classes)
        self._centred = columns - columns.mean(0)
        self._gram = self._centred.T @ self._centred / len(columns)
        self._targets = _targets(counterpart, self._centred)

    def correlations(self, circuit: Circuit) -> Array:
        """Return r_a of every token, (n,); nan where a row does not vary."""
        rows = circuit.rows - circuit.rows.mean(0)
        spread = np.sqrt(np.maximum(np.einsum("nd,nd->n", rows @ self._gram, rows), 0))
        agreement = np.einsum("nd,nd->n", rows, self._targets)
        found: Array = np.divide(agreement, spread, out=np.full(len(rows), np.nan), where=spread > 0)
        return found

    def percentiles(self, circuit: Circuit) -> Array:
        """Return every token's percentile in its frequency class, (n,)."""
        rows = circuit.rows - circuit.rows.mean(0)
        found = np.full(len(rows), np.nan)
        for members in self.classes:
            against = rows[members] @ self._targets[members].T
            own = np.diag(against)[:, None]
            others = max(len(members) - 1, 1)
            below = (against < own).sum(1)
            equal = (against == own).sum(1) - 1
            found[members] = (below + equal / 2) / others
        return found


def _targets(counterpart: Counterpart, centred: Array) -> Array:
    """Return y, (n, d): zeros for tokens without an entry."""
    n = counterpart.n_tokens
    occurs = counterpart.row_weight > 0
    per_row = np.divide(1.0, counterpart.row_weight, out=np.zeros(n), where=occurs)
    joint = counterpart.joint
    values = joint.data * np.repeat(per_row, np.diff(joint.indptr))
    rows = sparse.csr_array((values, joint.indices, joint.indptr), shape=joint.shape)
    mean_column = np.asarray(rows.sum(axis=0)) / n
    sums = rows @ centred
    sums -= sums.mean(0)
    squares = np.asarray((rows * rows).sum(axis=1)) - 2 * (rows @ mean_column) + mean_column @ mean_column
    row_means = np.asarray(rows.sum(axis=1)) / n - mean_column.mean()
    norms = np.sqrt(np.maximum(squares - n * row_means**2, 0) / n)
    varies = ((norms > 0) & occurs)[:, None]
    found: Array = np.divide(sums / n, norms[:, None], out=np.zeros_like(sums), where=varies)
    return found
