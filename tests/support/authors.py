"""The numbers of the authors' script for language models, from its formulas with one-hot matrices.

Each window holds T + 1 tokens of the whole vocabulary; rows and columns are the k most frequent ones. With X and Y the
one-hot current and next tokens of a window, restricted to those k (others are rows of zeros), A uniform causal
attention, and N windows:

    B = sum X' (Y - 1/V) / (N T), Phi = sum (Y - 1/V)' A X / (N T)      1/V of the whole vocabulary
    q[t] = ((Y - 1/V) B'B Phi X')[t] less its mean over j <= t, over t
    Q = sum (X' q X)' / (N T)                                            transposed: keys are rows

Nothing of leadterm is used for these.
"""

from collections.abc import Sequence

import numpy as np


def authors_matrices(windows: Sequence[Sequence[int]], tokens: np.ndarray, size: int) -> dict[str, np.ndarray]:
    """Compute Q and V over some tokens from windows of T + 1 tokens each."""
    length = len(windows[0]) - 1
    one_hot = np.zeros((size, len(tokens)))
    one_hot[tokens, np.arange(len(tokens))] = 1
    lengths = np.arange(1, length + 1)[:, None]
    causal = np.tril(np.ones((length, length)))
    pairs = [(one_hot[window[:-1]], one_hot[window[1:]] - 1 / size) for window in windows]
    bigram = sum(x.T @ y for x, y in pairs) / (len(windows) * length)
    context = sum(y.T @ (causal / lengths) @ x for x, y in pairs) / (len(windows) * length)
    query_key = np.zeros((len(tokens), len(tokens)))
    for x, y in pairs:
        scores = causal * (y @ bigram.T @ bigram @ context @ x.T)
        q = causal * (scores - scores.sum(axis=1, keepdims=True) / lengths) / lengths
        query_key += (x.T @ q @ x).T / (len(windows) * length)
    return {"query_key": query_key, "value": context.T @ bigram.T}


def authors_score(rows: np.ndarray, other: np.ndarray) -> float:
    """Cosine of covariances; `other` is a matrix whose rows are tokens."""
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    left, right = np.cov(rows / np.where(norms > 0, norms, 1)), np.cov(other)
    return float((left * right).sum() / np.linalg.norm(left) / np.linalg.norm(right))
