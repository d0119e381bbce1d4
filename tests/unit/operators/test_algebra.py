"""What the arithmetic refuses, and what it says then."""

import numpy as np
import pytest
import torch
from scipy import sparse

from leadterm.axes import Axis
from leadterm.errors import AxisError, InputError
from leadterm.operators import ProductOperator, RankOneOperator, ScaledOperator, SparseOperator, SumOperator

C, N, X = Axis.CURRENT, Axis.NEXT, Axis.CONTEXT


def leaf(rows: int, columns: int, axes: tuple[Axis, Axis], name: str, **options) -> SparseOperator:
    return SparseOperator(sparse.csr_array(np.ones((rows, columns))), axes, **options).named(name)


@pytest.fixture
def bigram():
    return leaf(5, 5, (C, N), "bigram")


@pytest.fixture
def context():
    return leaf(5, 5, (N, X), "context")


def test_contracting_wrong_axes_names_both_and_says_what_would_fit(bigram):
    with pytest.raises(AxisError) as caught:
        bigram @ bigram
    message = str(caught.value)
    assert "bigram [CURRENT x NEXT], 5 x 5" in message
    assert "the columns of the left are NEXT (5), the rows of the right are CURRENT (5)" in message
    assert "This would fit: bigram.T @ bigram or bigram @ bigram.T." in message


def test_transposing_both_is_suggested_where_only_that_fits(bigram, context):
    with pytest.raises(AxisError, match=r"This would fit: context\.T @ bigram\.T\.$"):
        context @ bigram


def test_sizes_must_agree_too(bigram):
    with pytest.raises(AxisError, match=r"NEXT \(5\), the rows of the right are NEXT \(7\).*No transpose of either"):
        bigram @ leaf(7, 4, (N, X), "context")


def test_the_operator_named_in_a_message_is_the_whole_expression(bigram, context):
    with pytest.raises(AxisError, match=r"cannot contract bigram @ context \[CURRENT x CONTEXT\]"):
        (bigram @ context) @ bigram


def test_sums_and_inner_products_need_the_same_axes(bigram, context):
    for combine in (lambda: bigram + context, lambda: bigram - context, lambda: bigram.inner(context)):
        with pytest.raises(AxisError, match=r"cannot add or compare bigram .* and .*context.* must be the same"):
            combine()
    with pytest.raises(AxisError, match=r"This would fit: bigram in place of the second"):
        bigram + bigram.T


def test_types_do_not_mix(bigram):
    with pytest.raises(InputError, match=r"float64 on cpu.*float32 on cpu differ in number type or device"):
        bigram @ leaf(5, 5, (N, X), "context", dtype="float32")


def test_vectors_of_another_length_are_refused(bigram):
    with pytest.raises(AxisError, match=r"a vector \(5,\) or a matrix \(5, k\) indexed by NEXT; found shape \(4,\)"):
        bigram @ np.ones(4)
    with pytest.raises(AxisError, match=r"indexed by CURRENT; found shape \(4, 2\)"):
        np.ones((2, 4)) @ bigram
    with pytest.raises(AxisError, match=r"found shape \(5, 5, 5\)"):
        bigram @ np.ones((5, 5, 5))


def test_numbers_that_are_not_real_are_refused(bigram):
    for wrong in (np.ones(5, dtype=complex), np.array(list("abcde")), torch.ones(5, dtype=torch.complex64)):
        with pytest.raises(InputError, match="applies to real numbers"):
            bigram @ wrong


def test_integers_and_read_only_arrays_are_applied(bigram):
    vector = np.arange(5)
    vector.flags.writeable = False
    assert np.array_equal(bigram @ vector, np.full(5, 10.0))
    assert (bigram @ np.ones(5, dtype=np.float32)).dtype == np.float64


@pytest.mark.parametrize("other", ["text", None, [1.0] * 5])
def test_other_things_are_left_to_python(bigram, other):
    for combine in (
        lambda: bigram @ other,
        lambda: other @ bigram,
        lambda: bigram + other,
        lambda: bigram - other,
        lambda: bigram * other,
        lambda: bigram / other,
    ):
        with pytest.raises(TypeError):
            combine()


def test_scalars_of_every_kind(bigram):
    for factor in (2, 2.0, np.float64(2), np.float32(2), np.int64(2)):
        for scaled in (bigram * factor, factor * bigram):
            assert np.array_equal(scaled @ np.ones(5), np.full(5, 10.0))
    assert np.array_equal((bigram / 2) @ np.ones(5), np.full(5, 2.5))
    assert np.array_equal(-bigram @ np.ones(5), np.full(5, -5.0))


def test_scalars_that_are_no_scale(bigram):
    with pytest.raises(ZeroDivisionError):
        bigram / 0
    with pytest.raises(InputError, match="cannot be scaled by inf: the factor must be finite"):
        bigram * np.inf


def test_composites_are_flat(bigram, context):
    product = bigram.T @ bigram @ context
    assert isinstance(product, ProductOperator)
    assert [factor.label for factor in product.factors] == ["bigram.T", "bigram", "context"]
    total = bigram + bigram + bigram
    assert isinstance(total, SumOperator)
    assert len(total.terms) == 3
    twice = 2.0 * (3.0 * bigram)
    assert isinstance(twice, ScaledOperator)
    assert (twice.factor, twice.operator) == (6.0, bigram)
    assert isinstance(-RankOneOperator(np.ones(2), np.ones(3), (C, N)), RankOneOperator)


def test_a_factor_may_be_used_again_after_the_sum(bigram):
    """The sum adds in place into its own result, never into a term's entries."""
    total = bigram + bigram
    first = total @ np.ones((5, 2))
    assert np.array_equal(first, total @ np.ones((5, 2)))
    assert np.array_equal(total.to_dense().numpy(), total.to_dense().numpy())


def test_labels_read_like_the_paper(bigram, context):
    assert repr(bigram) == "bigram [CURRENT x NEXT], 5 x 5, float64 on cpu"
    assert bigram.T.label == "bigram.T"
    assert bigram.T.T.label == "bigram"
    assert (bigram.T @ bigram).label == "bigram.T @ bigram"
    assert (0.5 * bigram - bigram).label == "((0.5 * bigram) + (-1 * bigram))"
    big = RankOneOperator(np.ones(12500), np.ones(3), (C, X))
    assert repr(big) == "rank one [CURRENT x CONTEXT], 12,500 x 3, float64 on cpu"
