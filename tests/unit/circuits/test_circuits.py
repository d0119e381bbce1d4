"""Circuits of a model of each family, and their scores, against dense float64 computations from the definitions."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy import sparse

from leadterm.checkpoints import open_checkpoint
from leadterm.circuits import Counterpart, RowScores, WhitenedScores, circuits_of, classes_of
from leadterm.circuits.frequency_classes import permutation_within
from leadterm.errors import InputError
from support import dense_circuits as dense
from support.tiny_models import CONFIGS, D_MODEL, N_HEADS, N_LAYERS, VOCABULARY_SIZE, save, tiny_model

EQUAL = {"rtol": 0, "atol": 1e-8}
"""Of cosines and correlations. Sums of some 50 products of float64 numbers, whitened by roots of which the smallest is
1e-3 of the largest: 1e-16 * 50 * 1e6."""


def joint_table(seed: int, *, gaps: bool = True) -> sparse.csr_array:
    """Counts of a small corpus, with frequent tokens and pairs that never occur."""
    draw = np.random.default_rng(seed)
    frequency = 1 / np.arange(1, VOCABULARY_SIZE + 1)
    counts = draw.poisson(
        400 * np.outer(frequency, draw.permutation(frequency)) * draw.gamma(0.3, 3, (VOCABULARY_SIZE,) * 2)
    )
    return sparse.csr_array(counts + (0 if gaps else 1) + np.eye(VOCABULARY_SIZE, dtype=np.int64))


@pytest.fixture(scope="module", params=CONFIGS)
def circuits(request, tmp_path_factory):
    """All circuits of a model of a family."""
    checkpoint = open_checkpoint(save(tiny_model(request.param), tmp_path_factory.mktemp("model")), dtype="float64")
    ids = torch.arange(VOCABULARY_SIZE)
    return list(circuits_of(checkpoint.layers(ids), checkpoint.unembedding(ids), checkpoint.last_norm))


def test_every_circuit_is_there(circuits):
    names = [str(one) for one in circuits]
    expected = ["direct"]
    for layer in range(N_LAYERS):
        expected += [f"{kind}{layer}.{head}" for kind in ("ov", "qk") for head in range(N_HEADS)]
        expected.insert(len(expected) - N_HEADS, f"ov{layer}")
        expected += [f"attn{layer}", f"mlp{layer}"]
    assert names == [*expected, "total"]
    for one in circuits:
        assert one.rows.shape[0] == one.columns.shape[0] == VOCABULARY_SIZE
        assert one.rows.dtype == one.columns.dtype == np.float64


def test_linear_circuits_are_their_map(circuits):
    for one in circuits:
        if one.map is not None and one.kind != "qk":
            mapped, rows = one.stream @ one.map, one.rows
            mapped, rows = mapped - mapped.mean(0), rows - rows.mean(0)
            assert np.vdot(mapped, rows) / np.linalg.norm(mapped) / np.linalg.norm(rows) == pytest.approx(1, abs=2e-5)


def test_whitened_cosines_equal_dense_ones(circuits):
    """Of the table, of a shuffled corpus, and of every permuted lift."""
    counts, other = joint_table(0), joint_table(1)
    counterpart, shuffled = (Counterpart.of_counts("bigram", one) for one in (counts, other))
    scores = WhitenedScores(counterpart, shuffled, draws=3, classes=5, seed=7)
    weights, joint = (counterpart.row_weight, counterpart.column_weight), counts.toarray() / counts.sum()
    generator = np.random.default_rng(7)
    classes = [classes_of(one, 5) for one in weights]
    draws = [[permutation_within(one, generator) for one in classes] for _ in range(3)]
    for one in circuits:
        linear = one.map if one.map is not None else dense.least_squares(one.stream, one.rows, weights[0])
        columns = one.stream if one.kind == "qk" else one.columns

        def cosine(table, linear=linear, columns=columns, one=one):
            return dense.whitened_cosine(one.stream, linear, columns, table, *weights)

        found = scores.score(one)
        np.testing.assert_allclose(found.cosine, cosine(dense.lift(joint)), **EQUAL)
        null = [cosine(dense.lift(joint)[np.ix_(rows, places)]) for rows, places in draws]
        np.testing.assert_allclose((found.null_mean, found.null_sd), (np.mean(null), np.std(null, ddof=1)), **EQUAL)
        np.testing.assert_allclose(found.z, (found.cosine - np.mean(null)) / np.std(null, ddof=1), rtol=1e-6)
        second = other.toarray() / other.sum()
        residual = (second - np.outer(second.sum(1), second.sum(0))) / np.outer(*weights)
        np.testing.assert_allclose(found.shuffled, cosine(residual), **EQUAL)


def test_rows_equal_dense_correlations(circuits):
    counts = joint_table(0)
    counterpart = Counterpart.of_counts("bigram", counts)
    own = [one for one in circuits if one.kind != "qk"]
    scores = RowScores(counterpart, own[0].columns, classes=4)
    for one in own:
        found = dense.row_correlations(one.rows @ one.columns.T, counts.toarray().astype(float))
        np.testing.assert_allclose(scores.correlations(one), np.diag(found), **EQUAL)
        percentiles = scores.percentiles(one)
        for members in classes_of(counterpart.row_weight, 4):
            for token in members:
                others = found[token, members[members != token]]
                assert percentiles[token] == pytest.approx((others < found[token, token]).mean())


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    checkpoint = open_checkpoint(save(tiny_model("llama"), tmp_path_factory.mktemp("model")), dtype="float64")
    ids = torch.arange(VOCABULARY_SIZE)
    return list(circuits_of(checkpoint.layers(ids), checkpoint.unembedding(ids), checkpoint.last_norm))


def test_a_circuit_that_is_the_lift_scores_1_and_minus_the_lift_minus_1(llama):
    """Where stream and columns have full rank, their map can hold the best fit of the table itself."""
    counterpart = Counterpart.of_counts("bigram", joint_table(3))
    scores = WhitenedScores(counterpart, draws=5)
    direct = llama[0]
    target = scores.direction(direct)
    _, left = dense.whitener(direct.stream, counterpart.row_weight)
    _, right = dense.whitener(direct.columns, counterpart.column_weight)
    best = np.linalg.inv(left) @ target @ np.linalg.inv(right)
    for sign in (1, -1):
        made = type(direct)("direct", None, None, direct.rows, direct.columns, direct.stream, sign * best)
        found = scores.score(made)
        assert found.cosine == pytest.approx(sign, abs=1e-9)
        assert abs(found.null_mean) < 0.3


def test_permuted_tokens_are_a_null(llama):
    """Cosines with permuted tables lie about as far from 0 as the null says, and percentiles are 0.5 in the mean."""
    counts, draw = joint_table(4, gaps=False), np.random.default_rng(0)
    joint = counts.toarray() / counts.sum()
    rows, columns = joint.sum(1), joint.sum(0)
    classes = [classes_of(one, 5) for one in (rows, columns)]
    beyond, total, percentiles = 0, 0, []
    for _ in range(20):
        order = [permutation_within(one, draw) for one in classes]
        permuted = dense.lift(joint)[np.ix_(*order)] + 1
        table = Counterpart("bigram", sparse.csr_array(permuted * np.outer(rows, columns)), rows, columns)
        scores, by_row = WhitenedScores(table, draws=20, classes=5), RowScores(table, llama[0].columns, classes=5)
        for one in llama[:: N_HEADS + 1]:
            if one.kind != "qk":
                beyond, total = beyond + (abs(scores.score(one).z) > 3), total + 1
                percentiles.append(by_row.percentiles(one).mean())
    # |t| > 3 of 19 degrees of freedom has probability 0.007; circuits of a model are not independent.
    assert beyond <= 0.05 * total
    # A mean over 53 ranks has a standard error of 0.29/sqrt(53) = 0.04; of 20 independent tables 0.009.
    assert np.mean(percentiles) == pytest.approx(0.5, abs=0.04)


def test_tables_without_pairs_are_refused():
    with pytest.raises(InputError, match="never occur together in bigram"):
        Counterpart.of_counts("bigram", sparse.csr_array((4, 4)))


def test_classes_have_equal_sizes_and_hold_equally_frequent_tokens():
    frequency = np.random.default_rng(0).permutation(103).astype(float)
    classes = classes_of(frequency, 10)
    assert {len(one) for one in classes} == {10, 11}
    assert all(frequency[a].max() < frequency[b].min() for a, b in pairwise(classes))
    assert len(classes_of(np.ones(5), 10)) == 2
    moved = permutation_within(classes, np.random.default_rng(1))
    assert all(set(moved[members]) == set(members) for members in classes)
    assert D_MODEL < VOCABULARY_SIZE
