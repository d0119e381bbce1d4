"""Verdicts on pairs: equal to dense computations, and right where it is known what is in the weights."""

import numpy as np
import pytest
from scipy import sparse

from leadterm.circuits import Circuit, CircuitEvidence, Counterpart, classes_of
from leadterm.circuits.frequency_classes import permutation_within
from leadterm.circuits.pair_evidence import surprise

N, D = 60, 12


@pytest.fixture(scope="module")
def counts() -> np.ndarray:
    draw = np.random.default_rng(0)
    frequency = 1 / np.arange(1, N + 1)
    return draw.poisson(3000 * np.outer(frequency, frequency) * draw.gamma(0.5, 2, (N, N)))


@pytest.fixture(scope="module")
def table(counts) -> Counterpart:
    return Counterpart.of_counts("bigram", sparse.csr_array(counts))


def circuit_of(rows: np.ndarray, columns: np.ndarray) -> Circuit:
    return Circuit("mlp", 0, None, rows, columns, rows, None)


def dense_entries(circuit: Circuit, table: Counterpart) -> np.ndarray:
    """Double-centred by the frequencies, columns divided by the fourth root of their mean square."""
    whole = circuit.rows @ circuit.columns.T
    alpha, gamma = table.row_weight, table.column_weight
    whole = whole - (alpha @ whole)[None] - (whole @ gamma)[:, None] + alpha @ whole @ gamma
    return whole / (alpha @ whole**2) ** 0.25


def test_equal_to_the_dense_computation(counts, table):
    draw = np.random.default_rng(1)
    circuit = circuit_of(draw.normal(size=(N, D)), draw.normal(size=(N, D)))
    entries, evidence = dense_entries(circuit, table), CircuitEvidence(circuit, table, float(counts.sum()), classes=5)
    alpha, gamma = counts.sum(1) / counts.sum(), counts.sum(0) / counts.sum()
    classes = classes_of(table.row_weight, 5)
    for token, other in draw.integers(0, N, (40, 2)).tolist():
        found = evidence.of(token, other)
        # Both are products of some 12 numbers, scaled alike.
        np.testing.assert_allclose(evidence.row(token), entries[token], rtol=1e-9, atol=1e-10)
        row = np.delete(entries[token], other)
        members = next(one for one in classes if token in one)
        column = entries[members[members != token], other]
        assert found.percentile_in_row == pytest.approx((row < entries[token, other]).mean())
        assert found.percentile_in_class == pytest.approx((column < entries[token, other]).mean())
        expected = counts.sum() * alpha[token] * gamma[other]
        assert (found.count, found.expected) == (pytest.approx(counts[token, other]), pytest.approx(expected))
        assert evidence.corpus_row(token)[other] == pytest.approx(found.g)


def test_surprise_is_signed_and_0_where_nothing_is_surprising():
    np.testing.assert_allclose(surprise(np.array([5.0, 0.0]), np.array([5.0, 0.0])), 0)
    # A Poisson count of 1,000 where 900 were expected: (1000 - 900)/sqrt(900) = 3.3, corrected for its skewness.
    assert surprise(np.array([1000.0]), np.array([900.0]))[0] == pytest.approx(3.27, abs=0.01)
    assert surprise(np.array([0.0]), np.array([8.0]))[0] == pytest.approx(-4)


def planted(counts, table, strength: float) -> tuple[Circuit, list[tuple[int, int]]]:
    """A circuit that holds the corpus's three strongest pairs, and little else."""
    expected = counts.sum() * np.outer(table.row_weight, table.column_weight)
    g = surprise(counts.astype(float), expected)
    pairs = [divmod(int(i), N) for i in np.argsort(-g.ravel())[:3]]
    whole = np.random.default_rng(2).normal(size=(N, N)) * 0.01
    for pair in pairs:
        whole[pair] += strength
    left, values, right = np.linalg.svd(whole)
    return circuit_of(left * values, right.T), pairs


def test_verdicts(counts, table):
    circuit, pairs = planted(counts, table, 5.0)
    evidence = CircuitEvidence(circuit, table, float(counts.sum()), classes=2)
    assert [evidence.of(*pair).verdict for pair in pairs] == ["both"] * 3
    without = CircuitEvidence(planted(counts, table, -5.0)[0], table, float(counts.sum()), classes=2)
    assert [without.of(*pair).verdict for pair in pairs] == ["in the corpus"] * 3
    rare = next((a, b) for a in range(N) for b in range(N) if counts[a, b] == 0)
    whole = np.zeros((N, N))
    whole[rare] = 5.0
    left, values, right = np.linalg.svd(whole + np.random.default_rng(3).normal(size=(N, N)) * 0.01)
    other = CircuitEvidence(circuit_of(left * values, right.T), table, float(counts.sum()), classes=2)
    assert other.of(*rare).verdict == "in the weights"
    assert evidence.of(*rare).verdict == "not seen in this circuit"


def test_what_chance_calls_both_is_counted_as_the_loop_counts_it(counts, table):
    draw = np.random.default_rng(4)
    circuit = circuit_of(draw.normal(size=(N, D)), draw.normal(size=(N, D)))
    evidence = CircuitEvidence(circuit, table, float(counts.sum()), classes=3)
    entries, classes = dense_entries(circuit, table), classes_of(table.row_weight, 3)
    order = permutation_within(classes, np.random.default_rng(0))
    expected = counts.sum() * np.outer(table.row_weight, table.column_weight)
    strong = np.argwhere(surprise(counts.astype(float), expected) >= 6)
    hits = [0, 0]
    for token, other in strong.tolist():
        for number, row in enumerate((token, int(order[token]))):
            members = next(one for one in classes if row in one)
            high = entries[row, other] > np.quantile(entries[row], 0.99)
            hits[number] += int(high and entries[row, other] > np.quantile(entries[members, other], 0.99))
    assert evidence.chance() == (len(strong), *hits)
