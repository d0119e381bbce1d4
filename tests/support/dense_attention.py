"""Q and Delta by their definition: one-hot matrices and the softmax's Jacobian written out. Slow, hard to get wrong.

For one window of n positions, with X (n, V) the one-hot current tokens and Y (n, V) the one-hot next ones:

    S = Y scores X'                      what each position would like to attend to, (n, n)
    A[t, j] = 1/t for j <= t, else 0     uniform causal attention
    J[t] = diag(A[t]) - A[t] A[t]'       the Jacobian of a softmax at A[t], (n, n) for each t
    q[t] = J[t] S[t]
    Q = (1/M) sum over windows of X' q X            [CURRENT x CONTEXT]
    Delta_m = (1/M) sum over windows of the m-th subdiagonal of q

M counts the positions of all windows. Windows are lists of token ids of the whole vocabulary, of any length; one with
fewer than two tokens has no position. Three steps, so that each can be compared alone::

    composed = dense_composed(bigram_counts, context_weights, current, rho, n_positions, vocabulary_size, kept)
    scores = dense_scores(composed, vocabulary_size, kept)
    query_key, position = dense_attention(windows, scores, context_length, kept)
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def dense_composed(
    bigram_counts: np.ndarray,
    context_weights: np.ndarray,
    current: np.ndarray,
    rho: np.ndarray,
    n_positions: int,
    vocabulary_size: int,
    kept: Sequence[int] | None = None,
) -> np.ndarray:
    """Return G = B'B Phi, [NEXT x CONTEXT], (k, k) float64: over all V tokens, or over the kept ones in their order.

    Parameters
    ----------
    bigram_counts : (V, V) [CURRENT x NEXT], number of positions with that pair.
    context_weights : (V, V) [NEXT x CONTEXT], sum of 1/t over positions and their context tokens.
    current, rho : (V,), current and context *frequencies*, per position (alpha and rho).
    n_positions : M.
    vocabulary_size : V of the whole vocabulary; also where the arrays hold the kept tokens only.
    kept : token ids of the whole vocabulary. Arrays of V rows are cut to them here; arrays that have len(kept) rows
        are taken as cut already.
    """
    size = len(current)
    if kept is not None and size == vocabulary_size:
        kept = np.asarray(kept)
        bigram_counts, context_weights = bigram_counts[np.ix_(kept, kept)], context_weights[np.ix_(kept, kept)]
        current, rho = current[kept], rho[kept]
        size = len(kept)
    if size != (vocabulary_size if kept is None else len(kept)):
        raise ValueError(f"{size} tokens in the arrays, {vocabulary_size=}, {kept=}")
    bigram = bigram_counts / n_positions - np.outer(current, np.ones(size)) / vocabulary_size
    context = context_weights / n_positions - np.outer(np.ones(size), rho) / vocabulary_size
    return bigram.T @ bigram @ context


def dense_scores(composed: np.ndarray, vocabulary_size: int, kept: Sequence[int] | None = None) -> np.ndarray:
    """Return (Y - U) G for every next token: (V, V) [NEXT x CONTEXT] over the whole vocabulary, float64.

    Row y is G[y] (zero where y is not kept) less the sum of all rows of G over V; the column of a token that is not
    kept is zero. Over the whole vocabulary the rows of G sum to zero and the scores are G.
    """
    tokens = np.arange(vocabulary_size) if kept is None else np.asarray(kept)
    scores = np.zeros((vocabulary_size, vocabulary_size))
    scores[np.ix_(tokens, tokens)] = composed
    return (np.eye(vocabulary_size) - 1 / vocabulary_size) @ scores


def dense_attention(
    windows: Sequence[Sequence[int]], scores: np.ndarray, context_length: int, kept: Sequence[int] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return Q and Delta of windows.

    Parameters
    ----------
    windows : lists of at most context_length + 1 token ids of the whole vocabulary.
    scores : (V, V) [NEXT x CONTEXT], from ``dense_scores``.
    context_length : T, the length of Delta; distances that no window reaches are 0.
    kept : the rows and columns of Q, in this order; default all tokens. Positions whose query is not kept, and keys
        that are not kept, are missing from Q. They are all in Delta, for Delta does not look at tokens.

    Returns
    -------
    query_key : (k, k) float64, [CURRENT x CONTEXT], query x key. Over the whole vocabulary rows sum to 0.
    position : (T,) float64, by distance query minus key; sums to 0.
    """
    size = len(scores)
    query_key, position = np.zeros((size, size)), np.zeros(context_length)
    n_positions = 0
    for window in windows:
        n = len(window) - 1
        if n < 1:
            continue
        inputs, targets = np.eye(size)[window[:-1]], np.eye(size)[window[1:]]
        q = np.einsum(
            "tij,tj->ti", uniform_jacobian(n), np.einsum("tc,cb,jb->tj", targets, scores, inputs, optimize=True)
        )
        query_key += np.einsum("ta,tj,jb->ab", inputs, q, inputs, optimize=True)
        position[:n] += [np.trace(q, offset=-distance) for distance in range(n)]
        n_positions += n
    tokens = np.arange(size) if kept is None else np.asarray(kept)
    return query_key[np.ix_(tokens, tokens)] / n_positions, position / n_positions


def uniform_jacobian(n: int) -> np.ndarray:
    """Return (n, n, n): for each query t the derivative of a causal softmax over keys, at equal scores."""
    attention = np.tril(np.ones((n, n))) / np.arange(1, n + 1)[:, None]
    return np.einsum("ti,ij->tij", attention, np.eye(n)) - np.einsum("ti,tj->tij", attention, attention)
