"""What alignment will take: against what its own code does, multiplication by multiplication."""

import numpy as np
import pytest
import torch
from scipy import sparse

from leadterm.alignment import EVERY, READ, Evaluator, predictor_operators, prepare
from leadterm.alignment.scored_layer import ChosenRows
from leadterm.axes import Axis
from leadterm.checkpoints.shapes import Shape
from leadterm.config import AlignmentSection
from leadterm.operators import SparseOperator
from leadterm.operators import csr_matmul as csr
from leadterm.planner import alignment_cost as expected
from leadterm.planner.alignment_cost import Sizes, expect_alignment
from leadterm.planner.alignment_rates import Rates, measure_rates
from leadterm.planner.interval import Estimate
from leadterm.theory import Basis

V, D, HEADS, R = 60, 12, 3, 4
LAYERS = 4
UNIT = Rates(*[1.0] * 6)


@pytest.fixture(scope="module")
def counts():
    random = np.random.default_rng(0)
    bigram = sparse.csr_array((random.random((V, V)) < 0.2) * random.integers(1, 9, (V, V)))
    context = sparse.csr_array((random.random((V, V)) < 0.4) * random.random((V, V)))
    context = sparse.csr_array(sparse.diags_array(bigram.sum(0) / np.maximum(context.sum(1), 1e-9)) @ context)
    query_key = sparse.csr_array((random.random((V, V)) < 0.3) * random.standard_normal((V, V)))
    return bigram.astype(np.int64), context, query_key


@pytest.fixture
def operators(counts):
    bigram, context, query_key = counts
    n = int(bigram.sum())
    basis = Basis.from_counts(
        bigram, context, n, current_frequency=bigram.sum(1) / n, context_frequency=context.sum(0) / n
    )
    return predictor_operators(basis, SparseOperator(query_key, (Axis.CURRENT, Axis.CONTEXT)))


@pytest.fixture
def sizes(counts) -> Sizes:
    entries = dict(zip(("bigram", "context", "query_key"), (Estimate.exact(one.nnz) for one in counts), strict=True))
    return Sizes(Estimate.exact(V), entries)


@pytest.fixture
def multiplied(monkeypatch) -> list[float]:
    """Nonzeros that meet a column, each time that an operator is applied to some."""
    done: list[float] = []
    multiply = csr.multiply

    def counting(matrix, dense):
        done.append(float(matrix.values().numel() * dense.shape[1]))
        return multiply(matrix, dense)

    monkeypatch.setattr(csr, "multiply", counting)
    return done


def shape(**changes) -> Shape:
    found = {"n_layers": LAYERS, "d_model": D, "n_heads": HEADS, "d_head": R, "vocabulary_size": V, "n_weights": 10**4}
    return Shape(**(found | {"is_gguf": False, "revisions": 1} | changes))


def section(**settings) -> AlignmentSection:
    return AlignmentSection(checkpoints=[{"source": "a/b"}], **settings)


@pytest.mark.parametrize("predictors", ["paper", "every"])
@pytest.mark.parametrize("layers", [None, (0, 1, 3), (2,)])
def test_layers_take_as_many_products_as_are_counted(operators, sizes, multiplied, predictors, layers):
    pairs = READ if predictors == "paper" else EVERY
    names = {name for some in pairs.values() for name in some}
    evaluator = Evaluator([prepare(name, one) for name, one in operators.items() if name in names], pairs)
    multiplied.clear()
    random = torch.Generator().manual_seed(0)
    pre = torch.randn(V, D, generator=random)
    for number in range(LAYERS):
        mid, post, read = (torch.randn(V, D, generator=random) for _ in range(3))
        query, key = (torch.randn(HEADS, D, R, generator=random) for _ in range(2))
        if layers is None or number in layers:
            evaluator.score(ChosenRows(number, pre, mid, post, read, query, key))
        pre = post
    found = expected._score(section(predictors=predictors, layers=layers), [sizes], shape()).parts["entry"]
    assert sum(one.value for one in found) == sum(multiplied)


@pytest.mark.parametrize("norms", ["exact", "estimated"])
def test_norms_take_about_as_many_products_as_are_counted(operators, sizes, multiplied, norms):
    """Beside the few columns of margins; an estimate whose samples are few draws more of them."""
    for name, one in operators.items():
        prepare(name, one, norm=norms, tolerance=1.0)
    found = expected._prepare(section(predictors="every", norms=norms), sizes).parts["entry"]
    if norms == "estimated":  # It has no more directions than there are tokens.
        lacking = 2 * 2 * (expected.DIRECTIONS - V) * sum(expected._entries(sizes, name).value for name in operators)
        assert sum(one.value for one in found) - lacking == pytest.approx(sum(multiplied), rel=0.05)
    else:
        assert sum(one.value for one in found) == pytest.approx(sum(multiplied), rel=0.1)


def seconds(*corpora: Sizes, cores: int = 1, shapes: tuple[Shape, ...] = (), **settings) -> float:
    return expect_alignment(section(**settings), corpora, shapes or (shape(),), UNIT, cores).seconds.value


def test_more_is_longer(sizes):
    base = seconds(sizes, layers=(0, 1))
    assert seconds(sizes, layers=(0, 1), cores=2) == base / 2
    assert seconds(sizes, sizes, layers=(0, 1)) > 1.5 * base, "the shuffled corpus too"
    assert seconds(sizes, layers=(0, 1, 2)) > base
    assert seconds(sizes, layers=(0, 1), heads="none") < base
    assert seconds(sizes, layers=(0, 1), probe="bos") > base
    assert seconds(sizes, layers=(0, 1), predictors="every") > 1.5 * base
    assert seconds(sizes, layers=(0, 1), shapes=(shape(revisions=3),)) > 2 * base


def test_what_is_held_and_scored_at_once(sizes):
    many, four = shape(revisions=10), 4
    stage = expect_alignment(section(at_once=four), [sizes], [many], UNIT, 16)
    one = expect_alignment(section(at_once=1), [sizes], [many], UNIT, 16)
    assert stage.quantities["scoring memory"].value == four * one.quantities["scoring memory"].value
    assert (stage.quantities["revisions"].value, stage.quantities["layers"].value) == (10, 10 * LAYERS)
    packed = expect_alignment(section(at_once=1), [sizes], [shape(revisions=10, is_gguf=True)], UNIT, 16)
    more = packed.quantities["scoring memory"].value - one.quantities["scoring memory"].value
    assert more == 4 * 10**4, "a packed model is widened as a whole before it is filled"


def test_rates_are_of_this_machine(operators, counts):
    bigram, context, _ = counts
    found = measure_rates([(operators["bigram"], bigram.nnz), (operators["context"], context.nnz)])
    assert all(1e-13 < rate < 1e-4 for rate in (found.single, found.double, found.root, found.byte))
    assert found.entry + found.cell > 0
