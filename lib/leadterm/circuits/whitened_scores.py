"""How far a circuit's linear map agrees with a joint table of the corpus, in coordinates that measure effects.

For a circuit that reads a stream x (n, d) through D (d, d) and is read by columns U (n, d), with weights w over rows
and v over columns, x~ and U~ less their weighted means:

    A = (x~' diag(w) x~)^1/2,   B = (U~' diag(v) U~)^1/2,   D~ = A D B,   T~ = A^-1 x~' (J - r c') U~ B^-1

|D~| is the root mean square effect of the circuit over w x v, and T~ the weighted least-squares fit of the lift K by
x~ T U~'. The score is the cosine of the two, with its sign. Eigenvalues below 1e-6 of the largest count as that. An
MLP's D is the weighted least-squares map from what it reads to what it puts out.

Its null changes the places of the tokens of K within classes of frequency, rows and columns apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leadterm.circuits.counterparts import Counterpart
from leadterm.circuits.factors import Circuit
from leadterm.circuits.frequency_classes import classes_of, permutation_within

Array = NDArray[np.float64]
LEAST_EIGENVALUE = 1e-6
"""Of the largest: below, a direction of the stream hardly varies."""
RIDGE = 1e-6
"""Of the largest diagonal entry, added to that of an MLP's fit."""
DRAWS, CLASSES = 8, 20


@dataclass(frozen=True)
class WhitenedScore:
    """A cosine, beside those of permuted tokens and of a shuffled corpus.

    Attributes
    ----------
    cosine
        Nan where the circuit does nothing.
    null_mean, null_sd, z
        Over the draws; z is how many of these standard deviations the cosine lies above the mean, nan where there is
        none.
    shuffled
        The cosine with the same table of the shuffled corpus; None where there is none.
    """

    cosine: float
    null_mean: float
    null_sd: float
    z: float
    shuffled: float | None


class WhitenedScores:
    """Scores circuits against one counterpart.

    Parameters
    ----------
    counterpart
        Of the corpus.
    shuffled
        The same of the shuffled corpus, or None.
    draws, classes, seed
        Of the null: how many permutations, within how many classes of frequency.
    """

    def __init__(
        self,
        counterpart: Counterpart,
        shuffled: Counterpart | None = None,
        *,
        draws: int = DRAWS,
        classes: int = CLASSES,
        seed: int = 0,
    ) -> None:
        self.counterpart, self._shuffled = counterpart, shuffled
        generator = np.random.default_rng(seed)
        rows, columns = (classes_of(one, classes) for one in (counterpart.row_weight, counterpart.column_weight))
        self._draws = [
            (permutation_within(rows, generator), permutation_within(columns, generator)) for _ in range(draws)
        ]
        self._columns: tuple[Array, _Side, list[Array]] | None = None
        self._stream: tuple[Array, Array, _Side, list[Array]] | None = None

    def score(self, circuit: Circuit) -> WhitenedScore:
        """Score a circuit over the counterpart's tokens; those with the same stream, or columns, share work."""
        columns, right, products = self._right(circuit)
        rows, targets = self._left(circuit, columns, right, products)
        found = circuit.map if circuit.map is not None else fitted_map(circuit, self.counterpart.row_weight)
        effect = rows.root @ found @ right.root
        cosines = [_cosine(effect, target) for target in targets]
        n = len(self._draws)
        null = np.array(cosines[1 : n + 1])
        mean, deviation = (float(null.mean()), float(null.std(ddof=1))) if n > 1 else (np.nan, np.nan)
        z = (cosines[0] - mean) / deviation if deviation > 0 else np.nan
        return WhitenedScore(cosines[0], mean, deviation, z, cosines[-1] if self._shuffled else None)

    def direction(self, circuit: Circuit) -> Array:
        """Return T~ of a circuit, (d, d)."""
        columns, right, products = self._right(circuit)
        return self._left(circuit, columns, right, products)[1][0]

    def _right(self, circuit: Circuit) -> tuple[Array, _Side, list[Array]]:
        """Whiten what reads a circuit, and apply all tables to it; kept while it stays the same."""
        columns = circuit.columns if circuit.kind != "qk" else circuit.stream
        if self._columns is None or self._columns[0] is not columns:
            side = _Side.of(columns, self.counterpart.column_weight)
            self._columns = columns, side, self._products(side.centred)
        return self._columns

    def _products(self, centred: Array) -> list[Array]:
        """Apply J, the permuted ones, and that of the shuffled corpus."""
        found = [self.counterpart.applied(centred)]
        found += [self.counterpart.permuted(centred, *draw) for draw in self._draws]
        if self._shuffled is not None:
            other = self._shuffled
            mean = other.column_weight @ centred
            found.append(other.applied(centred) - other.row_weight[:, None] * mean)
        return found

    def _left(self, circuit: Circuit, columns: Array, right: _Side, products: list[Array]) -> tuple[_Side, list[Array]]:
        """Whiten what a circuit reads, and find T~ of all tables; kept while it stays the same."""
        stream = circuit.stream
        if self._stream is None or self._stream[0] is not stream or self._stream[1] is not columns:
            side = _Side.of(stream, self.counterpart.row_weight)
            targets = [side.inverse_root @ (side.centred.T @ product) @ right.inverse_root for product in products]
            self._stream = stream, columns, side, targets
        return self._stream[2], self._stream[3]


@dataclass(frozen=True, eq=False)
class _Side:
    """A stream or unembedding less its weighted mean, with the root of its weighted Gram matrix and that's inverse."""

    centred: Array
    root: Array
    inverse_root: Array

    @classmethod
    def of(cls, tall: Array, weight: Array) -> _Side:
        """Whiten (n, d) with weights (n,) that sum to 1."""
        centred = np.asarray(tall - weight @ tall, dtype=np.float64)
        values, vectors = np.linalg.eigh(centred.T @ (weight[:, None] * centred))
        roots = np.sqrt(np.maximum(values, LEAST_EIGENVALUE * max(float(values[-1]), np.finfo(float).tiny)))
        root: Array = (vectors * roots) @ vectors.T
        inverse: Array = (vectors / roots) @ vectors.T
        return cls(centred, root, inverse)


def fitted_map(circuit: Circuit, weight: Array) -> Array:
    """Fit a circuit's rows by a linear map of its stream, by weighted least squares: (d, d)."""
    stream, rows = (part - weight @ part for part in (circuit.stream, circuit.rows))
    gram = stream.T @ (weight[:, None] * stream)
    ridge = RIDGE * float(np.diag(gram).max())
    found = np.linalg.solve(gram + ridge * np.eye(len(gram)), stream.T @ (weight[:, None] * rows))
    return np.asarray(found, dtype=np.float64)


def _cosine(left: Array, right: Array) -> float:
    """Return the Frobenius cosine; nan of nothing."""
    norms = float(np.linalg.norm(left) * np.linalg.norm(right))
    return float(np.vdot(left, right)) / norms if norms > 0 else np.nan
