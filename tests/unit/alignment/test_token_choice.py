"""Which tokens are compared."""

import numpy as np
import pytest
from scipy import sparse

from leadterm.alignment import BASIS, chosen_tokens, predictor_operators
from leadterm.axes import Axis
from leadterm.errors import InputError
from leadterm.theory import restricted_matrix
from support.alignment_cases import small_corpus
from support.dense_theory import count

COUNTS = np.array([5, 0, 7, 5, 1, 0])


@pytest.mark.parametrize(
    ("choice", "expected"),
    [("all", [0, 1, 2, 3, 4, 5]), ("occurring", [0, 2, 3, 4]), (1, [2]), (2, [0, 2]), (3, [0, 2, 3]), (99, range(6))],
)
def test_tokens_are_chosen_by_their_counts(choice, expected):
    assert chosen_tokens(COUNTS, choice).tolist() == list(expected)


@pytest.mark.parametrize("choice", ["some", 0, -3])
def test_other_choices_are_refused(choice):
    with pytest.raises(InputError, match=f"tokens must be 'all', 'occurring' or the number of most .*, not {choice!r}"):
        chosen_tokens(COUNTS, choice)


def test_rows_and_columns_are_restricted_alike():
    matrix = sparse.csr_array(np.arange(36.0).reshape(6, 6))
    assert restricted_matrix(matrix, np.array([1, 4])).toarray().tolist() == [[7, 10], [25, 28]]
    assert restricted_matrix(matrix, np.arange(6)) is matrix


def test_predictors_are_named_and_oriented():
    corpus = small_corpus()
    basis, query_key = count(corpus.windows, 40).basis(), corpus.operators["query_key"]
    assert set(predictor_operators(basis)) == {"value", *BASIS}
    paper, authors = (predictor_operators(basis, query_key, choice) for choice in ("paper", "authors"))
    assert paper["query_key"].axes == authors["query_key"].axes[::-1] == (Axis.CURRENT, Axis.CONTEXT)
    for name, expected in corpus.dense.items():
        assert np.abs(paper[name].to_dense().numpy() - expected).max() < 1e-15, name
    with pytest.raises(InputError, match="orientation must be 'paper' or 'authors', not 'Paper'"):
        predictor_operators(basis, query_key, "Paper")  # type: ignore[arg-type]
