"""Scores as the authors' script for language models has them.

The corpus goes through leadterm's kernels, and on the other side through `support.authors`, which uses nothing of it.
"""

import math

import numpy as np
import pytest
import torch
from scipy import sparse

from leadterm.alignment import (
    PAPER,
    Evaluator,
    chosen_tokens,
    predictor_operators,
    prepare,
    restricted,
)
from leadterm.axes import Axis
from leadterm.counting import Statistic
from leadterm.operators import SparseOperator
from leadterm.theory import Basis, restricted_matrix
from support.attention_cases import as_scores, compose, count, sums
from support.authors import authors_matrices, authors_score
from support.dense_alignment import random_layer
from support.dense_theory import count as count_dense
from support.dense_theory import random_windows

SIZE, K, T = 30, 13, 12
BITS = 60
"""Of a term of Q in fixed point; scores of this corpus are below 2^-9, so that rounding is 2^-50 of them at worst."""


@pytest.fixture(scope="module")
def windows():
    return random_windows(50, T + 1, SIZE, seed=8)


@pytest.fixture(scope="module")
def tokens(windows):
    return chosen_tokens(np.bincount(np.concatenate(windows), minlength=SIZE), K)


def leadterms_predictors(windows, tokens, orientation):
    """Count, compose and attend with the library, keeping the same tokens."""
    kept = np.isin(np.arange(SIZE), tokens)
    whole = count_dense(windows, SIZE)
    scores = as_scores(compose(whole, kept), np.full(SIZE, BITS, dtype=np.int32), BITS)
    entries = sums(count(windows, T, scores, 10_000, 50))[Statistic.QUERY_KEY]
    places, values = np.array(list(entries)).T, np.ldexp(np.array(list(entries.values()), dtype=float), -BITS)
    query_key = sparse.coo_array((values / whole.n_positions, tuple(places)), (SIZE, SIZE)).tocsr()
    counts, weights = (
        restricted_matrix(sparse.csr_array(part), tokens) for part in (whole.bigram_counts, whole.context_weights)
    )
    basis = Basis.from_counts(
        counts,
        weights,
        whole.n_positions,
        current_frequency=whole.alpha[tokens],
        context_frequency=whole.rho[tokens],
        vocabulary_size=SIZE,
    )
    operator = SparseOperator(restricted_matrix(query_key, tokens), (Axis.CURRENT, Axis.CONTEXT))
    operators = predictor_operators(basis, operator, orientation)
    return [prepare(name, operators[name]) for name in ("query_key", "value")]


def test_raw_scores_are_the_authors(windows, tokens):
    layer = restricted(random_layer(1, SIZE), torch.from_numpy(tokens))
    query, key, pre = (part.numpy() for part in (layer.query, layer.key, layer.pre))
    maps = [pre @ w_q @ w_k.T @ pre.T for w_q, w_k in zip(query, key, strict=True)]
    checkpoint = {"pre": pre, "mid": layer.mid.numpy(), "post": layer.post.numpy()}
    matrices = authors_matrices(windows, tokens, SIZE)
    found = Evaluator(leadterms_predictors(windows, tokens, "authors"), PAPER).score(layer)
    raw = [one for one in found if one.metric == "raw"]
    assert len(raw) == 8
    for one in raw:
        attention = sum(maps) / len(maps) if one.head is None else maps[one.head]
        other = checkpoint.get(one.component, attention)
        # Q is a sum of integers in units of 2^-60: 1e-6 is what the comparison is for, 1e-9 what it reaches.
        assert math.isclose(one.score, authors_score(matrices[one.predictor], other), rel_tol=1e-9), one


def test_the_papers_orientation_gives_other_numbers(windows, tokens):
    layer = restricted(random_layer(1, SIZE), torch.from_numpy(tokens))
    both = [
        Evaluator(leadterms_predictors(windows, tokens, orientation), PAPER).score(layer)
        for orientation in ("paper", "authors")
    ]
    for paper, authors in zip(*both, strict=True):
        same = math.isclose(paper.score, authors.score, rel_tol=1e-6)
        assert same == (paper.component != "qk")
