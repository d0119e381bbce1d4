"""Circuits and their scores computed densely, with n x n matrices, by the definitions."""

import numpy as np
from scipy import linalg

LEAST = 1e-6


def lift(joint: np.ndarray) -> np.ndarray:
    """P/(row times column frequency) - 1; 0 where a token never occurs."""
    rows, columns = joint.sum(1), joint.sum(0)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = joint / np.outer(rows, columns) - 1
    return np.where(np.outer(rows, columns) > 0, found, 0.0)


def whitener(tall: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The centred rows, and the root of their weighted Gram matrix with its small eigenvalues raised."""
    centred = tall - np.average(tall, axis=0, weights=weight)
    values, vectors = linalg.eigh(centred.T @ np.diag(weight) @ centred)
    return centred, vectors @ np.diag(np.sqrt(np.maximum(values, LEAST * values.max()))) @ vectors.T


def whitened_cosine(stream, linear, columns, table, row_weight, column_weight) -> float:
    """<D~, T~> / (|D~| |T~|), T~ from the dense lift."""
    rows, left = whitener(stream, row_weight)
    columns, right = whitener(columns, column_weight)
    target = (
        linalg.inv(left) @ rows.T @ np.diag(row_weight) @ table @ np.diag(column_weight) @ columns @ linalg.inv(right)
    )
    effect = left @ linear @ right
    return float((effect * target).sum() / np.sqrt((effect**2).sum() * (target**2).sum()))


def least_squares(stream, rows, weight, ridge=1e-6) -> np.ndarray:
    """The weighted least-squares map with a ridge, by an augmented problem."""
    centred, outputs = (part - np.average(part, axis=0, weights=weight) for part in (stream, rows))
    scale = np.sqrt(weight)[:, None]
    added = np.sqrt(ridge * np.diag(centred.T @ np.diag(weight) @ centred).max()) * np.eye(stream.shape[1])
    return linalg.lstsq(np.vstack([scale * centred, added]), np.vstack([scale * outputs, np.zeros_like(added)]))[0]


def row_correlations(circuit: np.ndarray, joint: np.ndarray) -> np.ndarray:
    """Correlations of every row of a circuit (n, n) with every row of P(c | a), columns centred first: (n, n)."""
    conditional = joint / joint.sum(1, keepdims=True)
    return np.corrcoef(circuit - circuit.mean(0), conditional - conditional.mean(0))[: len(circuit), len(circuit) :]
