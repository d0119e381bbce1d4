"""Whether a pair of tokens is in the corpus, and whether it is in a circuit's weights.

Corpus: with n the count and E what the two frequencies would give, g = sign(n - E) sqrt(2 (n ln(n/E) - n + E)).
Weights: e = R~ U~', with R~ and U~ less their frequency-weighted means, each column divided by the fourth root of its
weighted mean square; a pair is in the weights where its e lies above 99 % of its row and above 99 % of its column among
the tokens that are about as frequent as the row's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leadterm.circuits.counterparts import Counterpart
from leadterm.circuits.factors import Circuit
from leadterm.circuits.frequency_classes import classes_of, permutation_within

Array = NDArray[np.float64]
CLASSES = 10
STRONG = {"bigram": 6.0, "context.T": 4.0}
"""From which g on a pair is in the corpus. A shuffled corpus has 68 of 4 million pairs of bigrams above 4."""
HIGH = 0.99
"""From which percentile on a pair is in the weights."""
BOTH, WEIGHTS, CORPUS, UNSEEN = "both", "in the weights", "in the corpus", "not seen in this circuit"


def surprise(count: Array, expected: Array) -> Array:
    """Return g of counts: about a standard normal by chance, where counts are large."""
    with np.errstate(divide="ignore", invalid="ignore"):
        logarithm = np.where(count > 0, count * np.log(count / expected), 0.0)
    deviance = np.maximum(2 * (logarithm - count + expected), 0)
    found: Array = np.sign(count - expected) * np.sqrt(deviance)
    return found


@dataclass(frozen=True)
class PairEvidence:
    """What corpus and circuit say of a pair.

    Attributes
    ----------
    count, expected, g
        Of the corpus; contexts count by their weights 1/t.
    percentile_in_row, percentile_in_class
        Of the circuit: of its row's columns, and of its column's rows in the token's frequency class, the share below.
    verdict
        ``both``, ``in the weights``, ``in the corpus``, or ``not seen in this circuit``.
    """

    count: float
    expected: float
    g: float
    percentile_in_row: float
    percentile_in_class: float
    verdict: str


class CircuitEvidence:
    """The entries of a circuit, scaled so that they can be compared along rows and columns.

    Parameters
    ----------
    circuit
        Of n tokens.
    counterpart
        Its table, whose margins are the weights of means.
    total
        The sum of the table's counts, which made it joint frequencies.
    """

    def __init__(self, circuit: Circuit, counterpart: Counterpart, total: float, *, classes: int = CLASSES) -> None:
        self._table, self._total = counterpart, total
        self._rows = circuit.rows - counterpart.row_weight @ circuit.rows
        columns = circuit.columns - counterpart.column_weight @ circuit.columns
        gram = self._rows.T @ (counterpart.row_weight[:, None] * self._rows)
        squares = np.einsum("nd,nd->n", columns @ gram, columns)
        scale = np.maximum(squares, np.finfo(float).tiny) ** 0.25
        self._columns = columns / scale[:, None]
        self._classes = classes_of(counterpart.row_weight, classes)

    def row(self, token: int) -> Array:
        """Return the entries of a token's row, (n,)."""
        found: Array = self._columns @ self._rows[token]
        return found

    def corpus_row(self, token: int) -> Array:
        """Return g of a token with every other, (n,)."""
        table = self._table
        count = table.joint[[token]].toarray()[0] * self._total
        return surprise(count, table.row_weight[token] * table.column_weight * self._total)

    def of(self, token: int, other: int) -> PairEvidence:
        """Say what is known of a pair."""
        row = self.row(token)
        members = next(one for one in self._classes if token in one)
        column = self._rows[members[members != token]] @ self._columns[other]
        in_row, in_class = _below(np.delete(row, other), row[other]), _below(column, row[other])
        count = float(self._table.joint[token, other]) * self._total
        expected = float(self._table.row_weight[token] * self._table.column_weight[other]) * self._total
        g = float(surprise(np.array(count), np.array(expected)))
        is_strong, is_high = g >= STRONG[self._table.name], min(in_row, in_class) >= HIGH
        verdict = (BOTH if is_strong else WEIGHTS) if is_high else (CORPUS if is_strong else UNSEEN)
        return PairEvidence(count, expected, g, in_row, in_class, verdict)

    def chance(self, seed: int = 0) -> tuple[int, int, int]:
        """Count the corpus's strong pairs, those of them in the weights, and those that chance puts there.

        Chance gives every row the weights of another token of its class. Costs n^2 d.

        Returns
        -------
        strong, both, by_chance
        """
        strong_rows, strong_columns = self._strong()
        order = permutation_within(self._classes, np.random.default_rng(seed))
        both = by_chance = 0
        for members in self._classes:
            entries = self._rows[members] @ self._columns.T
            high = (entries > np.quantile(entries, HIGH, axis=1)[:, None]) & (
                entries > np.quantile(entries, HIGH, axis=0)
            )
            mine = np.isin(strong_rows, members)
            rows, columns = strong_rows[mine], strong_columns[mine]
            both += int(high[np.searchsorted(members, rows), columns].sum())
            by_chance += int(high[np.searchsorted(members, order[rows]), columns].sum())
        return len(strong_rows), both, by_chance

    def _strong(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """List the pairs that are in the corpus."""
        table = self._table.joint.tocoo()
        rows, columns = (part.astype(np.int64) for part in table.coords)
        expected = self._table.row_weight[rows] * self._table.column_weight[columns]
        g = surprise(table.data * self._total, expected * self._total)
        chosen = g >= STRONG[self._table.name]
        return rows[chosen], columns[chosen]


def _below(others: Array, own: float) -> float:
    """Return the share of others that lie below, ties counting half."""
    if not len(others):
        return np.nan
    return float(((others < own).sum() + (others == own).sum() / 2) / len(others))
